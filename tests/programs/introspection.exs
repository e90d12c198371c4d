# What tools ask the emulator about itself: the same items, shapes and errors as the BEAM's, and figures that add up.
defmodule Introspection do
  def shape(x) when is_integer(x), do: :int
  def shape(x) when is_list(x) and length(x) > 20, do: :long
  def shape(x) when is_list(x), do: Enum.map(x, &shape/1)
  def shape(x) when is_tuple(x), do: x |> Tuple.to_list() |> Enum.map(&shape/1) |> List.to_tuple()
  def shape(x) when is_map(x), do: x |> Enum.map(fn {k, v} -> {k, shape(v)} end) |> Enum.sort()
  def shape(x) when is_binary(x), do: :text
  def shape(x), do: x

  def caught(f) do
    f.()
  rescue
    e in [ArgumentError, ErlangError] -> {:error, e.__struct__}
  end

  def same(items, f) do
    for i <- items, do: IO.inspect(caught(fn -> f.(i) end), label: inspect(i), limit: :infinity)
  end

  def alike(items, f) do
    for i <- items, do: IO.inspect(shape(caught(fn -> f.(i) end)), label: inspect(i), limit: :infinity)
  end
end

same = &Introspection.same/2
alike = &Introspection.alike/2

same.(
  [:alloc_util_allocators, :update_cpu_info, :fullsweep_after, :heap_type, :max_heap_size, :message_queue_data, :atom_limit,
   :min_heap_size, :ets_limit, :port_limit, :process_limit, :start_time, :time_correction, :time_offset, :time_warp_mode,
   :tolerant_timeofday, :dirty_io_schedulers, :multi_scheduling, :multi_scheduling_blockers, :smp_support, :threads,
   :normal_multi_scheduling_blockers, :otp_release, :port_parallelism, :scheduler_bind_type, :thread_pool_size, :creation,
   :delayed_node_table_gc, :dist_buf_busy_limit, :dist_ctrl, :debug_compiled, :driver_version, :dynamic_trace,
   :dynamic_trace_probes, :eager_check_io, :elib_malloc, :emu_type, :ets_always_compress, :kernel_poll, :machine,
   :modified_timing_level, :nif_version, :system_architecture, :trace_control_word, :version, :wordsize,
   {:wordsize, :internal}, {:wordsize, :external}, {:wordsize, :x}, :build_type, :os_type, :sequential_tracer,
   :context_reductions, :compat_rel, :hipe_architecture, :lock_checking, :lock_counting, :literal_test, :break_ignored,
   :multi_scheduling_blocked, :modified_timings, :taints, :compat_rel_list, :constant_pool_support, :build_flavor, :bogus,
   :cpu_topology, {:cpu_topology, :defined}, {:cpu_topology, :detected}, {:cpu_topology, :x}, :logical_processors,
   :logical_processors_online, :cpu_quota, {:allocator, :bogus}, {:allocator, [:bogus]}, {:bogus, 1}, 1, "x", :overview,
   :process_alloc, :internal_cpu_topology],
  &:erlang.system_info/1
)

alike.([:os_monotonic_time_source, :os_system_time_source, :ets_count, :port_count], &:erlang.system_info/1)

# Allocators: how each instance is built up. The first one of each is there on both sides.
for a <- :erlang.system_info(:alloc_util_allocators), key <- [:allocator, :allocator_sizes] do
  [{:instance, 0, parts} | _] = :erlang.system_info({key, a})
  groups = for k <- [:mbcs, :sbcs], do: {k, Enum.map(parts[k], &elem(&1, 0)), tuple_size(List.keyfind(parts[k], :carriers_size, 0))}
  IO.inspect({key, a, Enum.map(parts, &elem(&1, 0)) -- [:mbcs_pool, :calls, :fix_types], groups |> Enum.map(fn {k, ps, n} -> {k, ps, n} end)})
end

{:glibc, version, features, settings} = :erlang.system_info(:allocator)
IO.inspect({version, Enum.all?(:erlang.system_info(:alloc_util_allocators), &(&1 in features and settings[&1][:e])), settings[:sys_alloc][:e]})

