defmodule Storm.Messages do
  # Between each pair, messages arrive once and in the order sent, by whatever way the receiver is addressed.
  import Storm
  @receivers 6
  @senders 8
  @each 300

  def run do
    boss = self()
    {pids, refs} = Enum.unzip(for i <- 1..@receivers, do: spawn_watched(fn -> receiver(i, boss) end))
    ways = for _ <- pids, do: receive(do: ({:ready, ways} -> ways))
    all(@senders, fn s -> sender(s, ways) end)
    for w <- ways, do: send(hd(w), :all_sent)
    join(Map.new(Enum.zip(refs, pids)))
  end

  defp sender(s, ways) do
    for n <- 1..@each, receiver <- ways do
      send(pick(receiver), {:m, s, n, payload(n)})
      if chance(1), do: :erlang.yield()
    end
  end

  defp payload(n) when rem(n, 50) == 0, do: :binary.copy(<<n>>, 100 + rem(n * 7, 5000))
  defp payload(n) when rem(n, 7) == 0, do: %{n => List.duplicate({n, "x", 1.5}, rem(n, 30))}
  defp payload(n), do: n

  defp receiver(i, boss) do
    name = :"storm_receiver_#{i}"
    Process.register(self(), name)
    send(boss, {:ready, [self(), name, {name, node()}, :erlang.alias()]})
    collect(Map.new(1..@senders, &{&1, 1}))
  end

  # In any order between senders, and picking out one sender's messages at random.
  defp collect(next) do
    one = :rand.uniform(@senders)
    receive do
      {:m, ^one, n, p} -> collect(arrived(next, one, n, p))
    after
      0 ->
        receive do
          {:m, s, n, p} -> collect(arrived(next, s, n, p))
          :all_sent ->
            rest = Enum.reduce(drain(), next, fn {:m, s, n, p}, next -> arrived(next, s, n, p) end)
            promise(Enum.all?(rest, fn {_, n} -> n == @each + 1 end), {:messages_lost, rest})
        end
    end
  end

  defp arrived(next, s, n, p) do
    promise(next[s] == n, {:message_order, from: s, expected: next[s], got: n})
    promise(p == payload(n), {:message_content, n})
    %{next | s => n + 1}
  end
end

defmodule Storm.Order do
  # The order holds between signals of different kinds: messages, exits to a trapping process, ends of links and
  # monitors of the sender, and answers to questions.
  import Storm

  def run do
    all(6, fn _ ->
      Process.flag(:trap_exit, true)
      for _ <- 1..40, do: one()
    end)
  end

  defp one do
    receiver = self()
    count = :rand.uniform(40)
    sender = spawn_link(fn ->
      Process.put(:storm, true)
      for n <- 1..count do
        if chance(50), do: send(receiver, {:n, n}), else: Process.exit(receiver, {:n, n})
        if chance(5), do: :erlang.yield()
      end
      exit(:done)
    end)
    ref = Process.monitor(sender)
    got = for _ <- 1..count do
      receive do
        {:n, n} -> n
        {:EXIT, ^sender, {:n, n}} -> n
        {:EXIT, ^sender, :done} -> :exit
        {:DOWN, ^ref, _, _, reason} -> {:down, reason}
      end
    end
    promise(got == Enum.to_list(1..count), {:signal_order, got})
    last = Enum.sort(for _ <- 1..2, do: receive(do: ({k, _, :done} -> k; {k, ^ref, _, _, r} when r in [:done, :noproc] -> k)))
    promise(last == [:DOWN, :EXIT], {:last, last})
    promise(drain() == [], :nothing_more)
  end
end

defmodule Storm.Aliases do
  # An alias takes messages while it is active, exactly one if it is a reply alias, none afterwards.
  import Storm

  def run do
    {server, ref} = spawn_watched(&serve/0)
    all(6, fn _ -> for _ <- 1..150, do: call(server) end)
    all(4, fn _ -> for _ <- 1..100, do: plain(server) end)
    send(server, :stop)
    join(%{ref => server})
  end

  # Answers as often as asked, soon or late.
  defp serve do
    receive do
      {:ask, to, tag, times} ->
        for i <- 1..times, do: send(to, {tag, i})
        serve()
      {:late, to, tag, ms} ->
        Process.send_after(self(), {:ask, to, tag, 2}, ms)
        serve()
      {:settle, from, ref} -> send(from, {:settled, ref}); serve()
      :stop -> :ok
    end
  end

  # A call with a timeout, as gen does it: at most one answer, none after the monitor is gone.
  defp call(server) do
    alias_ref = :erlang.monitor(:process, server, alias: :reply_demonitor)
    wait = pick([0, 0, 1, 3])
    if chance(50),
      do: send(server, {:ask, alias_ref, alias_ref, 3}),
      else: send(server, {:late, alias_ref, alias_ref, pick([0, 1, 2])})
    receive do
      {^alias_ref, 1} -> :ok
      {:DOWN, ^alias_ref, _, _, reason} -> promise(false, {:down, reason})
    after
      wait ->
        Process.demonitor(alias_ref, [:flush])
        receive do: ({^alias_ref, 1} -> :ok), after: (0 -> :ok)
    end
    if chance(30), do: settle(server)
    if chance(10), do: Process.sleep(4)
    late = drain()
    promise(late == [], {:late_answer, late})
  end

  defp plain(server) do
    a = if chance(50), do: :erlang.alias(), else: :erlang.alias([:explicit_unalias])
    n = :rand.uniform(5)
    send(server, {:ask, a, :x, n})
    settle(server)
    got = for _ <- 1..n, do: receive(do: ({:x, i} -> i), after: (0 -> :missing))
    promise(got == Enum.to_list(1..n), {:alias_messages, got})
    send(server, {:ask, a, :y, 3})
    promise(:erlang.unalias(a), :was_active)
    promise(not :erlang.unalias(a), :not_active_twice)
    some = drain()
    promise(some == Enum.take([{:y, 1}, {:y, 2}, {:y, 3}], length(some)), {:before_unalias, some})
    settle(server)
    promise(drain() == [], :nothing_after_unalias)
    r = :erlang.alias([:reply])
    send(server, {:ask, r, :z, 4})
    settle(server)
    promise(drain() == [{:z, 1}], :one_reply)
  end
end
