# Reading and writing are two calls of a server; two clients may both read before either writes.
defmodule LostUpdate.Counter do
  use GenServer
  def start_link(n), do: GenServer.start_link(__MODULE__, n)
  def init(n), do: {:ok, n}
  def handle_call(:get, _from, n), do: {:reply, n, n}
  def handle_call({:set, m}, _from, _), do: {:reply, :ok, m}
  def handle_call(:add, _from, n), do: {:reply, :ok, n + 1}
end

defmodule LostUpdateTest do
  use ExUnit.Case

  defp both(add) do
    {:ok, counter} = LostUpdate.Counter.start_link(0)
    first = Task.async(fn -> add.(counter) end)
    Task.await(first)
    second = Task.async(fn -> add.(counter) end)
    add.(counter)
    Task.await(second)
    GenServer.call(counter, :get)
  end

  test "race" do
    add = fn counter -> GenServer.call(counter, {:set, GenServer.call(counter, :get) + 1}) end
    assert both(add) == 3
  end

  test "right" do
    assert both(&GenServer.call(&1, :add)) == 3
  end
end