size = fn a ->
  for {:instance, _, parts} <- :erlang.system_info({:allocator_sizes, a}), {k, group} <- parts, k in [:mbcs, :sbcs],
      {_, [{:size, n, _, _}]} <- group[:blocks], reduce: 0, do: (sum -> sum + n)
end

before = size.(:binary_alloc)
held = for _ <- 1..10, do: :binary.copy(<<0>>, 1_000_000)
# Others may have given some back meanwhile.
IO.puts("ten million bytes of binaries show: #{size.(:binary_alloc) - before >= 9_000_000}")
IO.puts(length(held))

{:ok, {512, carriers}} = :instrument.carriers()
IO.puts("carriers: #{Enum.all?(carriers, &match?({a, p, t, u, b, f} when is_atom(a) and is_boolean(p) and t >= u and is_list(b) and tuple_size(f) == 14, &1))}")
{:ok, {4, _, histograms}} = :instrument.allocations(%{histogram_start: 4, histogram_width: 3})
IO.puts("allocations: #{is_map(histograms)}")
# Statistics.
alike.([:context_switches, :exact_reductions, :garbage_collection, :io, :reductions, :run_queue, :runtime,
       :total_active_tasks, :total_run_queue_lengths, :wall_clock, :bogus, "x"], &:erlang.statistics/1)
IO.inspect({tuple_size(:erlang.statistics(:run_queues)) == :erlang.system_info(:run_queues) + 2,
            length(:erlang.statistics(:run_queue_lengths_all)) == :erlang.system_info(:schedulers) + 2})

# Microstates: while accounting is on, the times of each thread are those that have passed.
false = :erlang.system_flag(:microstate_accounting, true)
Enum.each(1..200, fn _ -> :lists.seq(1, 1000) end)
Process.sleep(60)
true = :erlang.system_flag(:microstate_accounting, false)
all = :erlang.statistics(:microstate_accounting)
IO.inspect(all |> Enum.map(&(&1.counters |> Map.keys() |> Enum.sort())) |> Enum.uniq())
schedulers = for m <- all, m.type == :scheduler, do: m.id
IO.inspect({Enum.sort(schedulers) == Enum.to_list(1..:erlang.system_info(:schedulers)), length(for m <- all, m.type == :dirty_io_scheduler, do: m)})
to_ms = &:erlang.convert_time_unit(&1, :perf_counter, :millisecond)
IO.inspect(Enum.all?(for(m <- all, m.type == :scheduler, do: m.counters |> Map.values() |> Enum.sum() |> to_ms.()), &(&1 >= 60)))
IO.inspect(Enum.any?(all, &(&1.counters.emulator > 0)))
false = :erlang.system_flag(:microstate_accounting, :reset)
IO.inspect(:erlang.statistics(:microstate_accounting) |> Enum.flat_map(&Map.values(&1.counters)) |> Enum.sum())
:msacc.start(10)
IO.inspect(:msacc.stats() |> Enum.map(& &1.type) |> Enum.member?(:scheduler))

# Flags and their ranges.
n = :erlang.system_info(:schedulers)
for flag <- [:schedulers_online, :dirty_cpu_schedulers_online, :microstate_accounting, :backtrace_depth, :erts_alloc, :bogus,
             :outstanding_system_requests_limit, :multi_scheduling, :fullsweep_after, "x"],
    value <- [0, n + 1, 1025, -1, 1.0, "x", :bogus, Bitwise.bsl(1, 70)],
    not (flag in [:backtrace_depth, :fullsweep_after, :outstanding_system_requests_limit] and value in [0, n + 1, 1025]) do
  IO.inspect({flag, if(value == n + 1, do: :too_many, else: value), Introspection.caught(fn -> :erlang.system_flag(flag, value) end)})
end

IO.inspect({:erlang.system_flag(:schedulers_online, 1) == n, :erlang.system_info(:schedulers_online), :erlang.system_flag(:schedulers_online, n)})
me = self()
IO.inspect({:erlang.system_flag(:multi_scheduling, :block_normal), :erlang.system_info(:normal_multi_scheduling_blockers) == [me],
            :erlang.system_info(:multi_scheduling_blockers)})
