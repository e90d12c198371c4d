defmodule Floats do
  # The Mandelbrot set on a grid of 240 by 240, at most 100 steps a point.
  def bench, do: {57_600, fn -> for(y <- 1..240, x <- 1..240, do: steps(x / 80 - 2.0, y / 120 - 1.0)) |> Enum.sum() end}
  defp steps(a, b), do: steps(a, b, 0.0, 0.0, 0)
  defp steps(_, _, _, _, 100), do: 100
  defp steps(_, _, x, y, n) when x * x + y * y > 4.0, do: n
  defp steps(a, b, x, y, n), do: steps(a, b, x * x - y * y + a, 2.0 * x * y + b, n + 1)
end
