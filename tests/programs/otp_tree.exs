# GenServer, Supervisor, Task, Agent, Registry, DynamicSupervisor and Logger together.
require Logger
Logger.configure_backend(:console, format: "$level: $message\n", device: :user)

defmodule Worker do
  use GenServer
  def start_link(id), do: GenServer.start_link(__MODULE__, id, name: {:via, Registry, {Names, id}})
  def bump(id), do: GenServer.call({:via, Registry, {Names, id}}, :bump)
  @impl true
  def init(id), do: {:ok, {id, 0}}
  @impl true
  def handle_call(:bump, _from, {id, n}), do: {:reply, {id, n + 1}, {id, n + 1}}
end

{:ok, _} =
  Supervisor.start_link(
    [
      {Registry, keys: :unique, name: Names},
      {DynamicSupervisor, name: Workers, strategy: :one_for_one},
      {Agent, fn -> %{} end} |> Supervisor.child_spec(start: {Agent, :start_link, [fn -> %{} end, [name: Log]]}),
      {Task.Supervisor, name: Tasks}
    ],
    strategy: :one_for_one
  )

for id <- 1..5, do: {:ok, _} = DynamicSupervisor.start_child(Workers, {Worker, id})

1..5
|> Enum.map(fn id ->
  Task.Supervisor.async(Tasks, fn ->
    for _ <- 1..id, do: Worker.bump(id)
    Agent.update(Log, &Map.put(&1, id, :done))
    id
  end)
end)
|> Task.await_many()
|> IO.inspect()

IO.inspect(Agent.get(Log, & &1))
IO.inspect(for id <- 1..5, do: Worker.bump(id))
IO.inspect(DynamicSupervisor.count_children(Workers))
IO.inspect(Registry.count(Names))

[{pid, _}] = Registry.lookup(Names, 3)
Process.monitor(pid)
Process.exit(pid, :kill)

receive do
  {:DOWN, _, :process, ^pid, reason} -> IO.inspect(reason)
end

Process.sleep(100)
IO.inspect(Worker.bump(3))
Logger.info("all is well")
Logger.flush()
