defmodule EtsSet do
  def bench do
    table = :ets.new(:bench, [:set, :public])
    {300_000, fn -> run(table, 100_000) end}
  end

  defp run(table, n) do
    for i <- 1..n, do: :ets.insert(table, {i, i * 2, "value"})
    for i <- 1..n, do: [{^i, _, _}] = :ets.lookup(table, i)
    for i <- 1..n, do: :ets.update_counter(table, i, {2, 1})
  end
end
