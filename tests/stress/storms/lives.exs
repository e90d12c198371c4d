defmodule Storm.Spawns do
  # Whatever way a process is started, it runs once, is answered for once, and ends.
  import Storm

  def run do
    ran = :counters.new(1, [:atomics])
    all(6, fn _ ->
      Process.flag(:trap_exit, true)
      for _ <- 1..120, do: one(ran)
    end)
    promise(:counters.get(ran, 1) == 6 * 120, {:ran, :counters.get(ran, 1)})
  end

  defp one(ran) do
    f = fn -> Process.put(:storm, true); :counters.add(ran, 1, 1); exit(:over) end
    options = Enum.take_random([:link, :monitor, {:priority, pick([:low, :high])}, {:min_heap_size, 5000}, {:fullsweep_after, 0}, {:message_queue_data, :off_heap}], :rand.uniform(6))
    if chance(50) do
      case :erlang.spawn_opt(f, options) do
        {pid, ref} -> ended(pid, ref, options)
        pid -> ended(pid, nil, options)
      end
    else
      req = :erlang.spawn_request(f, options)
      receive do
        {:spawn_reply, ^req, :ok, pid} -> ended(pid, :monitor in options && req, options)
      end
    end
    promise(drain() == [], :nothing_more)
  end

  defp ended(pid, ref, options) do
    if ref, do: receive(do: ({:DOWN, ^ref, :process, ^pid, reason} -> promise(reason == :over, {:down, reason})))
    if :link in options, do: receive(do: ({:EXIT, ^pid, reason} -> promise(reason == :over, {:exit, reason})))
    promise(down(pid) in [:over, :noproc], :reason)
    promise(not Process.alive?(pid), :alive)
  end
end

defmodule Storm.Reuse do
  # Signals to a process that has ended reach nobody, even when its place in the process table has been given to
  # another one (run this with a small +P).
  import Storm

  def run do
    boss = self()
    innocents = for _ <- 1..20, do: spawn_watched(fn -> innocent(boss) end)
    stale = Enum.reduce(1..12, [], fn _, stale ->
      dead = for _ <- 1..250, do: spawn(fn -> :ok end)
      for p <- Enum.take_random(stale ++ dead, 300) do
        case :rand.uniform(6) do
          1 -> Process.exit(p, :kill)
          2 -> send(p, :to_the_dead)
          3 -> Process.unlink(p)
          4 -> Process.demonitor(Process.monitor(p), [:flush])
          5 -> Process.info(p, :links)
          6 -> Process.exit(p, :shot)
        end
      end
      Enum.take(dead, 100) ++ Enum.take(stale, 400)
    end)
    fresh = for _ <- 1..20, do: spawn_watched(fn -> innocent(boss) end)
    for p <- stale, p not in Enum.map(fresh, &elem(&1, 0)), do: Process.exit(p, :kill)
    for {p, ref} <- innocents ++ fresh do
      send(p, {:what_came, boss})
      receive do
        {:came, ^p, got} -> promise(got == [], {:innocent_got, got})
        {:DOWN, ^ref, _, _, reason} -> promise(false, {:innocent_died, reason})
      end
    end
    join(Map.new(innocents ++ fresh, fn {p, r} -> {r, p} end))
  end

  defp innocent(_) do
    receive do
      {:what_came, from} -> send(from, {:came, self(), drain()})
    end
  end
end

defmodule Storm.Suspends do
  # A suspended process runs no code, keeps its messages, and goes on when the last of those who suspended it has
  # resumed it or has ended.
  import Storm

  def run do
    clock = :counters.new(1, [:atomics])
    {ticker, ref} = spawn_watched(fn -> tick(clock, 0) end)
    all(4, fn _ -> for _ <- 1..15, do: suspend(ticker, clock) end)
    send(ticker, :stop)
    join(%{ref => ticker})
  end

  defp tick(clock, n) do
    receive do
      :stop -> :ok
      {:settle, from, ref} -> send(from, {:settled, ref}); tick(clock, n)
    after
      0 ->
        :counters.add(clock, 1, 1)
        tick(clock, n + 1)
    end
  end

  defp suspend(ticker, clock) do
    case :rand.uniform(3) do
      1 ->
        true = :erlang.suspend_process(ticker)
        a = :counters.get(clock, 1)
        Process.sleep(1)
        promise(:counters.get(clock, 1) == a, :ran_while_suspended)
        true = :erlang.resume_process(ticker)
      2 ->
        # The suspender dies.
        {p, r} = spawn_watched(fn -> :erlang.suspend_process(ticker) end)
        join(%{r => p})
      3 ->
        true = :erlang.suspend_process(ticker)
        true = :erlang.suspend_process(ticker)
        true = :erlang.resume_process(ticker)
        a = :counters.get(clock, 1)
        promise(:counters.get(clock, 1) == a, :resumed_too_soon)
        true = :erlang.resume_process(ticker)
    end
    settle(ticker)
  end
end
