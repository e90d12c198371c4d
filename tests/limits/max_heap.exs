# A process that outgrows its max_heap_size is killed, before or while it does so, and nobody else is hurt.
defmodule Grow do
  def list(l), do: list([1 | l])
  def binary(b), do: binary([:binary.copy("x", 1000) | b])
end

:logger.set_primary_config(:level, :none)

for {name, f} <- [list: fn -> Grow.list([]) end, map: fn -> Enum.reduce(Stream.iterate(0, &(&1 + 1)), %{}, &Map.put(&2, &1, &1)) end,
                  native: fn -> :lists.seq(1, 10_000_000) end, tuple: fn -> :erlang.make_tuple(5_000_000, 0) end,
                  copy: fn -> t = :lists.seq(1, 50_000); for(_ <- 1..100, do: :erlang.binary_to_term(:erlang.term_to_binary(t))) end,
                  dictionary: fn -> for(i <- 1..2_000_000, do: Process.put(i, i)) end,
                  caught: fn -> try(do: Grow.list([]), catch: (_, _ -> :caught)) end] do
  {pid, ref} = :erlang.spawn_opt(f, [:monitor, max_heap_size: %{size: 300_000, kill: true, error_logger: false}])
  receive do: ({:DOWN, ^ref, :process, ^pid, reason} -> IO.inspect({name, reason}))
end

# Messages that wait count when they are on the heap.
{pid, ref} = :erlang.spawn_opt(fn -> receive(do: (:go -> receive(do: (:never -> :ok)))) end, [:monitor, max_heap_size: %{size: 100_000, kill: true, error_logger: false}])
Process.flag(:max_heap_size, 0)
for _ <- 1..200, do: send(pid, List.duplicate(:x, 1000))
send(pid, :go)
:erlang.garbage_collect(pid)
receive do: ({:DOWN, ^ref, :process, ^pid, reason} -> IO.inspect({:messages, reason})), after: (2000 -> IO.inspect(:lives))

# Without kill, it goes on.
{pid, ref} = :erlang.spawn_opt(fn -> exit(length(:lists.seq(1, 500_000))) end, [:monitor, max_heap_size: %{size: 100_000, kill: false, error_logger: false}])
receive do: ({:DOWN, ^ref, :process, ^pid, reason} -> IO.inspect({:no_kill, reason}))

# A trapping, catching process is killed all the same.
{pid, ref} = :erlang.spawn_opt(fn -> Process.flag(:trap_exit, true); try(do: Grow.list([]), catch: (_, _ -> :caught), after: IO.puts("after")) end, [:monitor, max_heap_size: %{size: 100_000, kill: true, error_logger: false}])
receive do: ({:DOWN, ^ref, :process, ^pid, reason} -> IO.inspect({:trapping, reason}))
IO.inspect(try do :erlang.spawn_opt(fn -> :ok end, max_heap_size: 10) catch k, r -> {k, r} end)
IO.inspect(try do Process.flag(:max_heap_size, %{size: -1}) catch k, r -> {k, r} end)
