# A program that does not read: who writes to it is suspended, the system monitor hears of it, and closing wakes all.
me = self()
Process.flag(:trap_exit, true)
:erlang.system_monitor(me, [:busy_port])
data = :binary.copy("x", 100_000)

write = fn port ->
  try do
    for _ <- 1..50, do: Port.command(port, data)
    :written
  rescue
    e in ArgumentError -> e.__struct__
  end
end

for {name, args} <- [{"reads late", ["-c", "sleep 1; cat >/dev/null"]}, {"never reads", ["-c", "sleep 5"]}] do
  port = Port.open({:spawn_executable, "/bin/sh"}, [:binary, args: args])
  writer = spawn(fn -> send(me, {:ended, self(), write.(port)}) end)

  receive do
    {:monitor, ^writer, :busy_port, ^port} -> IO.puts("#{name}: the port is busy")
  end

  Process.sleep(100)
  IO.inspect({Process.info(writer, :status), Port.command(port, data, [:nosuspend])})
  if name == "never reads", do: Port.close(port)

  receive do
    {:ended, ^writer, how} -> IO.inspect(how)
  end
end
