# Tables, persistent terms, counters.
t = :ets.new(:t, [:set, :public])
:ets.insert(t, for(i <- 1..10, do: {i, i * i}))
IO.inspect(Enum.sort(:ets.tab2list(t)))
IO.inspect(:ets.select(t, [{{:"$1", :"$2"}, [{:>, :"$2", 50}], [{{:"$2", :"$1"}}]}]) |> Enum.sort())
IO.inspect(:ets.update_counter(t, 3, {2, 100}))
IO.inspect(:ets.lookup(t, 3))
# Counters that are big integers of one or several digits, beside elements of all kinds; floats and binaries change, too.
for kind <- [:set, :ordered_set] do
  r = :ets.new(:r, [kind])
  big = 0xFFFFFFFFFFFFFFFF
  :ets.insert(r, {:k, big, Enum.to_list(1..3), 1.5, "12345678", -big, String.duplicate("x", 100)})
  before = :ets.lookup(r, :k)
  IO.inspect(for by <- [-1, 1, 0, -big, big, big, -2 * big, 5], do: :ets.update_counter(r, :k, {2, by}))
  IO.inspect(:ets.update_counter(r, :k, [{2, big}, {6, 1}, {2, 1, 7, big}, {6, -big}, {2, 0}]))
  IO.inspect(:ets.update_element(r, :k, [{4, 2.5}, {5, "abcdefgh"}, {7, String.duplicate("y", 100)}]))
  IO.inspect(:ets.update_element(r, :k, [{4, big}, {2, 2.0}, {3, "abc"}, {3, "de"}]))
  IO.inspect({before, :ets.lookup(r, :k)})
end
o = :ets.new(:o, [:ordered_set])
:ets.insert(o, [{3, :c}, {1, :a}, {2, :b}, {2.0, :b2}])
IO.inspect(:ets.tab2list(o))
IO.inspect({:ets.first(o), :ets.next(o, 1), :ets.last(o)})
b = :ets.new(:b, [:bag])
:ets.insert(b, [{1, :x}, {1, :y}, {1, :x}])
IO.inspect(:ets.lookup(b, 1))
d = :ets.new(:d, [:duplicate_bag, :named_table])
:ets.insert(:d, {1, :x})
:ets.insert(:d, {1, :x})
IO.inspect({:ets.lookup(:d, 1), :ets.info(:d, :size), d})
:persistent_term.put({:key, 1}, %{big: Enum.to_list(1..5)})
IO.inspect(:persistent_term.get({:key, 1}))
c = :counters.new(3, [])
:counters.add(c, 2, 5)
IO.inspect({:counters.get(c, 1), :counters.get(c, 2)})

try do
  :ets.lookup(:no_such_table, 1)
rescue
  e -> IO.puts(Exception.message(e))
end

parent = self()
spawn(fn -> :ets.new(:heir, [:named_table, {:heir, parent, :data}]) && :ets.insert(:heir, {:k, :v}) end)

receive do
  {:"ETS-TRANSFER", _tid, _from, data} -> IO.inspect({data, :ets.lookup(:heir, :k)})
end
