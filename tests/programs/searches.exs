# Searches in ordered lists and in maps of all sizes: a step that one word decides goes another way than one that needs
# more, and a search goes on in the next time slice where one ends.
import Bitwise

defmodule Search do
  def member(e, [h | t]) when e > h, do: member(e, t)
  def member(e, [h | _]) when e < h, do: {:before, h}
  def member(_, [h | t]), do: {:found, h, length(t)}
  def member(_, []), do: :none
  def member(_, tail), do: {:tail, tail}

  # The same shape, but another function is called, or other registers are meant.
  def other(e, [h | t]) when e > h, do: member(e, t)
  def other(e, _), do: {:other, e}
  def least(m, [h | t]) when h < m, do: least(h, t)
  def least(m, [h | t]) when m < h, do: least(m, t)
  def least(m, rest), do: {m, rest}
end

odd = [1, 1.0, 1.5, -3, 1 <<< 70, :a, :aa, :abcd, :abcde, :zz, :"", make_ref(), self(), {}, {1}, {1, 2}, {:a}, {:a, 1}, {:abcd, 1},
       {:abcde, 1}, {:b, []}, {{1}, 1}, %{}, %{a: 1}, [], [1], [:a], "", "a", <<1::3>>, &Search.member/2]
# Without what prints otherwise in each run.
shown = fn t -> inspect(t) |> String.replace(~r/#(Reference|PID)<[^>]*>/, "#\\1") end
sorted = Enum.sort(odd)
for e <- odd, do: IO.puts("#{shown.(e)} #{shown.(:ordsets.is_element(e, sorted))} #{shown.(Search.member(e, sorted))}")
for e <- [0, 2, :ab, :abcdd, :zzz, {:a, 0}, {:a, 2}, {:abcd, 0}, {:c, 1}, {0}, {2}], do: IO.puts("#{shown.(e)} #{shown.(Search.member(e, sorted))}")

numbers = Enum.to_list(1..50_000)
names = Enum.sort(for i <- 1..300, a <- 0..2, do: {:"name#{i}", a})
IO.inspect(for e <- [0, 1, 2.5, 25_000, 50_000, 50_001, :a], do: Search.member(e, numbers))
IO.inspect(for e <- [{:name1, 0}, {:name299, 2}, {:name299, 3}, {:nam, 0}, {:zz, 0}, {:name, 1}], do: Search.member(e, names))
IO.inspect({Search.member(3, [1, 2 | :end]), Search.other(3, [1, 2, 3]), Search.other(3, [4]), Search.least(9, [8, 7, 11, 5])})

# Traced, every step is a call.
me = self()
traced = spawn(fn -> receive do: (:go -> send(me, {:found, Search.member({:c, 1}, [{:a, 1}, {:b, 1}, {:c, 1}])})) end)
:erlang.trace(traced, true, [:call])
:erlang.trace_pattern({Search, :member, 2}, true, [:local])
send(traced, :go)
receive do: ({:found, what} -> IO.inspect(what))
for _ <- 1..3, do: receive(do: ({:trace, ^traced, :call, {_, _, [_, list]}} -> IO.inspect(list)))
:erlang.trace_pattern({Search, :member, 2}, false, [:local])

walk = fn
  _, :none -> []
  walk, {k, _, rest} -> [k | walk.(walk, :maps.next(rest))]
end

for size <- [0, 1, 5, 31, 32, 33, 34, 100, 1_000, 20_000] do
  map = Map.new(1..size//1, &{&1 * 3, &1})
  text = Map.new(1..size//1, &{"k#{&1}", {&1}})
  mixed = Map.new(1..size//1, &{{&1, :erlang.phash2(&1)}, &1})
  found = for i <- 0..min(3 * size + 2, 3_000), do: Map.get(map, i, :no)
  again = Enum.reduce(0..min(size, 500), Map.put(map, 3, 0), fn i, m -> %{m | 3 => i} |> Map.put(i, -i) |> Map.put(i * 3, i) end)
  grown = Enum.reduce(1..40, text, &Map.put(&2, "x#{&1}", &1))
  IO.inspect({size, map_size(again), map_size(grown), :erlang.phash2({found, again, grown, mixed})})
  IO.inspect({text["k1"], text["k"], mixed[{2, :erlang.phash2(2)}], is_map_key(again, 3.0), Map.has_key?(again, 3)})
  keys = for({k, _} <- :maps.to_list(again), do: k) ++ walk.(walk, :maps.next(:maps.iterator(again)))
  IO.inspect({length(keys), Enum.sum(keys), :maps.fold(fn _, v, a -> a + v end, 0, again), map_size(:maps.filter(fn k, _ -> rem(k, 2) == 0 end, again))})
end
