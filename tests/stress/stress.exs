# Storms of processes, signals, names, aliases and timers, each with a model that says what must hold.
#
#     stress.exs SECONDS [SEED [STORM,...]]     runs on `elixir` as well as on Purlin
#
# The storms run beside each other in rounds, disturbed by a process that asks everyone questions. A storm that breaks
# a promise ends with a text that says which; one that stands still is described. In the end nothing may be left: no
# process, name or timer, and no memory.
for f <- ~w(storm.exs memory.ex), do: Code.require_file(f, __DIR__)
for f <- ~w(messages signals names timers lives code loops), do: Code.require_file("storms/#{f}.exs", __DIR__)

defmodule Stress do
  @storms [
    messages: Storm.Messages,
    order: Storm.Order,
    aliases: Storm.Aliases,
    links: Storm.Links,
    both_sides: Storm.BothSides,
    monitors: Storm.Monitors,
    cascade: Storm.Cascade,
    names: Storm.Names,
    timers: Storm.Timers,
    receive_timeouts: Storm.ReceiveTimeouts,
    spawns: Storm.Spawns,
    reuse: Storm.Reuse,
    suspends: Storm.Suspends,
    code: Storm.Code,
    loops: Storm.Loops
  ]
  @stuck_after 90_000

  def main(args) do
    {seconds, seed, only} = options(args)
    storms = Enum.filter(@storms, fn {name, _} -> only == [] or name in only end)
    Process.flag(:trap_exit, true)
    :logger.set_primary_config(:level, :none)
    round(storms, seed, 0)
    start = leavings()
    ends = now() + seconds * 1000
    {rounds, memory} = rounds(storms, seed, 1, ends, [])
    check_leavings(start)
    with {:grew, before, now} <- Storm.Memory.check(memory, 16),
         do: fail("the end: memory grew from #{before} to #{now} kB")

    IO.puts("#{rounds} rounds of #{length(storms)} storms: all promises held")
  end

  defp options(args) do
    {seconds, args} = List.pop_at(args, 0, "60")
    {seed, args} = List.pop_at(args, 0, "1")
    only = args |> Enum.flat_map(&String.split(&1, ",", trim: true)) |> Enum.map(&String.to_atom/1)
    {String.to_integer(seconds), String.to_integer(seed), only}
  end

  defp rounds(storms, seed, n, ends, memory) do
    round(storms, seed, n)
    memory = [Storm.Memory.now() | memory]
    if now() < ends, do: rounds(storms, seed, n + 1, ends, memory), else: {n, Enum.reverse(memory)}
  end

  defp round(storms, seed, n) do
    noise = Storm.Noise.start(seed + n)

    running =
      for {name, module} <- storms, into: %{} do
        {pid, ref} = spawn_monitor(fn ->
          :rand.seed(:exsss, {seed, n, :erlang.phash2(name)})
          module.run()
        end)
        {ref, {name, pid}}
      end

    wait(running, now() + @stuck_after, "round #{n} of seed #{seed}")
    Storm.Noise.stop(noise)
  end

  defp wait(running, _, _) when running == %{}, do: :ok

  defp wait(running, until, where) do
    receive do
      {:DOWN, ref, :process, _, reason} when is_map_key(running, ref) ->
        {{name, _}, running} = Map.pop(running, ref)
        if reason != :normal, do: fail("#{where}, storm #{name}: #{inspect(reason, pretty: true, limit: 200)}")
        wait(running, until, where)
    after
      max(until - now(), 0) -> stuck(running, where)
    end
  end

  defp stuck(running, where) do
    known = [:registered_name, :current_stacktrace, :status, :messages, :message_queue_len, :links, :monitors, :dictionary]
    for {_, {name, pid}} <- running do
      IO.puts("storm #{name} is #{inspect(pid)}: #{inspect(Process.info(pid, known), limit: 60)}")
    end
    for pid <- Process.list(), Process.info(pid, :priority) != nil,
        {:dictionary, d} = Process.info(pid, :dictionary), d[:storm] do
      IO.puts("#{inspect(pid)}: #{inspect(Process.info(pid, known), limit: 40)}")
    end
    fail("#{where}: stuck: #{running |> Map.values() |> Enum.map_join(", ", &elem(&1, 0))}")
  end

  defp fail(text) do
    IO.puts("FAILED in " <> text)
    System.halt(1)
  end

  # What must be back where it was: processes and names.
  defp leavings, do: {Enum.sort(Process.list()), Enum.sort(Process.registered())}

  defp check_leavings({processes, names}, tries \\ 50) do
    {p, n} = leavings()
    cond do
      p -- processes == [] and n -- names == [] -> :ok
      tries > 0 -> Process.sleep(100); check_leavings({processes, names}, tries - 1)
      true -> fail("the end: left over: #{inspect(Enum.map(p -- processes, &{&1, Process.info(&1)}))} #{inspect(n -- names)}")
    end
  end

  defp now, do: System.monotonic_time(:millisecond)
end

Stress.main(System.argv())
