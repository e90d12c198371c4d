# What one process casts and another asks for arrives in either order.
defmodule CastAndAsk.Store do
  use GenServer
  def start_link, do: GenServer.start_link(__MODULE__, nil)
  def init(state), do: {:ok, state}
  def handle_cast({:put, v}, _), do: {:noreply, v}
  def handle_call({:put, v}, _from, _), do: {:reply, :ok, v}
  def handle_call(:get, _from, v), do: {:reply, v, v}
end

defmodule CastAndAskTest do
  use ExUnit.Case

  defp got(put) do
    {:ok, store} = CastAndAsk.Store.start_link()
    me = self()

    spawn_link(fn ->
      put.(store, me)
    end)

    receive(do: (:put -> :ok))
    GenServer.call(store, :get)
  end

  test "race" do
    put = fn store, me ->
      # The news goes by another way than the value.
      spawn_link(fn -> GenServer.cast(store, {:put, 42}) end)
      send(me, :put)
    end

    assert got(put) == 42
  end

  test "right" do
    put = fn store, me ->
      GenServer.call(store, {:put, 42})
      send(me, :put)
    end

    assert got(put) == 42
  end
end
