# What handlers do in place instead of calling a native: its values, its errors, and where each is left to the native.
defmodule InPlace do
  import Bitwise

  def put(t, i, v), do: :erlang.setelement(i, t, v)
  def find(k, i, l), do: :lists.keyfind(k, i, l)
  def any(k, i, l), do: :lists.keymember(k, i, l)
  def in_list(x, l), do: :lists.member(x, l)
  def at(i, t), do: :erlang.element(i, t)
  def key(m), do: :erlang.map_get(:b, m)
  def guarded(m) when :erlang.map_get(:b, m) == 2, do: :two
  def guarded(_), do: :other
  def element_is(t, i) when :erlang.element(i, t) == :x, do: true
  def element_is(_, _), do: false
  def one(%{b: v}), do: {:ok, v}
  def one(_), do: :none
  def less(a, b) when a < b, do: :less
  def less(a, b) when a >= b, do: :not_less
  def apply_to(f, x), do: [f.(x)]
  def apply_last(f, x), do: f.(x)
  def env(a, b, c, d, e), do: fn x -> {x, a, b, c, d, e} end
  def slots(x) do
    {a, b} = {one(x), one(x)}
    c = try do
      one(%{b: a})
    rescue
      _ -> b
    end
    {a, b, c}
  end

  def result(f) do
    try do
      f.()
    catch
      class, reason -> {class, reason, hd(__STACKTRACE__) |> Tuple.delete_at(3)}
    end
  end

  def main do
    long = fn n -> Enum.map(1..n, &{:"key#{&1}", &1}) end
    tuples = [{}, {:a}, {:a, :b}, {1, 2, 3}, List.to_tuple(Enum.to_list(1..300)), :no, [1], 1.5]
    for t <- tuples, i <- [0, 1, 2, 3, 4, -1, 300, 1.0, :a, 1 <<< 70] do
      IO.inspect({i, result(fn -> put(t, i, :new) end), result(fn -> at(i, t) end), element_is(t, i)}, limit: 6)
    end

    lists = [[], [{:a, 1}], [:x, {}, {:a}, {1, :a}, {:b, :a}, {1.0, 2}], [{:a, 1} | :tail], long.(15), long.(16), long.(17), long.(400), :no]
    keys = [:a, :key1, :key15, :key16, :key17, :key400, 1, 1.0, [], {1}, "b"]
    for l <- lists, k <- keys, i <- [1, 2] do
      IO.inspect({k, i, result(fn -> find(k, i, l) end), result(fn -> any(k, i, l) end)}, limit: 5)
    end
    for i <- [0, -1, 3, 1.0, :a], do: IO.inspect(result(fn -> find(:a, i, [{:a, 1}]) end))
    for l <- [[], [1, 2.0, :a], [:a | :b], Enum.to_list(1..16), Enum.to_list(1..17), Enum.to_list(1..3000), :no], x <- [1, 1.0, 2.0, :a, :b, 16, 17, 3000, [], {1}] do
      IO.inspect({x, result(fn -> in_list(x, l) end)})
    end

    big = Map.new(1..40, &{&1, &1})
    maps = [%{}, %{b: 2}, %{a: 1}, %{a: 1, b: 2}, %{a: 1, aa: 0, b: 3}, %{:b => 2, 1 => 1}, Map.put(big, :b, 2), big, %{b: nil}, [], {:b}]
    for m <- maps ++ Enum.reverse(maps) do
      IO.inspect({result(fn -> key(m) end), guarded(m), one(m), slots(m)}, limit: 4)
    end

    terms = [0, 1, -1, 1.0, 1 <<< 80, :abcd, :abcde, :abcdf, :ab, :"", {}, {:a}, {:b}, {:abcd, 1}, {:abcde, 1}, {:abcde, 2}, {1, 2}, {1.0, 2}, {2, 1},
      {:a, {:b}}, [], [:a], [:b], [:abcd, 1], [:abcde], [1 | 2], [1.0], "", "a", "b", %{}, %{a: 1}, &is_atom/1]
    for a <- terms, do: IO.puts(Enum.map_join(terms, fn b -> if less(a, b) == :less, do: "<", else: "." end))
    IO.puts(Enum.all?(terms, fn a -> Enum.all?(terms, &(less(a, &1) == if(a < &1, do: :less, else: :not_less))) end))

    funs = [&Integer.to_string/1, &:erlang.abs/1, fn x -> {x} end, fn -> 1 end, env(1, 2, 3, 4, 5), &InPlace.nowhere/1, :no]
    for f <- funs do
      strip = fn {c, {r, _}, _} when r in [:badarity, :badfun] -> {c, r}; other -> other end
      IO.inspect({strip.(result(fn -> apply_to(f, -3) end)), strip.(result(fn -> apply_last(f, -3) end))})
    end
  end
end

InPlace.main()
