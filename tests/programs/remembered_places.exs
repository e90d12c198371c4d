# What calls, map instructions and guards remember of what came last must not show: the same places see maps with other
# keys, other modules, reloaded modules, and arguments that a guard fails on.
defmodule S do
  defstruct [:a, :b, c: 3, d: "x"]
end

defmodule Maps do
  def new(a, b), do: %{"s" => b, 1.0 => a, 1 => b, {1, 2} => 3, a: a, b: b, c: 1}
  def struct(a, b), do: %S{a: a, b: b}
  def exact(m, a, b), do: %{m | a: a, b: b}
  def get(%{a: a, b: b}), do: {a, b}
  def get(%{a: a}), do: a
  def get(%{"s" => x, 1.0 => y}), do: {x, y}
  def get(_), do: :none
  def var(k, l, v), do: %{k => v, l => [v]}
end

defmodule Calls do
  def to_s(m, x), do: m.to_string(x)
  def last(m, f, x), do: apply(m, f, [x])
  def call(f, x), do: [f.(x)]
  def call_last(f, x), do: f.(x)
end

defmodule Guards do
  def size(x) when tuple_size(x) == 2, do: {:tuple, tuple_size(x)}
  def size(x) when byte_size(x) == 2, do: {:bytes, byte_size(x), bit_size(x)}
  def size(x) when bit_size(x) == 9, do: {:bits, bit_size(x), byte_size(x)}
  def size(x) when map_size(x) == 1, do: :map
  def size(x) when length(x) == 2, do: {:list, length(x)}
  def size(x) when is_map_key(x, :k), do: :key
  def size(x) when :erlang.map_get(:l, x) == 1, do: :got
  def size(x) when hd(x) == 7, do: :seven
  def size(x) when elem(x, 3) == 4, do: :fourth
  def size(x) when abs(x) == 3, do: {:three, -x, abs(x), Bitwise.bnot(x)}
  def size(x) when is_function(x, 2), do: :fun2
  def size(_), do: :other
  def types(x), do: {is_atom(x), is_binary(x), is_boolean(x), is_float(x), is_integer(x), is_list(x), is_map(x), is_tuple(x)}
  def negate(x), do: -x
  def absolute(x), do: abs(x)
  def len(x), do: length(x)
  def less(a, b), do: {a < b, a <= b, a == b, a != b, if(a < b, do: 1), if(a >= b, do: 2), if(a == b, do: 3), if(a != b, do: 4)}
end

fails = fn f ->
  try do
    f.()
  rescue
    e -> {e.__struct__, Exception.message(e), hd(__STACKTRACE__) |> elem(1)}
  end
end

IO.inspect(Maps.new(1, [2]))
IO.inspect(Maps.struct(1, 2))
IO.inspect(Maps.exact(Maps.struct(1, 2), 5, 6))
for m <- [%{a: 1}, %{b: 1}, %{}, 1, Map.new(1..40, &{&1, &1})], do: IO.inspect(fails.(fn -> Maps.exact(m, 1, 2) end))
maps = [%{a: 1}, %{a: 1, b: 2}, %{z: 1, a: 2, b: 3}, %{"s" => 1, 1.0 => 2}, %{"s" => 1, 1 => 2}, %{}, Map.new(1..40, &{&1, &1}), Map.put(Map.new(1..40, &{&1, &1}), :a, 1), Maps.new(1, 2)]
IO.inspect(for m <- maps ++ maps, do: Maps.get(m))
IO.inspect([Maps.var(:a, :a, 1), Maps.var(1, 1.0, 1), Maps.var("s", :b, 2)])
m = Maps.new(1, 2)
IO.inspect([:erts_debug.same(m, %{m | a: 1, b: 2}), :erts_debug.same(m, %{m | a: 1, b: 3})])

source = ~c"""
-module(putting). -export([one/2, three/3, v/0]). v() -> 1.
one(M, A) -> M\#{k => A, l => [A]}.
three(M, A, B) -> M\#{b => A, z => B, <<"x">> => A}.
"""

