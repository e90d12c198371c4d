defmodule Tak do
  def bench, do: {1, fn -> 9 = tak(24, 16, 8) end}
  def tak(x, y, z) when y >= x, do: z
  def tak(x, y, z), do: tak(tak(x - 1, y, z), tak(y - 1, z, x), tak(z - 1, x, y))
end
