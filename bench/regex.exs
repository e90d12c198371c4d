defmodule RegexScan do
  def bench do
    text = Enum.map_join(1..5_000, "\n", &"2026-11-#{rem(&1, 28) + 1} host#{&1} GET /path/#{&1} 200")
    {25_000, fn -> for _ <- 1..5, do: 5_000 = length(Regex.scan(~r/^(\d+)-(\d+)-(\d+) (\w+) GET (\S+) (\d{3})$/m, text)) end}
  end
end
