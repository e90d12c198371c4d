defmodule ParallelSum do
  def bench, do: {16_000_000, &run/0}

  defp run do
    1..4
    |> Enum.map(fn part -> Task.async(fn -> sum(part * 1_000_000, 0, 4_000_000) end) end)
    |> Task.await_many(60_000)
    |> Enum.sum()
  end

  defp sum(_, acc, 0), do: acc
  defp sum(from, acc, n), do: sum(from, acc + rem(from + n, 13), n - 1)
end
