# Run by crates/purlin/tests/panics.rs: workers whose natives panic, under a supervisor whose natives do not.
defmodule Worker do
  use GenServer

  def start_link(i), do: GenServer.start_link(__MODULE__, i)

  def init(i) do
    send(self(), :work)
    {:ok, i, {:continue, :begin}}
  end

  def handle_continue(:begin, i) do
    table = :ets.new(:work, [:set, :private])
    if :persistent_term.get(:faults), do: Process.put(:purlin_faults, true)
    {:noreply, {i, table}}
  end

  def handle_info(:work, {i, table}) do
    for n <- 1..20, do: work(rem(n + i, 10), n, table)
    send(self(), :work)
    {:noreply, {i, table}}
  end

  defp work(0, n, _), do: n |> :erlang.term_to_binary() |> :erlang.binary_to_term()
  defp work(1, n, table), do: :ets.insert(table, {n, List.duplicate(n, 50)})
  defp work(2, n, table), do: :ets.lookup(table, n)
  defp work(3, n, _), do: Enum.reverse([n | :lists.seq(1, 100)])
  defp work(4, n, _), do: :erlang.cancel_timer(:erlang.send_after(n, self(), :nothing))
  defp work(5, n, _), do: Map.merge(Map.new(1..50, &{&1, n}), %{n => 0})
  defp work(6, n, _), do: Regex.run(~r/(\d+)x/, "abc#{n}x")
  defp work(7, n, _), do: :binary.split(:binary.copy("a,", n), ",", [:global])
  defp work(8, _, _), do: spawn_link(fn -> :ok end)
  defp work(9, _, _), do: File.stat("/")
end

defmodule Main do
  def run do
    :logger.set_primary_config(:level, :none)
    :persistent_term.put(:faults, true)
    children = for i <- 1..20, do: Supervisor.child_spec({Worker, i}, id: i)
    {:ok, sup} = Supervisor.start_link(children, strategy: :one_for_one, max_restarts: 1_000_000)
    before = tables()
    echo = spawn_link(fn -> echo(0) end)
    ends = System.monotonic_time(:millisecond) + 4000
    seen = watch(sup, echo, ends, 1, MapSet.new())
    # Without further faults, all of them come back.
    :persistent_term.put(:faults, false)
    active(sup, 100)
    :ok = Supervisor.stop(sup)
    true = MapSet.size(seen) >= 200
    Process.sleep(100)
    true = tables() <= before
    reasons()
    IO.puts("#{MapSet.size(seen)} workers lived")
  end

  # The tree answers, and a process beside it counts on, whatever happens to the workers.
  defp watch(sup, echo, ends, n, seen) do
    send(echo, {:next, self()})
    ^n = receive(do: ({:count, c} -> c))
    workers = for {_, pid, :worker, _} <- Supervisor.which_children(sup), is_pid(pid), do: pid
    seen = Enum.into(workers, seen)
    if System.monotonic_time(:millisecond) < ends, do: watch(sup, echo, ends, n + 1, seen), else: seen
  end

  defp active(sup, tries) when tries > 0 do
    case Supervisor.count_children(sup) do
      %{active: 20} -> :ok
      _ -> Process.sleep(50); active(sup, tries - 1)
    end
  end

  defp echo(n) do
    receive do
      {:next, from} -> send(from, {:count, n + 1}); echo(n + 1)
    end
  end

  defp tables, do: length(:ets.all())

  # The exit reason names the native and the panic.
  defp reasons do
    {pid, ref} = spawn_monitor(fn ->
      Process.put(:purlin_faults, true)
      forever()
    end)
    receive do
      {:DOWN, ^ref, :process, ^pid, {:internal_error, {:erlang, :phash2, 1}, "injected"}} -> :ok
      {:DOWN, ^ref, :process, ^pid, other} -> exit(other)
    end
    # A native that runs on another thread.
    {pid, ref} = spawn_monitor(fn ->
      Process.put(:purlin_faults, true)
      stat()
    end)
    receive do
      {:DOWN, ^ref, :process, ^pid, {:internal_error, {:prim_file, _, _}, "injected"}} -> :ok
      {:DOWN, ^ref, :process, ^pid, other} -> exit(other)
    end
  end

  defp forever, do: (:erlang.phash2({:a, 1}); forever())
  defp stat, do: (:prim_file.read_link('/'); stat())
end

Main.run()
