# Links: a crash takes linked processes along, unless they trap exits.

IO.puts("A process that traps exits is told of the end of those it is linked to:")
Process.flag(:trap_exit, true)

for {name, fun} <- [
      normal: fn -> :ok end,
      exit: fn -> exit(:tired) end,
      killed: fn -> Process.exit(self(), :kill) end
    ] do
  pid = spawn_link(fun)

  receive do
    {:EXIT, ^pid, reason} -> IO.puts("  #{name}: #{inspect(reason)}")
  end
end

IO.puts("A chain of links falls as a whole:")
parent = self()

head =
  spawn(fn ->
    last =
      Enum.reduce(1..5, self(), fn n, previous ->
        pid =
          spawn(fn ->
            Process.link(previous)
            send(parent, {:linked, n})
            Process.sleep(:infinity)
          end)

        receive do
        after
          10 -> pid
        end
      end)

    send(parent, {:chain, last})
    Process.sleep(:infinity)
  end)

for n <- 1..5 do
  receive do
    {:linked, ^n} -> :ok
  end
end

last =
  receive do
    {:chain, last} -> last
  end

ref = Process.monitor(last)
Process.exit(head, :cut)

receive do
  {:DOWN, ^ref, :process, _, reason} -> IO.puts("  the last link ended with #{inspect(reason)}")
end
