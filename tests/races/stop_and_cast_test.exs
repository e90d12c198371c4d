# What is cast to a server that is being stopped may be lost.
defmodule StopAndCast.Log do
  use GenServer
  def start(parent), do: GenServer.start(__MODULE__, parent)
  def init(parent), do: {:ok, {parent, []}}
  def handle_cast({:add, line}, {parent, lines}), do: {:noreply, {parent, [line | lines]}}
  def handle_call({:add, line}, _from, {parent, lines}), do: {:reply, :ok, {parent, [line | lines]}}
  def terminate(_, {parent, lines}), do: send(parent, {:lines, lines})
end

defmodule StopAndCastTest do
  use ExUnit.Case

  defp written(write) do
    {:ok, log} = StopAndCast.Log.start(self())
    write.(log)
    GenServer.stop(log)
    receive(do: ({:lines, lines} -> lines))
  end

  test "race" do
    assert written(fn log -> spawn(fn -> GenServer.cast(log, {:add, 1}) end) end) == [1]
  end

  test "right" do
    assert written(fn log -> Task.await(Task.async(fn -> GenServer.call(log, {:add, 1}) end)) end) == [1]
  end
end
