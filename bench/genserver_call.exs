defmodule GenServerCall do
  use GenServer
  def init(n), do: {:ok, n}
  def handle_call({:add, k}, _, n), do: {:reply, n + k, n + k}

  def bench do
    {:ok, pid} = GenServer.start_link(__MODULE__, 0)
    {150_000, fn -> for _ <- 1..150_000, do: GenServer.call(pid, {:add, 1}) end}
  end
end
