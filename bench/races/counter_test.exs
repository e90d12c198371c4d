# A small test of a GenServer that no order makes fail: what an order takes.
defmodule Counter do
  use GenServer
  def start_link(n), do: GenServer.start_link(__MODULE__, n)
  def init(n), do: {:ok, n}
  def handle_call(:get, _from, n), do: {:reply, n, n}
  def handle_call(:add, _from, n), do: {:reply, :ok, n + 1}
end

defmodule CounterTest do
  use ExUnit.Case

  test "counts what several add" do
    {:ok, counter} = Counter.start_link(0)
    tasks = for _ <- 1..2, do: Task.async(fn -> GenServer.call(counter, :add) end)
    Task.await_many(tasks)
    assert GenServer.call(counter, :get) == 2
  end
end
