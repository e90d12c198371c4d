# Mnesia's tables with copies on two nodes: transactions of both at once, the other node killed and recovered, then this
# one stopped and recovered. The name of the other node is the first argument, the command that starts it again `FAR`.
:logger.set_primary_config(:level, :none)

{:module, module, code, _} =
  defmodule Copies do
    def add(key, n) do
      for _ <- 1..n do
        {:atomic, :ok} =
          :mnesia.transaction(fn ->
            [{:disc, ^key, value, tag}] = :mnesia.wread({:disc, key})
            :mnesia.write({:disc, key, value + 1, tag})
          end)
      end

      :ok
    end

    # The other node may still be about to carry a transaction out that has come to its end: its locks tell.
    def read(key), do: :mnesia.transaction(fn -> :mnesia.read(:disc, key) end)

    def state(table) do
      {:mnesia.table_info(table, :size), :mnesia.table_info(table, :where_to_read) == node(),
       :mnesia.table_info(table, :active_replicas) |> length(),
       :mnesia.table_info(table, :storage_type)}
    end
  end

[far] = Enum.map(System.argv(), &String.to_atom/1)
dir = Path.join(System.tmp_dir!(), "mnesia-#{System.pid()}")
here = String.to_charlist(dir <> "/here")
there = String.to_charlist(dir <> "/there")
File.mkdir_p!(dir)
tables = [:disc, :ram, :only_there]
:net_kernel.monitor_nodes(true)

load = fn ->
  true = Node.connect(far)
  receive do: ({:nodeup, ^far} -> :ok)
  {:module, _} = :rpc.call(far, :code, :load_binary, [module, ~c"copies", code])
  :ok = :rpc.call(far, :application, :set_env, [:mnesia, :dir, there])
end

load.()
:ok = :application.set_env(:mnesia, :dir, here)
IO.inspect(:mnesia.create_schema([node(), far]), label: "schema")
IO.inspect({:mnesia.start(), :rpc.call(far, :mnesia, :start, [])}, label: "start")

both = [node(), far]
fields = [attributes: [:key, :value, :tag], index: [:tag]]
IO.inspect(:mnesia.create_table(:disc, [disc_copies: both] ++ fields))
IO.inspect(:mnesia.create_table(:ram, ram_copies: both))
IO.inspect(:mnesia.create_table(:only_there, disc_only_copies: [far]))

for i <- 1..300, do: :ok = :mnesia.dirty_write({:disc, i, 0, rem(i, 7)})
for i <- 1..100, do: :ok = :mnesia.dirty_write({:ram, i, "value #{i}"})
for i <- 1..100, do: {:atomic, :ok} = :mnesia.transaction(fn -> :mnesia.write({:only_there, i, i * i}) end)

callers =
  for node <- both, _ <- 1..3 do
    Task.async(fn -> :rpc.call(node, Copies, :add, [1, 50]) end)
  end

IO.inspect(Task.await_many(callers, 60_000), label: "added by both")
IO.inspect({Copies.read(1), :rpc.call(far, Copies, :read, [1])}, label: "read")
IO.inspect(:mnesia.transaction(fn -> :mnesia.abort(:why) end))
IO.inspect(:mnesia.transaction(fn -> length(:mnesia.index_read(:disc, 3, :tag)) end))
IO.inspect(:mnesia.transaction(fn -> :mnesia.read(:only_there, 9) end))
IO.inspect(for(t <- tables, do: Copies.state(t)), label: "here")
IO.inspect(for(t <- tables, do: :rpc.call(far, Copies, :state, [t])), label: "there")

# The other node is killed; this one goes on.
{:ok, _} = :mnesia.subscribe(:system)
pid = :rpc.call(far, :os, :getpid, [])
{_, 0} = System.cmd("kill", ["-9", to_string(pid)])
receive do: ({:nodedown, ^far} -> IO.puts("the other node is down"))
receive do: ({:mnesia_system_event, {:mnesia_down, ^far}} -> IO.puts("mnesia knows"))
IO.inspect(Copies.add(2, 30))
IO.inspect(:mnesia.transaction(fn -> :mnesia.read(:only_there, 9) end) |> elem(0))
IO.inspect(for(t <- [:disc, :ram], do: Copies.state(t)), label: "alone")

# It comes back.
Port.open({:spawn, System.fetch_env!("FAR")}, [:binary])
receive do: ({_, {:data, "up" <> _}} -> :ok)
load.()
IO.inspect(:rpc.call(far, :mnesia, :start, []), label: "start again")
IO.inspect(:rpc.call(far, :mnesia, :wait_for_tables, [tables, 20_000]), label: "tables")
receive do: ({:mnesia_system_event, {:mnesia_up, ^far}} -> IO.puts("mnesia is up"))
IO.inspect({Copies.read(2), :rpc.call(far, Copies, :read, [2])}, label: "read")
IO.inspect(for(t <- tables, do: :rpc.call(far, Copies, :state, [t])), label: "there")
IO.inspect(:rpc.call(far, Copies, :add, [3, 10]))

# This one stops, the other goes on, and this one recovers from it.
:stopped = :mnesia.stop()
IO.inspect(:rpc.call(far, Copies, :add, [3, 10]))
:ok = :mnesia.start()
IO.inspect(:mnesia.wait_for_tables(tables, 20_000))
IO.inspect({Copies.read(3), :rpc.call(far, Copies, :read, [3])}, label: "read")
IO.inspect(:mnesia.change_table_copy_type(:ram, far, :disc_copies))
IO.inspect(:mnesia.del_table_copy(:disc, node()))
IO.inspect({:mnesia.dirty_read(:disc, 3), Copies.state(:disc)}, label: "from the other")
:mnesia.stop()
:rpc.call(far, :mnesia, :stop, [])
:rpc.cast(far, :erlang, :halt, [0])
File.rm_rf!(dir)
