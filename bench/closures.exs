defmodule Closures do
  def bench, do: {2_000_000, fn -> apply_all(2_000_000, fn x -> x + 1 end, 0) end}
  defp apply_all(0, _, acc), do: acc

  defp apply_all(n, fun, acc) do
    twice = fn x -> fun.(fun.(x)) - n + n end
    apply_all(n - 1, fun, twice.(acc))
  end
end
