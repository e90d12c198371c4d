defmodule MapLarge do
  def bench, do: {400_000, fn -> run(200_000) end}

  defp run(n) do
    map = Enum.reduce(1..n, %{}, fn i, map -> Map.put(map, {i, :key}, i) end)
    Enum.reduce(1..n, 0, fn i, sum -> sum + Map.fetch!(map, {i, :key}) end)
  end
end
