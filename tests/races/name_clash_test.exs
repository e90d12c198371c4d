# A name that is free when one asks may be taken when one registers it.
defmodule NameClashTest do
  use ExUnit.Case

  defp twice(start) do
    parent = self()
    pids = for _ <- 1..2, do: spawn(fn -> send(parent, {self(), start.()}) && Process.sleep(:infinity) end)
    for pid <- pids, do: receive(do: ({^pid, result} -> result), after: (1000 -> :crashed))
  end

  test "race" do
    start = fn ->
      if Process.whereis(:the_one) == nil do
        Process.register(self(), :the_one)
        :owner
      else
        :other
      end
    end

    assert Enum.sort(twice(start)) == [:other, :owner]
  end

  test "right" do
    start = fn ->
      try do
        Process.register(self(), :the_one)
        :owner
      rescue
        ArgumentError -> :other
      end
    end

    assert Enum.sort(twice(start)) == [:other, :owner]
  end
end
