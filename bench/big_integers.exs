defmodule BigIntegers do
  def bench, do: {3_000, &run/0}

  defp run do
    factorial = Enum.reduce(1..3_000, 1, &(&1 * &2))
    sum = factorial |> Integer.digits() |> Enum.sum()
    true = rem(sum, 9) == 0
    fib(20_000, 0, 1)
  end

  defp fib(0, a, _), do: a
  defp fib(n, a, b), do: fib(n - 1, b, a + b)
end
