defmodule Evaluate do
  def bench do
    line = "x = 12; y = x * 2; if rem(y, 3) == 0, do: y |> to_string() |> String.length(), else: Enum.sum(1..x)"
    quoted = Code.string_to_quoted!(line)
    {5_000, fn -> for _ <- 1..5_000, do: {2, _} = Code.eval_quoted(quoted) end}
  end
end
