defmodule Collection do
  # Builds and drops trees while a large one stays alive.
  def bench do
    {5_000_000, fn ->
      kept = tree(16)
      for _ <- 1..300, do: 16_383 = count(tree(13))
      131_071 = count(kept)
    end}
  end

  defp tree(0), do: {:leaf, nil, nil}
  defp tree(depth), do: {:node, tree(depth - 1), tree(depth - 1)}
  defp count({:leaf, _, _}), do: 1
  defp count({:node, left, right}), do: 1 + count(left) + count(right)
end
