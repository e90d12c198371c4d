# The first of several answers is that of whoever is first.
defmodule FirstAnswerTest do
  use ExUnit.Case

  defp answers(order) do
    me = self()
    pids = for n <- 1..3, do: spawn_link(fn -> send(me, {self(), n * n}) end)
    order.(pids)
  end

  test "race" do
    assert answers(fn pids -> for _ <- pids, do: receive(do: ({_, n} -> n)) end) == [1, 4, 9]
  end

  test "right" do
    assert answers(fn pids -> for pid <- pids, do: receive(do: ({^pid, n} -> n)) end) == [1, 4, 9]
  end
end
