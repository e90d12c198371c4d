# Two servers that call each other wait for each other when both are asked at the same time.
defmodule CallCycle.Server do
  use GenServer
  def start_link(_), do: GenServer.start_link(__MODULE__, nil)
  def init(_), do: {:ok, nil}
  def handle_call({:ask, other}, _from, state), do: {:reply, GenServer.call(other, :value), state}
  def handle_call({:tell, value}, _from, state), do: {:reply, value, state}
  def handle_call(:value, _from, state), do: {:reply, 1, state}
end

defmodule CallCycleTest do
  use ExUnit.Case

  setup do
    Process.flag(:trap_exit, true)
    {:ok, a} = CallCycle.Server.start_link(nil)
    {:ok, b} = CallCycle.Server.start_link(nil)
    %{a: a, b: b}
  end

  defp both(one, other) do
    parent = self()
    for f <- [one, other], do: spawn_link(fn -> send(parent, {:answer, f.()}) end)
    for _ <- 1..2, do: receive(do: ({:answer, n} -> n), after: (6000 -> :none))
  end

  test "race", %{a: a, b: b} do
    # The first asks after a moment of its own.
    one = fn -> GenServer.call(a, {:ask, b}) end
    other = fn -> GenServer.call(b, {:ask, a}) end
    first = spawn_link(fn -> GenServer.call(a, :value) end)
    ref = Process.monitor(first)
    assert_receive {:DOWN, ^ref, _, _, _}
    assert both(one, other) == [1, 1]
  end

  test "right", %{a: a, b: b} do
    value = fn one, other -> GenServer.call(one, {:tell, GenServer.call(other, :value)}) end
    assert both(fn -> value.(a, b) end, fn -> value.(b, a) end) == [1, 1]
  end
end
