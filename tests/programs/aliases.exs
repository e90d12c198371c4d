# A message to an alias arrives however the alias came to the sender: as a term, through the external format, as text,
# through tables, persistent terms and files.
ways = [
  term: & &1,
  external: &:erlang.binary_to_term(:erlang.term_to_binary(&1)),
  compressed: &(:erlang.binary_to_term(:erlang.term_to_binary([&1, List.duplicate(:x, 100)], [:compressed])) |> hd()),
  text: &:erlang.list_to_ref(:erlang.ref_to_list(&1)),
  table: fn a ->
    t = :ets.new(:t, [])
    :ets.insert(t, {a, a})
    [{a, _}] = :ets.lookup(t, :erlang.binary_to_term(:erlang.term_to_binary(a)))
    a
  end,
  persistent_term: fn a ->
    :persistent_term.put(:alias, a)
    :persistent_term.get(:alias)
  end,
  file: fn a ->
    path = Path.join(System.tmp_dir!(), "alias-#{System.pid()}")
    File.write!(path, :erlang.term_to_binary(a))
    a = path |> File.read!() |> :erlang.binary_to_term()
    File.rm!(path)
    a
  end,
  message: fn a ->
    me = self()
    other = spawn(fn -> receive(do: (a -> send(me, {:back, a}))) end)
    send(other, a)
    receive(do: ({:back, a} -> a))
  end
]

arrived = fn m -> receive(do: (^m -> :arrived), after: (0 -> :lost)) end
other = spawn(fn -> Process.sleep(:infinity) end)

kinds = [
  explicit: fn -> :erlang.alias() end,
  reply: fn -> :erlang.alias([:reply]) end,
  monitor: fn -> :erlang.monitor(:process, other, alias: :explicit_unalias) end,
  demonitor: fn -> :erlang.monitor(:process, other, alias: :demonitor) end,
  reply_demonitor: fn -> :erlang.monitor(:process, other, alias: :reply_demonitor) end
]

for {kind, make} <- kinds, {way, through} <- ways do
  a = make.()
  b = through.(a)
  send(b, {:one, a})
  first = arrived.({:one, a})
  send(b, {:two, a})
  second = arrived.({:two, a})
  seen = {a == b, :erlang.phash2(a) == :erlang.phash2(b), first, second, :erlang.demonitor(b, [:info])}
  ended = :erlang.unalias(b)
  send(a, {:three, a})
  send(b, {:three, a})
  IO.inspect({kind, way, seen, ended, arrived.({:three, a}), :erlang.unalias(a)})
end

# A monitor and a spawn that tell by an alias; a caller's `From` that was written down.
{pid, a} =
  :erlang.spawn_opt(fn -> receive(do: (a -> send(:erlang.binary_to_term(a), :from_child))) end,
    monitor: [alias: :explicit_unalias]
  )

send(pid, :erlang.term_to_binary(a))
IO.inspect(receive(do: (:from_child -> :arrived), after: (5000 -> :lost)))
IO.inspect(receive(do: ({:DOWN, ^a, :process, ^pid, :normal} -> :down), after: (5000 -> :lost)))

server =
  spawn(fn ->
    receive(
      do: ({:"$gen_call", from, :x} -> :gen_server.reply(:erlang.binary_to_term(:erlang.term_to_binary(from)), :y))
    )
  end)

IO.inspect(:gen_server.call(server, :x, 5000))

for options <- [
      [],
      [:nodedown_reason],
      [:connection_id],
      [node_type: :all],
      [:nodedown_reason, node_type: :hidden],
      [node_type: :bad],
      [:bad],
      %{},
      %{node_type: :visible},
      %{list: true},
      %{nodedown_reason: 1},
      :bad
    ],
    on <- [true, true, false, false, :bad] do
  IO.inspect({options, on, :net_kernel.monitor_nodes(on, options)})
end
