defmodule Storm.Links do
  # A trapping process hears exactly once of the end of each process that it is linked with, and never of one that it
  # has unlinked. Only one side changes the link, so that its state is known at each time.
  import Storm

  def run do
    all(8, fn _ ->
      Process.flag(:trap_exit, true)
      for _ <- 1..60, do: one()
    end)
  end

  defp one do
    linked = chance(50)
    f = fn -> Process.put(:storm, true); receive(do: (:go -> exit(:over))) end
    child = if linked, do: spawn_link(f), else: spawn(f)
    linked = Enum.reduce(1..:rand.uniform(12), linked, fn _, linked ->
      case :rand.uniform(4) do
        1 -> Process.link(child); true
        2 -> Process.unlink(child); false
        3 -> :erlang.yield(); linked
        4 ->
          {:links, l} = Process.info(self(), :links)
          promise(child in l == linked, {:links, linked, child in l})
          linked
      end
    end)
    {reason, ends} = pick([{:over, :go}, {:killed, :kill}, {:other, :exit}])
    # The end races with a last change.
    case ends do
      :go -> send(child, :go)
      :kill -> Process.exit(child, :kill)
      :exit -> Process.exit(child, :other)
    end
    racing = chance(50)
    if racing, do: Process.unlink(child)
    promise(down(child) in [reason, :noproc], :reason)
    # A monitor that came too late says so at once; the link's signal may still be on its way.
    first = if linked and not racing, do: receive(do: ({:EXIT, ^child, r} -> [r]), after: (10_000 -> [])), else: []
    heard = first ++ for {:EXIT, ^child, r} <- drain(), do: r
    cond do
      racing -> promise(heard in [[], [reason]] and (linked or heard == []), {:exit_of_racing, linked, heard})
      linked -> promise(heard == [reason], {:exits_of_linked, heard, reason})
      true -> promise(heard == [], {:exit_of_unlinked, heard})
    end
    Process.link(child)
    promise(drain() == [{:EXIT, child, :noproc}], :link_to_the_dead)
  end
end

defmodule Storm.BothSides do
  # Both sides change the link as they like. When both have agreed on the end, it is known again: one of them links
  # last, or both unlink last.
  import Storm

  def run, do: all(8, fn _ -> Process.flag(:trap_exit, true); for _ <- 1..40, do: one() end)

  defp one do
    me = self()
    other = spawn(fn ->
      Process.put(:storm, true)
      Process.flag(:trap_exit, true)
      jitter(me)
      receive do
        {:end_unlinked, r} -> Process.unlink(me); send(me, r)
        {:stay, r} -> send(me, r)
      end
      receive do: (:die -> :ok)
      odd = for {:EXIT, _, _} = m <- drain(), do: m
      exit({:over, odd})
    end)
    jitter(other)
    linked = chance(50)
    r = make_ref()
    if linked do
      send(other, {:stay, r})
      receive do: (^r -> :ok)
      Process.link(other)
    else
      Process.unlink(other)
      send(other, {:end_unlinked, r})
      receive do: (^r -> :ok)
      Process.unlink(other)
    end
    send(other, :die)
    promise(down(other) in [{:over, []}, :noproc], :heard_of_the_living)
    exits = for {:EXIT, ^other, r} <- drain(), do: r
    expected = if linked, do: [{:over, []}], else: []
    promise(exits == expected, {:exits, linked, exits})
  end

  defp jitter(other) do
    for _ <- 1..:rand.uniform(15) do
      case :rand.uniform(3) do
        1 -> Process.link(other)
        2 -> Process.unlink(other)
        3 -> :erlang.yield()
      end
    end
  end
end

defmodule Storm.Monitors do
  # Exactly one 'DOWN' for each monitor that was not removed, none for the others.
  import Storm

  def run do
    targets = for i <- 1..30, do: spawn_one(fn -> target(i) end)
    killer = spawn_one(fn -> kill(Enum.shuffle(targets)) end)
    all(8, fn _ -> watch(targets) end)
    promise(down(killer) in [:normal, :noproc], :killer)
  end

  defp target(i) do
    receive do
      :die -> exit({:died, i})
    end
  end

  defp kill(targets) do
    for t <- targets do
      case :rand.uniform(3) do
        1 -> send(t, :die)
        2 -> Process.exit(t, :kill)
        3 -> Process.exit(t, :shot)
      end
      if chance(30), do: Process.sleep(1)
    end
  end

  defp watch(targets) do
    refs = for _ <- 1..150, do: (t = pick(targets); {Process.monitor(t), t})
    {removed, kept} = Enum.split_with(refs, fn _ -> chance(40) end)
    for {ref, _} <- removed do
      if chance(50) do
        Process.demonitor(ref, [:flush])
      else
        case Process.demonitor(ref, [:flush, :info]) do
          x when is_boolean(x) -> :ok
        end
      end
    end
    removed = MapSet.new(removed, &elem(&1, 0))
    for {ref, t} <- kept do
      receive do
        {:DOWN, ^ref, :process, who, reason} ->
          promise(who == t, {:object, who, t})
          promise(match?({:died, _}, reason) or reason in [:killed, :shot, :noproc], {:reason, reason})
      end
    end
    more = drain()
    promise(more == [], {:more, more, Enum.any?(more, &(elem(&1, 1) in removed))})
  end
end

defmodule Storm.Cascade do
  # The end of one process ends all that are linked with it, directly or not, except those that trap exits.
  import Storm

  def run do
    boss = self()
    for _ <- 1..3 do
      tree = spawn_one(fn -> grow(4, boss) end)
      pids = for _ <- 1..121, do: receive(do: ({:alive, p} -> p))
      trapper = spawn_one(fn ->
        Process.flag(:trap_exit, true)
        for p <- pids, do: Process.link(p)
        send(boss, :linked)
        got = for p <- pids, do: receive(do: ({:EXIT, ^p, r} -> r))
        promise(Enum.all?(got, &(&1 in [:felled, :noproc])), {:reasons, Enum.uniq(got)})
        promise(drain() == [], :one_each)
      end)
      receive do: (:linked -> :ok)
      Process.exit(pick(pids), :felled)
      for p <- [tree | pids], do: promise(down(p) in [:felled, :noproc], :felled)
      promise(down(trapper) in [:normal, :noproc], :trapper)
      promise(Enum.all?(pids, &(not Process.alive?(&1))), :none_left)
    end
  end

  defp grow(depth, boss) do
    Process.put(:storm, true)
    send(boss, {:alive, self()})
    if depth > 0, do: for(_ <- 1..3, do: spawn_link(fn -> grow(depth - 1, boss) end))
    receive do: (:never -> :ok)
  end
end
