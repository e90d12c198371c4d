# A supervisor restarts what crashes.

defmodule Ticker do
  use GenServer

  def start_link(name), do: GenServer.start_link(__MODULE__, name, name: name)
  def tick(name), do: GenServer.call(name, :tick)

  @impl true
  def init(name), do: {:ok, {name, 0}}

  @impl true
  def handle_call(:tick, _from, {name, n}), do: {:reply, n + 1, {name, n + 1}}
end

children = for name <- [:a, :b], do: Supervisor.child_spec({Ticker, name}, id: name)
{:ok, sup} = Supervisor.start_link(children, strategy: :one_for_one)

for _ <- 1..3, do: Ticker.tick(:a)
IO.puts("a has ticked #{Ticker.tick(:a)} times, b #{Ticker.tick(:b)}")

old = Process.whereis(:a)
Process.monitor(old)
Process.exit(old, :kill)

receive do
  {:DOWN, _ref, :process, ^old, reason} -> IO.puts("a ended: #{inspect(reason)}")
end

wait = fn wait ->
  case Process.whereis(:a) do
    pid when is_pid(pid) and pid != old ->
      pid

    _ ->
      Process.sleep(1)
      wait.(wait)
  end
end

wait.(wait)
IO.puts("a was started again and has ticked #{Ticker.tick(:a)} time, b #{Ticker.tick(:b)}")
IO.inspect(Supervisor.count_children(sup))
