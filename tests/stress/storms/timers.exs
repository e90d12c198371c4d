defmodule Storm.Timers do
  # A timer fires once and not early, or was cancelled in time; never both, never neither.
  import Storm

  def run, do: all(6, fn i -> for _ <- 1..5, do: many(i) end)

  defp many(i) do
    name = :"storm_timers_#{i}"
    Process.register(self(), name)
    timers = for n <- 1..80, into: %{} do
      ms = :rand.uniform(25) - 1
      due = System.monotonic_time(:microsecond) + ms * 1000
      to = pick([self(), name])
      ref = if chance(50),
        do: :erlang.send_after(ms, to, {:timer, n}),
        else: :erlang.start_timer(ms, to, n)
      {n, {ref, due}}
    end
    {cancelled, kept} = Enum.split_with(timers, fn {_, {ref, _}} -> chance(40) and cancel(ref) end)
    pending = Enum.map(kept, &elem(&1, 0))
    got = for _ <- pending, do: receive(do: ({:timer, n} -> fired(n, timers); {:timeout, ref, n} -> promise(elem(timers[n], 0) == ref, :timer_ref); fired(n, timers)))
    promise(Enum.sort(got) == Enum.sort(pending), {:timers, got -- pending, pending -- got})
    for {_, {ref, _}} <- cancelled, do: promise(:erlang.read_timer(ref) == false, :read_cancelled)
    Process.sleep(26)
    promise(drain() == [], :a_cancelled_one_fired)
    Process.unregister(name)
  end

  # Whether it was cancelled in time. Told later, if asynchronously.
  defp cancel(ref) do
    left = case :rand.uniform(3) do
      1 -> :erlang.cancel_timer(ref)
      2 ->
        :ok = :erlang.cancel_timer(ref, async: true)
        receive do: ({:cancel_timer, ^ref, left} -> left)
      3 ->
        :erlang.read_timer(ref)
        :erlang.cancel_timer(ref, info: true)
    end
    promise(left == false or left in 0..25, {:left, left})
    left != false
  end

  defp fired(n, timers) do
    {_, due} = timers[n]
    early = due - System.monotonic_time(:microsecond)
    promise(early <= 0, {:early_by_microseconds, early})
    n
  end
end

defmodule Storm.ReceiveTimeouts do
  # `after` waits at least as long as it says, however often the process is disturbed meanwhile, and a message in time
  # ends it.
  import Storm

  def run, do: all(12, fn _ -> for _ <- 1..15, do: one() end)

  defp one do
    me = self()
    ms = :rand.uniform(12) - 1
    begin = System.monotonic_time(:microsecond)
    r = make_ref()
    helper = spawn_one(fn ->
      for _ <- 1..3, do: (send(me, {:other, r}); :erlang.yield())
      if chance(40), do: (Process.sleep(:rand.uniform(8)); send(me, r))
    end)
    result = receive do
      ^r -> :message
    after
      ms -> :timeout
    end
    took = System.monotonic_time(:microsecond) - begin
    if result == :timeout, do: promise(took >= ms * 1000, {:early, took, ms})
    promise(down(helper) in [:normal, :noproc], :helper)
    rest = for m <- drain(), m != r, do: m
    promise(rest == List.duplicate({:other, r}, 3), {:others, rest})
  end
end
