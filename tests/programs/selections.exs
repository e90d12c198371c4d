# Functions that choose among many values, as lexers do: the compiler makes chains of tests and selections of them, and
# jumps into their midst from other clauses.
import Bitwise

defmodule Choices do
  # One value, in clauses that others stand between.
  def one(?a, _), do: 1
  def one(x, 2) when x == ?b, do: 2
  def one(?b, _), do: 3
  def one(x, y) when x in [?c, ?d, ?e, 0x2028, 1_000_000] and y > 1, do: 4
  def one(?d, 1), do: 5
  def one(:a, _), do: 6
  def one("a", _), do: 7
  def one(x, _) when x in [:b, :c, nil, true], do: 8
  def one(x, y) when x != ?f and x != ?g and y != ?h, do: 9
  def one(?f, _), do: 10
  def one(1.0, _), do: 11
  def one([], _), do: 12
  def one(_, _), do: 13

  # Three values at a time: a later clause begins where the second one fails.
  def three([?+, ?+, ?+ | _]), do: :plus3
  def three([?-, ?-, ?- | _]), do: :minus3
  def three([?., ?., ?. | _]), do: :dots3
  def three([?+, ?+ | _]), do: :plus2
  def three([?-, ?- | _]), do: :minus2
  def three([?., ?. | _]), do: :dots2
  def three([?<, ?- | _]), do: :arrow
  def three([?-, ?> | _]), do: :to
  def three([a, b | _]) when (a == ?= and b == ?=) or (a == ?! and b == ?=) or (a == ?= and b == ?~), do: :equal
  def three([a | _]) when a == ?+ or a == ?- or a == ?! or a == ?^, do: :one
  def three([c | t]) when c != ?\s and c != ?\t and c != ?\n, do: {c, length(t)}
  def three([_ | _]), do: :space
  def three([]), do: :none

  for n <- 0..60 do
    def sparse(unquote(n * n * 7919)), do: unquote(n)
    def sparse(unquote(:"atom#{n}")), do: unquote(n)
  end

  def sparse(x) when tuple_size(x) in [0, 2, 3, 5, 8, 13, 21, 34, 55], do: {:size, tuple_size(x)}
  def sparse(_), do: :other

  def size({}), do: 0
  def size({_}), do: 1
  def size({_, _, _}), do: 3
  def size({_, _, _, _}), do: 4
  def size({_, _, _, _, _, _, _, _, _}), do: 9
  def size(_), do: :other
end

values = Enum.to_list(?a..?i) ++ [:a, :b, :c, nil, true, false, "a", 1.0, 97.0, [], 0x2028, 1_000_000, -1, 1 <<< 70, self()]
IO.inspect(for(x <- values, y <- [1, 2, ?h], do: Choices.one(x, y)), limit: :infinity)

signs = ~c"+-.<>=!~^ \tx"
lists = for(a <- signs, b <- signs, c <- signs, do: [a, b, c]) ++ for(a <- signs, b <- signs, do: [a, b]) ++ [[], ~c"+"]
IO.inspect(Enum.map(lists, &Choices.three/1), limit: :infinity)

sparse = for(n <- -1..61, do: [n * n * 7919, n * n * 7919 + 1, n, :"atom#{n}"]) ++ for n <- 0..60, do: Tuple.duplicate(n, n)
IO.inspect(for(x <- List.flatten(sparse), do: Choices.sparse(x)), limit: :infinity)
IO.inspect(for(n <- 0..12, do: Choices.size(Tuple.duplicate(:x, n))) ++ [Choices.size([]), Choices.size(%{})])

# The order of terms whose first difference lies anywhere.
terms =
  for(a <- [:a, :ab, :abc, :abcd, :abcde, :abcdf, :"", :é, :"a\0", 1, 1.0, 2], b <- [:b, 1, 1.0, [], [1], {1}, "x"]) do
    [{a, b}, {b, a}, [a, b], [b, a], {a}, [a | b], {{a, b}, 1}, [[a], b], %{a => b}]
  end
  |> Enum.concat()

order = for x <- terms, y <- terms, do: {x < y, x >= y, x == y, x != y, x === y, x > y}
IO.inspect(:erlang.phash2(order))
IO.inspect(Enum.sort(terms), limit: :infinity)
