# no-stress: forced collections change who is done first
# What few processes do in a short time comes in the order in which they were started and woken, on any number of
# schedulers.
defmodule Log do
  use GenServer
  def init(_), do: {:ok, []}
  def handle_cast(m, all), do: IO.puts("log #{m}") && {:noreply, [m | all]}
  def handle_call(:all, _, all), do: {:reply, Enum.reverse(all), all}
end

defmodule Order do
  def run(:children) do
    for i <- 1..5, do: spawn(fn -> IO.puts("child #{i}") end)
    Process.sleep(100)
  end

  def run(:parent_first) do
    child = spawn_monitor(fn -> IO.puts("in the child") end)
    IO.puts("in the parent")
    await([child])
  end

  def run(:stop) do
    child =
      spawn_monitor(fn ->
        receive do: (:stop -> IO.puts("stopping with #{1.5}"))
      end)

    IO.inspect({:told, send(elem(child, 0), :stop)})
    await([child])
  end

  def run(:timers) do
    await(for i <- 1..6, do: spawn_monitor(fn -> Process.sleep(50) && IO.puts("woke #{i}") end))
  end

  def run(:tasks) do
    tasks = for i <- 1..5, do: Task.async(fn -> IO.puts("task #{i}") && i * i end)
    IO.inspect(Task.await_many(tasks))
    1..4 |> Task.async_stream(fn i -> IO.puts("stream #{i}") && i end) |> Enum.to_list() |> IO.inspect()
  end

  def run(:server) do
    {:ok, log} = GenServer.start_link(Log, [])
    for i <- 1..5, do: GenServer.cast(log, i) && IO.puts("sent #{i}")
    IO.inspect(GenServer.call(log, :all))
  end

  def run(:agent) do
    {:ok, agent} = Agent.start_link(fn -> [] end)
    await(for i <- 1..6, do: spawn_monitor(fn -> Agent.update(agent, &[i | &1]) end))
    IO.inspect(Agent.get(agent, & &1))
  end

  defp await(children), do: for({_, ref} <- children, do: receive(do: ({:DOWN, ^ref, _, _, _} -> :ok)))
end

for part <- [:children, :parent_first, :stop, :timers, :tasks, :server, :agent] do
  IO.puts("-- #{part}")
  Order.run(part)
end
