defmodule EnumPipeline do
  def bench, do: {500_000, &run/0}

  defp run do
    1..500_000
    |> Enum.map(&(&1 * 3))
    |> Enum.filter(&(rem(&1, 2) == 0))
    |> Enum.chunk_every(10)
    |> Enum.map(&Enum.sum/1)
    |> Enum.group_by(&rem(&1, 7))
    |> Map.new(fn {key, values} -> {key, Enum.count(values)} end)
  end
end
