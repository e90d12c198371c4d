# Two processes send each other numbered messages.

defmodule PingPong do
  def ponger do
    receive do
      {:ping, n, from} ->
        IO.puts("pong #{n}")
        send(from, {:pong, n})
        ponger()

      :stop ->
        IO.puts("ponger stops")
    end
  end

  def ping(_pid, 0), do: :ok

  def ping(pid, n) do
    IO.puts("ping #{n}")
    send(pid, {:ping, n, self()})

    receive do
      {:pong, ^n} -> ping(pid, n - 1)
    end
  end
end

pid = spawn(PingPong, :ponger, [])
Process.monitor(pid)
PingPong.ping(pid, 3)
send(pid, :stop)

receive do
  {:DOWN, _ref, :process, ^pid, reason} -> IO.puts("down: #{inspect(reason)}")
end
