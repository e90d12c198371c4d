# Running out of file descriptors: each kind of opening says so, closing gives room again, and who accepts connections
# meanwhile gets the error instead of spinning.
defmodule Descriptors do
  # Opens until it fails; the failure, the next one, and what opening gives after all were closed.
  def fill(open, close) do
    {opened, failure} = open_all(open, [])
    again = open.()
    Enum.each(opened, close)
    Process.sleep(100)
    {failure, again, length(opened) > 5, reopened(open.(), close)}
  end

  def open_all(open, opened) when length(opened) < 500 do
    case open.() do
      {:ok, x} -> open_all(open, [x | opened])
      failure -> {opened, failure}
    end
  end

  def reopened({:ok, x}, close) do
    close.(x)
    :ok
  end

  def reopened(failure, _), do: failure

  def program do
    {:ok, Port.open({:spawn, "sleep 5"}, [])}
  rescue
    e -> {:error, e}
  end

  def accept(listener, to) do
    case :gen_tcp.accept(listener) do
      {:ok, socket} ->
        :gen_tcp.controlling_process(socket, to)
        send(to, {:accepted, :ok})

      failure ->
        send(to, {:accepted, failure})
        Process.sleep(50)
    end

    accept(listener, to)
  end

  def accepted do
    receive do
      {:accepted, what} -> [what | accepted()]
    after
      0 -> []
    end
  end

  def run do
    {_, 0} = System.cmd("prlimit", ["--pid", System.pid(), "--nofile=64:64"])
    open = fn options -> fn -> :file.open('/etc/passwd', options) end end
    IO.inspect(raw: fill(open.([:read, :raw]), &:file.close/1))
    IO.inspect(process: fill(open.([:read]), &:file.close/1))
    IO.inspect(tcp: fill(fn -> :gen_tcp.listen(0, []) end, &:gen_tcp.close/1))
    IO.inspect(udp: fill(fn -> :gen_udp.open(0) end, &:gen_udp.close/1))
    IO.inspect(program: fill(&program/0, &Port.close/1))
    {files, _} = open_all(open.([:read, :raw]), [])
    full = [directory: :file.list_dir('/etc'), program: catch_error(fn -> System.cmd("true", []) end)]
    Enum.each(files, &:file.close/1)
    IO.inspect(full)

    {:ok, listener} = :gen_tcp.listen(0, active: false, backlog: 100)
    {:ok, number} = :inet.port(listener)
    me = self()
    acceptor = spawn(fn -> accept(listener, me) end)
    sockets = for _ <- 1..80, do: :gen_tcp.connect({127, 0, 0, 1}, number, [active: false], 1000)
    Process.sleep(300)
    IO.inspect(connected: sockets |> Enum.map(&elem(&1, 0)) |> Enum.uniq() |> Enum.sort())
    IO.inspect(accepted: accepted() |> Enum.uniq() |> Enum.sort())
    for {:ok, s} <- sockets, do: :gen_tcp.close(s)
    Process.exit(acceptor, :kill)
    :gen_tcp.close(listener)
    Process.sleep(100)
    IO.inspect(System.cmd("echo", ["recovered"]))
  end

  def catch_error(f) do
    f.()
  rescue
    e -> e
  end
end

Descriptors.run()
