defmodule Storm.Names do
  # A name belongs to one process at a time, and is free when its owner has unregistered it or has ended: who hears of
  # the end finds the name with somebody else or nobody.
  import Storm
  @names ~w(storm_name_a storm_name_b storm_name_c)a

  def run do
    held = :counters.new(3, [:atomics])
    all(10, fn _ -> for _ <- 1..80, do: contend(held) end)
    for {n, i} <- Enum.with_index(@names, 1) do
      promise(Process.whereis(n) == nil, {:name_left, n})
      promise(:counters.get(held, i) == 0, {:held, n})
    end
  end

  defp contend(held) do
    i = :rand.uniform(3)
    name = Enum.at(@names, i - 1)
    {pid, ref} = spawn_watched(fn -> hold(name, i, held) end)
    if chance(30), do: send_if_there(name)
    reason = receive do: ({:DOWN, ^ref, _, _, r} -> r)
    promise(reason in [:normal, :over, :killed], {:holder, reason})
    promise(Process.whereis(name) != pid, {:name_of_the_dead, name})
    promise(pid not in Process.list(), {:in_the_list, pid})
  end

  defp send_if_there(name) do
    send(name, :hello)
  rescue
    ArgumentError -> :nobody
  end

  defp hold(name, i, held) do
    if take(name) do
      :counters.add(held, i, 1)
      promise(:counters.get(held, i) == 1, {:two_owners, name})
      promise(Process.whereis(name) == self(), {:whereis, name})
      if chance(30), do: :erlang.yield()
      promise(not take(name), {:twice, name})
      :counters.sub(held, i, 1)
      case :rand.uniform(3) do
        1 -> promise(Process.unregister(name), :unregister)
        2 -> exit(:over)
        3 -> Process.exit(self(), :kill)
      end
    end
  end

  defp take(name) do
    Process.register(self(), name)
  rescue
    ArgumentError -> false
  end
end
