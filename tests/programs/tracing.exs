# Tracing: calls by name and local ones, returns, exceptions, match specifications, messages, processes, counts,
# meta tracing, sequential tracing.
defmodule Traced do
  def f(x), do: g(x) + 1
  def g(x), do: Traced.h(x) * 2
  def h(0), do: throw(:zero)
  def h(x), do: x
  def sum([]), do: 0
  def sum([x | rest]), do: x + sum(rest)
  def loop, do: receive(do: ({from, fun} -> send(from, {:done, catching(fun)}); Traced.loop()))
  defp catching(fun), do: (try do fun.() catch kind, what -> {kind, what} end)
end

defmodule T do
  def collect(acc \\ []) do
    receive do
      {:done, _} -> collect(acc)
      m -> collect([m | acc])
    after
      50 -> Enum.reverse(acc)
    end
  end

  def clean(t, names) when is_pid(t), do: Map.get(names, t, :pid)
  def clean(t, _) when is_reference(t), do: :ref
  def clean(t, _) when is_function(t), do: :fun
  def clean(t, names) when is_list(t), do: Enum.map(t, &clean(&1, names))
  def clean(t, names) when is_tuple(t), do: t |> Tuple.to_list() |> clean(names) |> List.to_tuple()
  def clean(t, _), do: t

  def run(title, worker, flags, patterns, fun) do
    me = self()
    counts = for {mfa, spec, opts} <- patterns, do: :erlang.trace_pattern(mfa, spec, opts)
    1 = :erlang.trace(worker, true, flags)
    send(worker, {me, fun})
    seen = collect()
    1 = :erlang.trace(worker, false, [:all])
    for {mfa, _, opts} <- patterns, do: :erlang.trace_pattern(mfa, false, opts)
    IO.inspect({title, counts, clean(seen, %{worker => :worker, me => :me})}, limit: :infinity)
  end
end

worker = spawn(&Traced.loop/0)
send(worker, {self(), fn -> :ready end})
receive(do: ({:done, :ready} -> :ok))
all = {Traced, :_, :_}
three = fn -> Traced.f(3) end
T.run(:global, worker, [:call], [{all, true, []}], three)
T.run(:local, worker, [:call, :arity], [{all, true, [:local]}], three)
T.run(:return_to, worker, [:call, :return_to], [{{Traced, :g, 1}, true, [:local]}, {{Traced, :h, 1}, true, [:local]}], three)
T.run(:returns, worker, [:call], [{all, [{:_, [], [{:return_trace}, {:message, {:caller}}]}], [:local]}], three)
T.run(:exceptions, worker, [:call, :return_to], [{all, [{:_, [], [{:exception_trace}]}], [:local]}], fn -> Traced.f(0) end)
T.run(:guards, worker, [:call], [{{Traced, :sum, 1}, [{[[:"$1" | :_]], [{:>, :"$1", 1}], [{:message, {{:x, :"$1"}}}]}], [:local]}], fn -> Traced.sum([1, 2, 3]) end)
T.run(:natives, worker, [:call], [{{:erlang, :phash2, 2}, [{:_, [], [{:return_trace}]}], []}, {{:lists, :reverse, 2}, true, [:local]}], fn -> {:erlang.phash2(:a, 10), :lists.reverse([1, 2], [])} end)
T.run(:messages, worker, [:send, :receive], [], fn -> send(self(), :hello); receive(do: (x -> x)) end)
T.run(:processes, worker, [:procs], [], fn -> p = spawn_link(fn -> receive(do: (:go -> :ok)) end); Process.unlink(p); Process.register(self(), :traced_worker); Process.unregister(:traced_worker); send(p, :go) end)
T.run(:children, worker, [:procs, :set_on_first_spawn], [], fn -> m = Process.monitor(spawn(fn -> :ok end)); receive(do: ({:DOWN, ^m, _, _, _} -> spawn(fn -> :ok end))) end)
T.run(:silent, worker, [:call, :silent], [{{Traced, :h, 1}, [{:_, [], [{:silent, false}]}], [:local]}, {{Traced, :sum, 1}, true, [:local]}], fn -> Traced.sum([]); Traced.h(1); Traced.sum([]) end)
T.run(:disable, worker, [:call], [{{Traced, :h, 1}, [{:_, [], [{:trace, [:call], [:send]}, {:message, {:get_tcw}}]}], [:local]}, {{Traced, :sum, 1}, true, [:local]}], fn -> Traced.sum([]); Traced.h(1); Traced.sum([]) end)

:erlang.trace_pattern({Traced, :sum, 1}, true, [:call_count])
:erlang.trace_pattern({Traced, :h, 1}, [{[5], [], []}], [:meta])
send(worker, {self(), fn -> Traced.sum([1, 2, 3]) + Traced.h(5) + Traced.h(6) end})
[{:trace_ts, ^worker, :call, call, _}] = T.collect()
IO.inspect({call, :erlang.trace_info({Traced, :sum, 1}, :call_count), :erlang.trace_info({Traced, :h, 1}, :meta_match_spec)})
:erlang.trace_pattern(all, false, [:meta, :call_count])
IO.inspect(for key <- [:traced, :match_spec, :meta, :call_count, :all], do: :erlang.trace_info({Traced, :h, 1}, key))
IO.inspect(for what <- [{Traced, :nope, 0}, :on_load, :send], do: :erlang.trace_info(what, :match_spec))
for f <- [fn -> :erlang.trace(:nope, true, []) end, fn -> :erlang.trace(:all, true, [:nope]) end, fn -> :erlang.trace_pattern(:nope, true, []) end, fn -> :erlang.trace_pattern(all, [{:_, [], [{:nope}]}], []) end, fn -> :erlang.trace_info(:nope, :flags) end], do: IO.inspect(try(do: f.(), rescue: (e -> e.__struct__)))

me = self()
tracer = spawn(fn -> receive(do: (:collect -> send(me, {:seen, T.collect()}))) end)
:seq_trace.set_system_tracer(tracer)
:seq_trace.set_token(:label, :label)
for f <- [:send, :receive, :print], do: :seq_trace.set_token(f, true)
send(worker, {self(), fn -> :answer end})
receive(do: ({:done, :answer} -> :seq_trace.print(:printed)))
{flags, :label, serial, _, _} = :seq_trace.set_token([])
send(tracer, :collect)
receive(do: ({:seen, seen} -> IO.inspect({flags, serial, T.clean(seen, %{worker => :worker, me => :me})})))
