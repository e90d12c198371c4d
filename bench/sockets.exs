defmodule Sockets do
  # An echo server with a process for each of a few hundred connections over the loopback device.
  def bench do
    {:ok, listener} = :gen_tcp.listen(0, [:binary, packet: 2, active: false, backlog: 300, reuseaddr: true, ip: {127, 0, 0, 1}])
    {:ok, port} = :inet.port(listener)
    spawn_link(fn -> accept(listener) end)
    clients = for _ <- 1..250, do: client(port)
    {25_000, fn -> Enum.each(clients, &send(&1, {:go, self()})); Enum.each(clients, fn _ -> receive(do: (:done -> :ok)) end) end}
  end

  defp accept(listener) do
    {:ok, socket} = :gen_tcp.accept(listener)
    server = spawn_link(fn -> receive(do: (:yours -> echo(socket))) end)
    :ok = :gen_tcp.controlling_process(socket, server)
    send(server, :yours)
    accept(listener)
  end

  defp echo(socket) do
    :ok = :inet.setopts(socket, active: :once)

    receive do
      {:tcp, ^socket, data} -> :ok = :gen_tcp.send(socket, data) && echo(socket)
      {:tcp_closed, ^socket} -> :ok
    end
  end

  defp client(port) do
    spawn_link(fn ->
      {:ok, socket} = :gen_tcp.connect({127, 0, 0, 1}, port, [:binary, packet: 2, active: false])
      receive(do: ({:go, to} -> rounds(socket, 100) && send(to, :done)))
    end)
  end

  defp rounds(_, 0), do: true

  defp rounds(socket, n) do
    data = <<n::32, "some payload">>
    :ok = :gen_tcp.send(socket, data)
    {:ok, ^data} = :gen_tcp.recv(socket, 0)
    rounds(socket, n - 1)
  end
end
