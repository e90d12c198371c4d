defmodule MapSmall do
  def bench, do: {1_000_000, fn -> loop(1_000_000, %{a: 1, b: 2, c: 3, count: 0}) end}
  defp loop(0, map), do: map
  defp loop(n, %{count: c, a: a} = map), do: loop(n - 1, %{map | count: c + a})
end
