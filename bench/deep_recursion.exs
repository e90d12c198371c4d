defmodule DeepRecursion do
  def bench, do: {3_000_000, fn -> 4_500_001_500_000 = sum(3_000_000) end}
  defp sum(0), do: 0
  defp sum(n), do: n + sum(n - 1)
end
