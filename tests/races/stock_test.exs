# Two that find one piece left both take it.
defmodule StockTest do
  use ExUnit.Case

  defp left(take) do
    table = :ets.new(:stock, [:public])
    :ets.insert(table, {:pieces, 1})
    tasks = for _ <- 1..2, do: Task.async(fn -> take.(table) end)
    taken = Enum.count(Task.await_many(tasks), & &1)
    {taken, :ets.lookup_element(table, :pieces, 2)}
  end

  test "race" do
    take = fn table ->
      if :ets.lookup_element(table, :pieces, 2) > 0, do: :ets.update_counter(table, :pieces, -1) >= -1, else: false
    end

    assert left(take) == {1, 0}
  end

  test "right" do
    take = fn table -> :ets.update_counter(table, :pieces, [{2, 0}, {2, -1, 0, 0}]) |> hd() > 0 end
    assert left(take) == {1, 0}
  end
end
