defmodule StreamPipeline do
  def bench, do: {200_000, &run/0}

  defp run do
    Stream.iterate(1, &(&1 + 1))
    |> Stream.map(&(&1 * &1))
    |> Stream.reject(&(rem(&1, 3) == 0))
    |> Stream.take(200_000)
    |> Enum.reduce(0, &(&1 + &2))
  end
end