IO.inspect({:erlang.system_flag(:multi_scheduling, :block), :erlang.system_info(:multi_scheduling_blockers) == [me]})
IO.inspect({:erlang.system_flag(:multi_scheduling, :unblock), :erlang.system_flag(:multi_scheduling, :unblock_normal)})
blocker = spawn(fn -> :erlang.system_flag(:multi_scheduling, :block); send(me, :blocked); Process.sleep(:infinity) end)
receive do: (:blocked -> IO.inspect(:erlang.system_info(:multi_scheduling_blockers) == [blocker]))
ref = Process.monitor(blocker)
Process.exit(blocker, :kill)
receive do: ({:DOWN, ^ref, _, _, _} -> IO.inspect(:erlang.system_info(:multi_scheduling)))

# One that may read all tables.
spawn(fn -> :ets.insert(:ets.new(:hidden_one, [:private, :named_table]), {:a, 1}); send(me, :made); Process.sleep(:infinity) end)
receive do: (:made -> :ok)
look = fn -> Introspection.caught(fn -> :ets.lookup(:hidden_one, :a) end) end
IO.inspect({look.(), :erts_internal.ets_super_user(true), look.(), :erts_internal.ets_super_user(false), look.()})
same.([:x, 1], &:erts_internal.ets_super_user/1)

# The binaries that a table's rows hold: another one holds them only while it does.
for type <- [:set, :bag, :ordered_set] do
  table = :ets.new(:held, [type])
  large = :binary.copy("x", 1000)
  :ets.insert(table, [{1, large, [large]}, {2, "short"}, {3, {:binary.copy("y", 300), :binary.part(large, 1, 100)}}])
  :ets.safe_fixtable(table, true)
  held = :ets.info(table, :binary)
  IO.inspect({type, Enum.sort(for({_, size, _} <- held, do: size)), length(Enum.uniq_by(held, &elem(&1, 0))), :ets.safe_fixtable(table, false)})
  :erlang.garbage_collect()
  IO.inspect(for {_, 300, n} <- :ets.info(table, :binary), do: n)
  :ets.delete(table, 1)
  IO.inspect(for {_, size, _} <- :ets.info(table, :binary), do: size)
end

same.([:hidden_one, :no_table, 1], &:ets.info(&1, :binary))

# Reductions that are only counted, at most as many as a time slice has.
reductions = fn f ->
  {:reductions, before} = Process.info(self(), :reductions)
  value = Introspection.caught(f)
  {:reductions, now} = Process.info(self(), :reductions)
  {value, now - before < 9000}
end

for n <- [0, 1, 4000, 100_000, 2 ** 27, 2 ** 31, 2 ** 40, 2 ** 59 - 1, 2 ** 59, 2 ** 64, -1, 1.0, :x],
    do: IO.inspect({n, reductions.(fn -> :erlang.bump_reductions(n) end)})

# Counters and their sizes.
for n <- [1, 8, 9, 100], do: IO.inspect(:atomics.info(:atomics.new(n, signed: false)))
for n <- [1, 8, 9, 100] do
  %{size: ^n, memory: memory} = :counters.info(:counters.new(n, [:write_concurrency]))
  IO.inspect({:counters.info(:counters.new(n, [])), (memory - 32) / 64 / (:erlang.system_info(:schedulers) + 1)})
end

# Modules, the last one that was loaded first; one that is loaded again keeps its place.
newest = fn -> :erlang.loaded() |> Enum.take(2) end
[{Newest1, one}, {Newest2, two}] = Code.compile_string("defmodule Newest1 do end; defmodule Newest2 do end")
for {name, code} <- [{Newest1, one}, {Newest2, two}], do: :code.load_binary(name, ~c"x", code)
IO.inspect(newest.())
:code.purge(Newest2)
:code.delete(Newest2)
IO.inspect(hd(newest.()))
for {name, code} <- [{Newest2, two}, {Newest1, one}], do: :code.load_binary(name, ~c"x", code)
IO.inspect(newest.())

# What the tools make of it.
IO.inspect(:observer_backend.sys_info() |> Keyword.keys() |> Enum.sort() |> Enum.uniq())
