defmodule Tokenize do
  @line "x = 12; y = x * 2; if rem(y, 3) == 0, do: y |> to_string() |> String.length(), else: Enum.sum(1..x)"
  def bench, do: {20_000, fn -> for _ <- 1..20_000, do: {:__block__, _, _} = Code.string_to_quoted!(@line) end}
end
