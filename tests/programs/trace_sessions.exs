# Sessions of tracing, since OTP 27: each with its own tracees, patterns and tracer.
# On older releases there is nothing to see: both engines say so.

defmodule Traced do
  def sum(list), do: List.foldl(list, 0, &add/2)
  def add(a, b), do: a + b
  def fails(x), do: :erlang.error({:no, x})
  def caught(x), do: (try do fails(x) rescue e in ErlangError -> {:caught, e.original} end)
  def boxes(n), do: for(i <- 1..n, do: {i, i})
  def outer(n), do: {inner(n), n}
  def inner(n), do: Enum.to_list(1..n)
end

defmodule TraceSessions do
  # A process that keeps what it is sent until it is asked for it.
  def keeper, do: spawn(fn -> keep([]) end)

  defp keep(seen) do
    receive do
      {:tell, who} -> send(who, {self(), Enum.reverse(seen)}); keep([])
      message -> keep([message | seen])
    end
  end

  def seen(keeper), do: Enum.map(kept(keeper), &plain/1)

  defp kept(keeper) do
    ref = :erlang.trace_delivered(:all)
    receive do {:trace_delivered, :all, ^ref} -> :ok end
    send(keeper, {:tell, self()})
    receive do {^keeper, seen} -> seen end
  end

  # Pids differ from engine to engine.
  defp plain(m) do
    case m do
      t when is_tuple(t) -> t |> Tuple.to_list() |> Enum.map(&plain/1) |> List.to_tuple()
      [h | t] -> [plain(h) | plain(t)]
      p when is_pid(p) -> :pid
      f when is_function(f) -> :fun
      r when is_reference(r) -> :ref
      other -> other
    end
  end

  def error(f) do
    f.()
  rescue
    e -> {e.__struct__, __STACKTRACE__ |> hd() |> elem(3) |> Keyword.get(:error_info)}
  end

  def run(f) do
    {pid, ref} = spawn_monitor(fn -> receive do :go -> f.() end end)
    {pid, fn -> send(pid, :go); receive do {:DOWN, ^ref, _, _, _} -> :ok end end}
  end

  def main do
    show = &IO.inspect(&1, label: &2)
    [a, b] = [keeper(), keeper()]
    one = :trace.session_create(:one, a, [])
    two = :trace.session_create(:two, b, [])
    show.(:trace.session_info(:all) |> Enum.map(&elem(&1, 0)), "all")

    # Two sessions trace one process and one function, each in its way.
    {pid, go} = run(fn -> Traced.sum([1, 2]); Traced.caught(:x) end)
    show.(:trace.process(one, pid, true, [:call, :arity, :return_to]), "process one")
    show.(:trace.process(two, pid, true, [:call, :procs]), "process two")
    spec = [{:_, [], [{:exception_trace}, {:message, {:caller}}]}]
    show.(:trace.function(one, {Traced, :_, :_}, [], [:local]) > 5, "function one")
    show.(:trace.function(two, {Traced, :add, 2}, spec, [:local]), "function two")
    show.(:trace.function(two, {Traced, :fails, 1}, spec, [:local]), "function two")
    show.(:trace.session_info(pid) |> Enum.map(&elem(&1, 0)), "of the process")
    show.(:trace.session_info({Traced, :add, 2}) |> Enum.map(&elem(&1, 0)), "of the function")
    show.(:trace.session_info({Traced, :sum, 1}) |> Enum.map(&elem(&1, 0)), "of the other")
    show.(:trace.session_info({Traced, :none, 1}), "of none")
    show.({:trace.info(one, pid, :flags), :trace.info(two, pid, :flags), :erlang.trace_info(pid, :flags)}, "flags")
    show.(:trace.info(two, {Traced, :add, 2}, :all), "info two")
    show.(:trace.info(two, {Traced, :sum, 1}, :all), "info two")
    show.(:erlang.trace_info({Traced, :add, 2}, :traced), "legacy")
    go.()
    show.(seen(a), "one")
    show.(seen(b), "two")

    # Sending and receiving, by patterns of their own.
    {pid, go} = run(fn -> send(self(), {:left, 1}); send(self(), {:right, 2}); receive do {:right, _} -> :ok end end)
    show.(:trace.send(one, [{[:_, {:left, :_}], [], []}], []), "send one")
    show.(:trace.recv(two, [{[:_, :_, {:right, :_}], [], []}], []), "receive two")
    :trace.process(one, pid, true, [:send, :receive])
    :trace.process(two, pid, true, [:send, :receive])
    show.({:trace.info(one, :send, :match_spec), :trace.info(two, :send, :match_spec)}, "patterns")
    go.()
    show.(seen(a), "one")
    show.(seen(b), "two")
    :trace.send(one, true, [])
    :trace.recv(two, true, [])

    # Children.
    {pid, go} = run(fn -> {_, r} = spawn_monitor(fn -> Traced.add(1, 2) end); receive do {:DOWN, ^r, _, _, _} -> :ok end end)
    :trace.process(one, pid, true, [:call, :set_on_spawn])
    :trace.process(two, pid, true, [:procs, :set_on_first_spawn])
    go.()
    show.(seen(a), "one")
    show.(seen(b), "two")
    show.(:trace.process(two, :new, true, [:procs]), "new")
    show.(:trace.session_info(:new) |> Enum.map(&elem(&1, 0)), "of new ones")
    {_, go} = run(fn -> :ok end)
    go.()
    show.(seen(b) |> Enum.map(&elem(&1, 2)), "two")
    :trace.process(two, :new, false, [:procs])

    # Counts, times and memory.
    {pid, go} = run(fn -> for n <- 1..3, do: Traced.outer(n) end)
    for s <- [one, two], do: :trace.process(s, pid, true, [:call])
    :trace.function(one, {Traced, :_, :_}, false, [:local])
    :trace.function(one, {Traced, :outer, 1}, true, [:call_count, :call_time])
    :trace.function(two, {Traced, :inner, 1}, true, [:call_count, :call_memory])
    go.()
    show.({:trace.info(one, {Traced, :outer, 1}, :call_count), :trace.info(two, {Traced, :inner, 1}, :call_count)}, "counts")
    {:call_time, [{^pid, calls, s, us}]} = :trace.info(one, {Traced, :outer, 1}, :call_time)
    show.({calls, s < 10, us >= 0}, "time")
    {:call_memory, [{^pid, calls, words}]} = :trace.info(two, {Traced, :inner, 1}, :call_memory)
    show.({calls, words >= 12}, "memory")
    show.({:trace.info(two, {Traced, :outer, 1}, :call_time), :trace.info(two, {Traced, :inner, 1}, :call_time)}, "apart")

    # What must not be.
    show.(error(fn -> :trace.process(one, self(), true, [:call, {:tracer, self()}]) end), "another tracer")
    show.(error(fn -> :trace.function(one, {Traced, :sum, 1}, [], [{:meta, self()}]) end), "another meta tracer")
    show.(error(fn -> :trace.process({:none, 77}, self(), true, [:call]) end), "no session")
    show.(error(fn -> :trace.session_destroy(:none) end), "no session")
    show.(error(fn -> :trace.session_create("name", a, []) end), "no name")
    show.(error(fn -> :trace.session_create(:name, :nobody, []) end), "no tracer")
    show.(error(fn -> :trace.session_create(:name, a, [:option]) end), "an option")

    # A weak reference works as long as the session lives.
    {_, weak} = two
    show.(:trace.info(weak, self(), :flags), "weak")
    show.({:trace.session_destroy(two), :trace.session_destroy(two)}, "destroyed")
    show.(error(fn -> :trace.info(weak, self(), :flags) end), "weak")
    show.(error(fn -> :trace.info(two, self(), :flags) end), "destroyed")
    show.(:trace.session_info({Traced, :inner, 1}), "left of it")

    # A session that nobody refers to ends by itself.
    {pid, ref} = spawn_monitor(fn ->
      s = :trace.session_create(:short, a, [])
      :trace.process(s, self(), true, [:procs])
      :trace.function(s, {Traced, :sum, 1}, [], [])
      IO.inspect(Enum.map(:trace.session_info({Traced, :sum, 1}), &elem(&1, 0)), label: "short")
    end)
    receive do {:DOWN, ^ref, _, ^pid, _} -> :ok end
    wait_for([], fn -> :trace.session_info({Traced, :sum, 1}) end)
    show.(:trace.session_info(:all) |> Enum.map(&elem(&1, 0)), "all")
    show.(elem(one, 1) |> elem(0), "still there")
    show.(:trace.session_destroy(one), "destroyed")

    # dbg stands on sessions, and has some of its own.
    me = self()
    {:ok, _} = :dbg.tracer(:process, {fn m, n -> send(me, {n, plain(m)}); n + 1 end, 1})
    show.(:dbg.p(self(), [:c]), "dbg:p")
    show.(:dbg.tpl(Traced, :add, 2, :cx), "dbg:tpl")
    Traced.sum([1, 2])
    for n <- 1..4, do: receive(do: ({^n, m} -> show.(m, "dbg")))
    show.(:dbg.ctpl(Traced, :add, 2), "dbg:ctpl")
    Traced.sum([1, 2])
    show.(receive do m -> m after 100 -> :nothing end, "dbg")
    own = :dbg.session_create(:own)
    :dbg.session(own, fn ->
      {:ok, _} = :dbg.tracer(:process, {fn m, _ -> send(me, {:own, plain(m)}) end, 0})
      :dbg.p(me, [:c])
      :dbg.tp(Traced, :add, 2, [])
    end)
    apply(Traced, :add, [3, 4])
    show.(receive do m -> m after 5000 -> :nothing end, "dbg:session")
    show.(:dbg.session_destroy(own), "dbg:session_destroy")
    show.(:dbg.stop(), "dbg:stop")
    if function_exported?(:trace, :system, 3), do: watch(show)
  end

  # A system monitor of a session's own, since OTP 28.
  defp watch(show) do
    keeper = keeper()
    s = :trace.session_create(:watch, keeper, [])
    for {event, value} <- [long_gc: 50_000, large_heap: 500_000_000, busy_port: true, long_message_queue: {1, 3}],
        do: show.(:trace.system(s, event, value), event)
    show.(:trace.info(s, :system, :all), "watched")
    show.(:trace.system(s, :busy_port, false), "busy_port")
    show.(:trace.info(s, :system, :all), "watched")
    show.(:erlang.system_monitor(), "legacy")
    show.(error(fn -> :trace.system(s, :long_gc, -1) end) |> elem(0), "negative")
    show.(error(fn -> :trace.system(s, :nothing, 1) end) |> elem(0), "nothing")
    pid = spawn(fn -> receive(do: (:never -> :ok)) end)
    for n <- 1..5, do: send(pid, n)
    show.(told(keeper, pid, 100), "told")
    show.(:trace.session_destroy(s), "destroyed")
  end

  # What was told of this process: on a busy machine others, the keeper too, have long queues.
  defp told(keeper, pid, left) do
    case for {:monitor, ^pid, _, _} = told <- kept(keeper), do: plain(told) do
      [] when left > 0 -> Process.sleep(20); told(keeper, pid, left - 1)
      told -> told
    end
  end

  defp wait_for(value, f, left \\ 100) do
    case f.() do
      ^value -> IO.puts("gone")
      other when left == 0 -> IO.inspect(other, label: "still")
      _ -> Process.sleep(20); wait_for(value, f, left - 1)
    end
  end
end

if Code.ensure_loaded?(:trace), do: TraceSessions.main(), else: IO.puts("no sessions")
