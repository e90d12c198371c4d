# A counter that is read and put loses what was added in between.
defmodule CountersTest do
  use ExUnit.Case

  defp added(add) do
    counter = :counters.new(1, [])
    tasks = for _ <- 1..2, do: Task.async(fn -> add.(counter) end)
    Task.await_many(tasks)
    :counters.get(counter, 1)
  end

  test "race" do
    assert added(fn c -> :counters.put(c, 1, :counters.get(c, 1) + 1) end) == 2
  end

  test "right" do
    assert added(fn c -> :counters.add(c, 1, 1) end) == 2
  end
end
