# Looking for a row and inserting one are two steps: two processes may both find none.
defmodule CheckThenActTest do
  use ExUnit.Case

  defp claims(claim) do
    table = :ets.new(:claims, [:public])
    parent = self()
    for who <- 1..2, do: spawn_link(fn -> send(parent, {who, claim.(table, who)}) end)
    results = for who <- 1..2, do: receive(do: ({^who, result} -> result))
    Enum.count(results, & &1)
  end

  test "race" do
    claim = fn table, who ->
      if :ets.lookup(table, :owner) == [], do: :ets.insert(table, {:owner, who}), else: false
    end

    assert claims(claim) == 1
  end

  test "right" do
    assert claims(fn table, who -> :ets.insert_new(table, {:owner, who}) end) == 1
  end
end
