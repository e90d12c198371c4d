defmodule EtsOrdered do
  def bench do
    table = :ets.new(:bench, [:ordered_set])
    {200_000, fn -> run(table, 100_000) end}
  end

  defp run(table, n) do
    for i <- 1..n, do: :ets.insert(table, {rem(i * 7919, n), i})
    walk(table, :ets.first(table))
    :ets.select(table, [{{:"$1", :"$2"}, [{:<, :"$1", 1000}], [:"$2"]}])
  end

  defp walk(_, :"$end_of_table"), do: :ok
  defp walk(table, key), do: walk(table, :ets.next(table, key))
end
