# A thousand links: a chain, a star and a full mesh of 100 fall together; who traps exits hears of all of them.
defmodule Fall do
  def wait, do: receive(do: (:never -> :ok))

  def chain(0, boss), do: (send(boss, :built); wait())
  def chain(n, boss), do: (spawn_link(fn -> chain(n - 1, boss) end); wait())

  def down(pids, expected) do
    refs = for p <- pids, do: Process.monitor(p)
    Enum.all?(refs, fn r -> receive(do: ({:DOWN, ^r, _, _, reason} -> reason in [expected, :noproc])) end)
  end
end

me = self()
before = :erlang.system_info(:process_count)
top = spawn(fn -> Fall.chain(1000, me) end)
receive do: (:built -> :ok)
IO.inspect(:erlang.system_info(:process_count) - before, label: "chain")
Process.exit(top, :fall)
IO.inspect(Fall.down([top], :fall))

wait = fn wait -> if :erlang.system_info(:process_count) > before, do: (Process.sleep(1); wait.(wait)) end
wait.(wait)
IO.puts("the chain has fallen")

centre = spawn(fn ->
  pids = for _ <- 1..1000, do: spawn_link(&Fall.wait/0)
  send(me, pids)
  Fall.wait()
end)
pids = receive(do: (p when is_list(p) -> p))
Process.flag(:trap_exit, true)
for p <- pids, do: Process.link(p)
Process.exit(Enum.at(pids, 500), :star)
IO.inspect(Fall.down([centre | pids], :star), label: "star")
IO.inspect(length(for p <- pids, do: receive(do: ({:EXIT, ^p, :star} -> :ok))), label: "heard of")

mesh = for _ <- 1..100 do
  spawn(fn ->
    receive do: ({:link, all} -> for(p <- all, p != self(), do: Process.link(p)))
    send(me, :meshed)
    Fall.wait()
  end)
end
for p <- mesh, do: send(p, {:link, mesh})
for _ <- mesh, do: receive(do: (:meshed -> :ok))
Process.exit(hd(mesh), :mesh)
IO.inspect(Fall.down(mesh, :mesh), label: "mesh")
IO.inspect(receive(do: (x -> x), after: (0 -> :nothing_more)))
