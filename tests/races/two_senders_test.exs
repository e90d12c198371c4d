# Messages of two processes arrive in either order.
defmodule TwoSendersTest do
  use ExUnit.Case

  test "race" do
    me = self()
    spawn_link(fn -> send(me, :first) end)
    spawn_link(fn -> send(me, :second) end)
    assert [:first, :second] == for(_ <- 1..2, do: receive(do: (m -> m)))
  end

  test "right" do
    me = self()
    spawn_link(fn -> send(me, {1, :first}) end)
    spawn_link(fn -> send(me, {2, :second}) end)
    assert [:first, :second] == for(i <- 1..2, do: receive(do: ({^i, m} -> m)))
  end
end
