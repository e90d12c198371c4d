defmodule BinaryParse do
  def bench do
    data = for i <- 1..200_000, into: <<>>, do: <<i::32, 3::8, "abc">>
    {4_000_000, fn -> for _ <- 1..20, do: 20_000_100_000 = parse(data, 0) end}
  end

  defp parse(<<id::32, size::8, _name::binary-size(size), rest::binary>>, sum), do: parse(rest, sum + id)
  defp parse(<<>>, sum), do: sum
end
