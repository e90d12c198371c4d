defmodule Storm do
  # What the storms have in common. Every process of a storm is marked, so that a stuck one can be described.

  def spawn_one(f), do: spawn(fn -> mark(f) end)
  def spawn_watched(f), do: spawn_monitor(fn -> mark(f) end)

  defp mark(f) do
    Process.put(:storm, true)
    :rand.seed(:exsss)
    f.()
  end

  def pick(list), do: Enum.at(list, :rand.uniform(length(list)) - 1)
  def chance(percent), do: :rand.uniform(100) <= percent

  def promise(true, _), do: :ok
  def promise(false, text), do: exit({:broken, text})

  # Runs a function in each of `n` processes and waits for all of them; any that ends otherwise than normally is a
  # broken promise of its own.
  def all(n, f) do
    running = for i <- 1..n, into: %{}, do: (fn {p, r} -> {r, p} end).(spawn_watched(fn -> f.(i) end))
    join(running)
  end

  def join(running) when running == %{}, do: :ok

  def join(running) do
    receive do
      {:DOWN, ref, :process, _, reason} when is_map_key(running, ref) ->
        promise(reason == :normal, {:ended_with, reason})
        join(Map.delete(running, ref))
    end
  end

  # Waits until a process has ended; its reason.
  def down(pid) do
    ref = Process.monitor(pid)
    receive do: ({:DOWN, ^ref, :process, ^pid, reason} -> reason)
  end

  # The messages that are there, in order.
  def drain do
    receive do
      m -> [m | drain()]
    after
      0 -> []
    end
  end

  # Lets what others have sent arrive: a question and its answer through the same pair's queues.
  def settle(pid) do
    ref = make_ref()
    send(pid, {:settle, self(), ref})
    receive do: ({:settled, ^ref} -> :ok)
  end
end

defmodule Storm.Noise do
  # Disturbs everyone with what must have no effect: questions, collections, monitors, suspensions, useless signals.
  def start(seed), do: spawn_monitor(fn -> :rand.seed(:exsss, seed); loop(MapSet.new(Process.list())) end)

  def stop({pid, ref}) do
    send(pid, :stop)
    receive do
      {:DOWN, ^ref, :process, ^pid, reason} -> if reason != :normal, do: exit({:noise, reason})
    after
      20_000 -> exit({:noise_is_stuck, Process.info(pid)})
    end
  end

  defp loop(others) do
    receive do
      :stop -> :ok
    after
      0 ->
        case Enum.reject(Process.list(), & &1 in others) do
          [] -> Process.sleep(1)
          list -> for _ <- 1..20, do: disturb(Storm.pick(list))
        end
        loop(others)
    end
  end

  defp disturb(pid) do
    case :rand.uniform(7) do
      1 -> Process.info(pid, [:message_queue_len, :current_function, :links, :monitored_by, :memory])
      2 -> :erlang.garbage_collect(pid)
      3 -> Process.demonitor(Process.monitor(pid), [:flush])
      4 -> Process.unlink(pid)
      5 -> if pid != self(), do: suspend(pid)
      6 -> Process.alive?(pid)
      7 -> :erlang.check_process_code(pid, __MODULE__, async: make_ref()) && flush_async()
    end
  rescue
    _ in [ArgumentError, ErlangError] -> :ended
  end

  defp flush_async do
    receive do: ({:check_process_code, _, _} -> :ok)
  end

  defp suspend(pid) do
    :erlang.suspend_process(pid)
    if Storm.chance(20), do: Process.sleep(1)
    :erlang.resume_process(pid)
  end
end
