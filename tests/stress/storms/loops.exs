defmodule Storm.Loops do
  # Loops give the same whatever happens to their code while they run: a new version is loaded, the old one purged with who is in
  # it and nobody else, breakpoints are set and cleared. Between the two a call is told of, and never outside.
  import Storm
  @module :storm_loops
  @traced :storm_traced
  @compile {:no_warn_undefined, [@module, @traced]}
  @loads 6
  @workers 4

  @source ~S"""
  -module(storm_loops).
  -export([all/1, forever/1, remote/2]).
  all(N) ->
      L = up(N, []),
      {sum(L, 0), sum(double(L), VERSION) - VERSION, pairs(N, {0, 1}), floats(N, 0.0), maps(N, #{a => 0, b => 1}),
       funs(N, fun(X) -> X + N end), catches(N, 0), storm_loops:remote(N, 0)}.
  up(0, L) -> L;
  up(N, L) -> up(N - 1, [N | L]).
  sum([H | T], S) -> sum(T, S + H);
  sum([], S) -> S.
  double([H | T]) -> [H * 2 | double(T)];
  double([]) -> [].
  pairs(0, P) -> P;
  pairs(N, {A, B}) -> pairs(N - 1, {B, (A + B) rem 1000003}).
  floats(0, X) -> X;
  floats(N, X) -> floats(N - 1, X * 0.5 + 1.0).
  maps(0, M) -> M;
  maps(N, #{a := A} = M) -> maps(N - 1, M#{a := A + N}).
  funs(0, _) -> 0;
  funs(N, F) -> (F(N) band 7) + funs(N - 1, F).
  catches(0, A) -> A;
  catches(N, A) -> try even(N) of X -> catches(N - 1, A + X) catch throw:Y -> catches(N - 1, A bxor Y) end.
  even(N) when N band 1 =:= 0 -> N;
  even(N) -> throw(N).
  remote(0, A) -> A;
  remote(N, A) -> storm_loops:remote(N - 1, A + N).
  forever(C) -> counters:add(C, 1, 1), _ = all(10), forever(C).
  """

  @source_of_traced ~S"""
  -module(storm_traced).
  -export([run/1]).
  run(N) -> step(N), run(N + 1).
  step(N) -> spin(300, N).
  spin(0, A) -> A;
  spin(N, A) -> spin(N - 1, A + N).
  """

  def run do
    load(@module, beam(@module, @source, 1))
    load(@traced, beam(@traced, @source_of_traced, 1))
    stop = :counters.new(1, [:atomics])
    seen = :counters.new(@workers + 1, [:atomics])
    n = 300
    expected = {45150, 90300, fibonacci(n), 2.0, %{a: 45150, b: 1}, Enum.sum(for x <- 1..n, do: rem(x + n, 8)), catches(n), 45150}
    workers = for i <- 1..@workers, do: spawn_watched(fn -> work(stop, seen, i, n, expected) end)
    meddler = spawn_watched(fn -> meddle(stop) end)
    tracer = spawn_watched(fn -> for _ <- 1..5, do: trace() end)
    for version <- 2..@loads, do: replace(version, seen)
    :counters.put(stop, 1, 1)
    join(Map.new([meddler, tracer | workers], fn {p, r} -> {r, p} end))
    for m <- [@module, @traced], _ <- 1..2, do: :code.delete(m) && :code.purge(m)
  end

  defp fibonacci(n), do: Enum.reduce(1..n, {0, 1}, fn _, {a, b} -> {b, rem(a + b, 1_000_003)} end)
  defp catches(n), do: Enum.reduce(n..1//-1, 0, fn x, a -> if rem(x, 2) == 0, do: a + x, else: Bitwise.bxor(a, x) end)

  defp work(stop, seen, i, n, expected) do
    :counters.put(seen, i, :counters.get(seen, @workers + 1))
    given = @module.all(n)
    promise(given == expected, {:other_result, given, expected: expected})
    if :counters.get(stop, 1) == 0, do: work(stop, seen, i, n, expected)
  end

  # A process that never leaves the old version ends with it.
  defp replace(version, seen) do
    turns = :counters.new(1, [:atomics])
    {doomed, ref} = spawn_watched(fn -> @module.forever(turns) end)
    until(fn -> :counters.get(turns, 1) > 5 end)
    load(@module, beam(@module, @source, version))
    :counters.put(seen, @workers + 1, version)
    until(fn -> Enum.all?(1..@workers, &(:counters.get(seen, &1) == version)) end)
    promise(not :code.soft_purge(@module), {:soft_purge_of_used_code, version})
    promise(:code.purge(@module), {:nobody_ended_with_the_code, version})
    receive do
      {:DOWN, ^ref, :process, ^doomed, reason} -> promise(reason == :killed, {:ended_with, reason})
    end
  end

  defp meddle(stop) do
    for kind <- [:call_count, :call_time], do: :erlang.trace_pattern({@module, :_, :_}, true, [kind])
    Process.sleep(1)
    for kind <- [:call_count, :call_time], do: :erlang.trace_pattern({@module, :_, :_}, false, [kind])
    if :counters.get(stop, 1) == 0, do: meddle(stop)
  end

  defp trace do
    {p, ref} = spawn_watched(fn -> @traced.run(1) end)
    step = {@traced, :step, 1}
    :erlang.trace(p, true, [:call])
    for _ <- 1..4 do
      promise(:erlang.trace_pattern(step, true, [:local]) == 1, :no_breakpoint)
      first = told(p, 20_000)
      promise(first != nil, :breakpoint_is_not_met)
      :erlang.trace_pattern(step, false, [:local])
      delivered = :erlang.trace_delivered(p)
      receive do: ({:trace_delivered, ^p, ^delivered} -> :ok)
      calls = [first | rest(p)]
      promise(calls == Enum.to_list(first..List.last(calls)), {:calls_left_out, calls})
      Process.sleep(1)
      promise(told(p, 0) == nil, :told_without_breakpoint)
      count(step)
    end
    Process.exit(p, :kill)
    receive do: ({:DOWN, ^ref, :process, ^p, :killed} -> :ok)
  end

  defp count(step) do
    :erlang.trace_pattern(step, true, [:call_count])
    until(fn -> match?({:call_count, n} when n > 0, :erlang.trace_info(step, :call_count)) end)
    :erlang.trace_pattern(step, :pause, [:call_count])
    counted = :erlang.trace_info(step, :call_count)
    Process.sleep(1)
    promise(:erlang.trace_info(step, :call_count) == counted, :counted_in_a_pause)
    :erlang.trace_pattern(step, false, [:call_count])
  end

  defp told(p, ms) do
    receive do
      {:trace, ^p, :call, {@traced, :step, [n]}} -> n
    after
      ms -> nil
    end
  end

  defp rest(p) do
    case told(p, 0) do
      nil -> []
      n -> [n | rest(p)]
    end
  end

  defp until(f), do: f.() || (Process.sleep(1) && until(f))

  defp load(module, beam), do: {:module, ^module} = :code.load_binary(module, '#{module}.beam', beam)

  defp beam(module, source, version) do
    key = {__MODULE__, module, version}
    with nil <- :persistent_term.get(key, nil) do
      beam = compile(String.replace(source, "VERSION", "#{version}"))
      :persistent_term.put(key, beam)
      beam
    end
  end

  defp compile(source) do
    {:ok, tokens, _} = :erl_scan.string(String.to_charlist(source))
    forms = tokens |> Enum.chunk_while([], &form/2, fn [] -> {:cont, []} end) |> Enum.map(fn t -> {:ok, f} = :erl_parse.parse_form(t); f end)
    {:ok, _, beam} = :compile.forms(forms, [])
    beam
  end

  defp form({:dot, _} = dot, tokens), do: {:cont, Enum.reverse([dot | tokens]), []}
  defp form(token, tokens), do: {:cont, [token | tokens]}
end