load = fn source ->
  {:ok, tokens, _} = :erl_scan.string(source)
  forms = Enum.chunk_while(tokens, [], fn t, acc -> if elem(t, 0) == :dot, do: {:cont, Enum.reverse([t | acc]), []}, else: {:cont, [t | acc]} end, fn _ -> {:cont, []} end)
  forms = Enum.map(forms, fn f -> {:ok, form} = :erl_parse.parse_form(f); form end)
  {:ok, name, code} = :compile.forms(forms)
  :code.purge(name)
  {:module, ^name} = :code.load_binary(name, ~c"#{name}.erl", code)
end

load.(source)

for m <- [%{}, %{a: 1}, %{a: 1}, %{k: 1}, %{k: 1, l: [1]}, %{b: 1, z: 1}, %{x: 1, a: 2}, %{a: 5}, 5, %{"x" => 1}, %{1.0 => 2}, %{k: 2, l: [2]}] do
  IO.inspect([fails.(fn -> :putting.one(m, 1) end), fails.(fn -> :putting.three(m, 1, 2) end)])
  IO.inspect(is_map(m) and :erts_debug.same(m, :putting.one(m, 2)))
end

big = Map.new(1..31, &{&1, &1})
IO.inspect([map_size(:putting.one(big, 1)), map_size(:putting.one(Map.delete(big, 1), 1)), :putting.one(big, 1) == Map.merge(big, %{k: 1, l: [1]})])

# A map that shares literals of code outlives it.
kept = :putting.one(%{a: 1}, 2)
versions =
  for v <- 1..3 do
    load.(~c"-module(putting). -export([v/1]). v(_) -> #{v}.")
    {:putting.v(0), Calls.last(:putting, :v, 0), Calls.call(&:putting.v/1, 0)}
  end

IO.inspect(versions)
:code.purge(:putting)
:erlang.garbage_collect()
IO.inspect(kept)

IO.inspect(for m <- [Integer, Atom, Integer, Float], do: fails.(fn -> Calls.to_s(m, if(m == Atom, do: :x, else: if(m == Float, do: 1.5, else: 7))) end))
IO.inspect(fails.(fn -> Calls.to_s(Nowhere, 1) end))
IO.inspect(fails.(fn -> Calls.last(:erlang, :atom_to_list, 1) end))
IO.inspect(fails.(fn -> Calls.last(:erlang, :error, :mine) end))
IO.inspect(fails.(fn -> Calls.last(1, :error, :mine) end))
funs = [&Integer.to_string/1, &:erlang.atom_to_list/1, &Nowhere.f/1, &List.first/1, &Map.get/2, fn x -> x end, fn _, _ -> 1 end, :no]
for f <- funs ++ funs, g <- [&Calls.call/2, &Calls.call_last/2], do: IO.inspect(fails.(fn -> g.(f, 12) end) |> then(&if is_tuple(&1), do: elem(&1, 0), else: &1))

values = [{1, 2}, "ab", <<1::9>>, %{q: 1}, [1, 2], %{k: 1, j: 2}, %{l: 1, j: 1}, [7], {1, 2, 3, 4}, -3, 3, fn a, b -> a + b end, &Map.get/2, fn -> 1 end, :a, 1.5, [1 | 2], Bitwise.bsl(1, 70), -Bitwise.bsl(1, 59), Bitwise.bsl(1, 59) - 1, true, Enum.to_list(1..40), self()]
for v <- values, do: IO.inspect({Guards.size(v), Guards.types(v)})
for v <- values, f <- [&Guards.negate/1, &Guards.absolute/1, &Guards.len/1], do: IO.inspect(fails.(fn -> f.(v) end) |> then(&if is_tuple(&1), do: elem(&1, 0), else: &1))
plain = [1, 1.0, 2, :a, :b, "a", {1}, [1], [], %{}, Bitwise.bsl(1, 70), -Bitwise.bsl(1, 70), 1.0e30]
for a <- plain, b <- plain, do: IO.inspect({a, b, Guards.less(a, b)})
