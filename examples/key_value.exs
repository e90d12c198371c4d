# A key-value store on GenServer.

defmodule Store do
  use GenServer

  def start_link(opts \\ []), do: GenServer.start_link(__MODULE__, %{}, opts)
  def put(store, key, value), do: GenServer.cast(store, {:put, key, value})
  def get(store, key), do: GenServer.call(store, {:get, key})
  def keys(store), do: GenServer.call(store, :keys)

  @impl true
  def init(map), do: {:ok, map}

  @impl true
  def handle_cast({:put, key, value}, map), do: {:noreply, Map.put(map, key, value)}

  @impl true
  def handle_call({:get, key}, _from, map), do: {:reply, Map.fetch(map, key), map}
  def handle_call(:keys, _from, map), do: {:reply, Enum.sort(Map.keys(map)), map}
end

{:ok, _} = Store.start_link(name: Store)
Store.put(Store, "beam", "a long piece of timber")
Store.put(Store, "purlin", "the beam that carries a roof")
IO.inspect(Store.get(Store, "purlin"))
IO.inspect(Store.get(Store, "rafter"))
IO.inspect(Store.keys(Store))
