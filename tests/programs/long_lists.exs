# Natives over long lists pause and go on: what they do must be seen as a whole, failures must name the whole call, and
# the caller can be killed meanwhile.
defmodule Wait do
  def ready(pid), do: receive(do: ({:ready, ^pid} -> :ok))
  def down(pid), do: receive(do: ({:DOWN, _, :process, ^pid, why} -> why))
end

n = 60_000
rows = for i <- 1..n, do: {i, {:value, i}, [i]}

describe = fn f ->
  try do
    f.()
  catch
    kind, reason ->
      [{m, name, args, info} | _] = __STACKTRACE__
      args = if is_list(args), do: Enum.map(args, &if(is_list(&1), do: {:list, :erlang.phash2(&1)}, else: :other))
      {kind, reason, m, name, args, info[:error_info]}
  end
end

for kind <- [:set, :bag, :duplicate_bag, :ordered_set] do
  t = :ets.new(:t, [kind, :public])
  IO.inspect({kind, :ets.insert(t, rows), :ets.info(t, :size), :ets.lookup(t, n)})
  IO.inspect({kind, :ets.insert_new(t, rows), :ets.insert_new(t, [{0} | rows]), :ets.member(t, 0)})
  more = for i <- (n + 1)..(2 * n), do: {i, i}
  IO.inspect({kind, :ets.insert_new(t, more ++ [{1, 1}]), :ets.insert_new(t, more), :ets.info(t, :size)})
  # Which of two rows with one key stays in a set is not defined.
  double = for(i <- 1..n, do: {i, :old}) ++ for i <- 1..n, do: {i, :new}
  u = :ets.new(:u, [kind])
  IO.inspect({kind, :ets.insert(u, double), length(:ets.lookup(u, 7)), :ets.info(u, :size)})
end

# Nothing is inserted when an element is no row, or the list does not end.
t = :ets.new(:t, [:public, keypos: 2])
IO.inspect(describe.(fn -> :ets.insert(t, rows ++ [{1}]) end))
IO.inspect(describe.(fn -> :ets.insert_new(t, rows ++ [:x]) end))
IO.inspect({describe.(fn -> :ets.insert(t, rows ++ {1, 2}) end) |> elem(1), :ets.info(t, :size)})
IO.inspect(describe.(fn -> :ets.insert(:no_such_table, rows) end))
private = Task.await(Task.async(fn -> :ets.new(:p, [:protected]) end))
IO.inspect(describe.(fn -> :ets.insert(private, rows) end))

# Readers see all rows of a list or none, whoever writes beside.
t = :ets.new(:t, [:public])
me = self()

readers =
  for _ <- 1..2 do
    spawn_monitor(fn ->
      send(me, {:ready, self()})

      look = fn look ->
        sizes = :ets.info(t, :size)
        first = :ets.lookup(t, 1) != []
        last = :ets.member(t, n)
        # What was there first stays, so the last row is there when the first one was.
        if first and not last, do: exit({:half, sizes})
        if last, do: exit(:whole), else: look.(look)
      end

      look.(look)
    end)
  end

for {pid, _} <- readers, do: Wait.ready(pid)

writer = spawn_monitor(fn -> for i <- 1..1000, do: :ets.insert(t, {-i}) end)
:ets.insert(t, rows)

for {pid, _} <- [writer | readers], do: IO.inspect(Wait.down(pid))

IO.inspect(:ets.info(t, :size))

# A caller that is killed has inserted all or nothing, and leaves the table usable; so has one whose table goes.
for round <- 1..20 do
  t = :ets.new(:t, [:public])

  {pid, _} =
    spawn_monitor(fn ->
      send(me, {:ready, self()})
      :ets.insert(t, rows)
    end)

  Wait.ready(pid)
  for _ <- 1..(round * 50), do: :erlang.yield()
  Process.exit(pid, :kill)
  Wait.down(pid)
  size = :ets.info(t, :size)
  true = size in [0, n]
  true = :ets.insert(t, {0})

  {pid, _} =
    spawn_monitor(fn ->
      send(me, {:ready, self()})
      exit(describe.(fn -> :ets.insert(t, rows) end))
    end)

  Wait.ready(pid)
  :ets.delete(t)

  case Wait.down(pid) do
    true -> :ok
    {:error, :badarg, :ets, :insert, [:other, {:list, _}], _} -> :ok
  end
end

IO.puts("done")
