defmodule BinaryBuild do
  def bench, do: {1_000_000, fn -> byte_size(build(1_000_000, <<>>)) end}
  defp build(0, acc), do: acc
  defp build(n, acc), do: build(n - 1, <<acc::binary, n::16, 7::4, 1::4>>)
end
