# Ten million frames, and an exception through them; terms nested two million deep in every native that follows terms.
defmodule Deep do
  def count(0), do: 0
  def count(n), do: 1 + count(n - 1)
  def fail(0), do: throw(:bottom)
  def fail(n), do: 1 + fail(n - 1)
  def list(0, a), do: a
  def list(n, a), do: list(n - 1, [a])
  def tuple(0, a), do: a
  def tuple(n, a), do: tuple(n - 1, {n, a})
  def map(0, a), do: a
  def map(n, a), do: map(n - 1, %{n => a})
  def fun(0, a), do: a
  def fun(n, a), do: fun(n - 1, fn -> a end)
end

IO.inspect(Deep.count(10_000_000))
IO.inspect(catch_throw = try do Deep.fail(10_000_000) catch x -> x end)
_ = catch_throw
n = 500_000
for make <- [&Deep.list/2, &Deep.tuple/2, &Deep.map/2] do
  {a, b, c} = {make.(n, 1), make.(n, 1), make.(n, 2)}
  IO.inspect({a == b, a === b, a == c, a < c, c < a})
  IO.inspect(:erlang.phash2(a) == :erlang.phash2(b))
  IO.inspect({:erlang.external_size(a), byte_size(:erlang.term_to_binary(a))})
  IO.inspect(:erlang.binary_to_term(:erlang.term_to_binary(a)) == b)
  send(self(), a)
  IO.inspect(receive(do: (x -> x == b)))
  t = :ets.new(:t, [])
  :ets.insert(t, {a, 1})
  IO.inspect(:ets.lookup(t, b) == [{b, 1}])
  IO.inspect(:ets.delete(t))
  IO.inspect(Map.get(%{a => 1}, b))
  {_, ref} = spawn_monitor(fn -> exit(b) end)
  IO.inspect(receive(do: ({:DOWN, ^ref, _, _, r} -> r == a)))
  :erlang.garbage_collect()
  IO.inspect(a == b)
end
f = Deep.fun(n, 1)
send(self(), f)
IO.inspect(receive(do: (x -> x == f)))
IO.inspect(IO.iodata_to_binary(Deep.list(n, "x")))
IO.inspect(:lists.flatten(Deep.list(n, 1)))
