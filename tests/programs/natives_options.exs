# no-stress: a process for each of 40,000 calls takes too long
# Calls natives with option lists: all lists of up to two options (`--long`: three) of a pool for each native, with good
# and bad values, improper lists, and what is no list; and other arguments that are well typed and unusual. Prints a
# digest of what each native gave; `natives_options.exs ets:new/2` prints each call. With `--long`, OTP runs out of
# descriptors in `erts_internal:open_port/2`: see docs/differences.md.

Code.require_file("natives/alone.ex", __DIR__)

defmodule NativesOptions do
  # `{Module, Name, ArgumentLists}`; what is left out has its reason beside it.
  defp cases(long) do
    small = fn pool ->
      if(long, do: triples(pool), else: []) ++
        [[]] ++
        for(a <- pool, do: [a]) ++
        for(a <- pool, b <- pool, do: [a, b]) ++
        for(a <- Enum.take(pool, 4), do: [a | :tail]) ++ [:none, 7, {:a}, "x"]
    end

    ones = fn pool -> [[]] ++ for(a <- pool, do: [a]) ++ [[hd(pool) | :tail], :none, 7] end
    flat = fn pool -> [[]] ++ for(a <- pool, do: [a]) ++ [:none, 7] end
    odd = [:unknown, {:unknown, 1}, 5, {}, "bin", [1]]

    spawn_pool =
      [
        :link,
        :monitor,
        {:monitor, []},
        {:monitor, [{:alias, :demonitor}]},
        {:monitor, [{:tag, :t}]},
        {:monitor, :x},
        {:monitor, [{:alias, :bad}]},
        {:priority, :low},
        {:priority, :max},
        {:priority, :none},
        {:min_heap_size, 0},
        {:min_heap_size, 500},
        {:min_heap_size, -1},
        {:min_heap_size, :a},
        {:fullsweep_after, 0},
        {:fullsweep_after, -1},
        {:fullsweep_after, 2 ** 70},
        {:min_bin_vheap_size, 10},
        {:min_bin_vheap_size, -1},
        {:max_heap_size, 0},
        {:max_heap_size, 10},
        {:max_heap_size, 100_000},
        {:max_heap_size, %{size: 100_000}},
        {:max_heap_size, %{size: 100_000, kill: true, error_logger: false}},
        {:max_heap_size, %{kill: true}},
        {:max_heap_size, %{size: -1}},
        {:max_heap_size, %{size: 100_000, other: 1}},
        {:max_heap_size, %{size: 100_000, kill: 1}},
        {:message_queue_data, :on_heap},
        {:message_queue_data, :off_heap},
        {:message_queue_data, :mixed},
        {:scheduler, 0},
        {:scheduler, 1},
        {:scheduler, -1},
        {:scheduler, 5000},
        {:scheduler, :a}
      ] ++ odd

    reply_pool =
      spawn_pool ++
        [
          {:reply, :yes},
          {:reply, :no},
          {:reply, :error_only},
          {:reply, :success_only},
          {:reply, :other},
          {:reply_tag, {:tag, 1}}
        ]

    [
      {:erlang, :spawn_opt, for(o <- small.(spawn_pool), do: [:erlang, :now, [], o])},
      {:erlang, :spawn_opt, for(o <- ones.(spawn_pool), do: [{:lambda, 0}, o])},
      {:erlang, :spawn_request,
       for(
         o <- ones.(reply_pool) ++ for(a <- Enum.take(reply_pool, -6), b <- reply_pool, do: [a, b]),
         do: [:erlang, :now, [], o]
       )},
      {:erlang, :spawn_request, for(o <- ones.(reply_pool), do: [:a@b, :erlang, :now, [], o])},
      {:erlang, :monitor,
       for(
         o <-
           small.(
             [
               {:alias, :explicit_unalias},
               {:alias, :demonitor},
               {:alias, :reply_demonitor},
               {:alias, :x},
               {:tag, 1},
               {:tag, :DOWN},
               :alias
             ] ++ odd
           ),
         k <- [
           {:process, :self},
           {:process, :dead},
           {:port, :port},
           {:time_offset, :clock_service},
           {:process, :no_name},
           {:port, :no_name},
           {:bad, :self}
         ],
         do: [elem(k, 0), elem(k, 1), o]
       )},
      {:erlang, :alias, for(o <- small.([:explicit_unalias, :reply, :bad, {:a, 1}]), do: [o])},
      {:erlang, :demonitor,
       for(
         o <- small.([:flush, :info, :bad, {:a, 1}]),
         r <- [:ref, :alias, :monitor, :dead_monitor, :foreign_ref, :self],
         do: [r, o]
       )},
      {:erlang, :binary_to_term,
       for(
         o <- small.([:safe, :used, :bad, {:safe, true}]),
         b <- [
           <<131, 97, 1>>,
           <<131, 97, 1, 2>>,
           <<131, 100, 0, 5, "no_xx">>,
           <<>>,
           <<131>>,
           "abc",
           :a,
           <<131, 104, 1, 97>>,
           <<131, 80, 0, 0, 0, 3, 120, 156, 75, 4, 0, 0, 98, 0, 98>>
         ],
         do: [b, o]
       )},
      {:erlang, :term_to_binary,
       for(
         o <-
           small.([
             :compressed,
             {:compressed, 0},
             {:compressed, 1},
             {:compressed, 9},
             {:compressed, 10},
             {:compressed, -1},
             {:compressed, :a},
             {:minor_version, 0},
             {:minor_version, 1},
             {:minor_version, 2},
             {:minor_version, 3},
             :deterministic,
             :bad
           ]),
         t <- [1.5, :a, {:å, 1}, "abc", String.duplicate("a", 300), %{a: 1}],
         do: [t, o]
       )},
      # What `local` gives is another thing in each run.
      {:erlang, :external_size, for(o <- [[:local], [:local, :bad], [:bad, :local]], t <- [1.5, :a, %{a: 1}], do: [t, o])},
      {:erlang, :term_to_iovec,
       for(
         o <-
           small.([
             {:compressed, 10},
             {:minor_version, 0},
             {:minor_version, 1},
             {:minor_version, 2},
             {:minor_version, 3},
             :deterministic,
             :bad
           ]),
         t <- [1.5, {:a, 1}],
         do: [t, o]
       )},
      {:erlang, :external_size,
       for(
         o <-
           flat.([
             {:minor_version, 0},
             {:minor_version, 1},
             {:minor_version, 2},
             {:minor_version, 3},
             :compressed,
             :bad
           ]),
         t <- [1.5, :a, %{a: 1.0}],
         do: [t, o]
       )},
      {:erlang, :float_to_list,
       for(
         o <-
           small.([
             :compact,
             :short,
             :scientific,
             {:decimals, 0},
             {:decimals, 3},
             {:decimals, 253},
             {:decimals, 254},
             {:decimals, -1},
             {:scientific, 0},
             {:scientific, 5},
             {:scientific, 249},
             {:scientific, 250},
             {:decimals, :a},
             :bad
           ]),
         f <- [1.5, 0.0, -1.0e300, 123_456.789, 1.0e-10, 3],
         do: [f, o]
       )},
      {:erlang, :float_to_binary,
       for(
         o <-
           small.([
             :compact,
             :short,
             {:decimals, 0},
             {:decimals, 3},
             {:decimals, 254},
             {:scientific, 3},
             {:scientific, 250},
             :bad
           ]),
         f <- [1.5, -1.0e300, 1.0e-10, 3],
         do: [f, o]
       )},
      {:erlang, :send,
       for(
         o <- small.([:noconnect, :nosuspend, :bad, {:a, 1}]),
         d <- [:self, :dead, :no_name, {:no_name, :node}, :ref, :alias, :foreign_pid, {:name, :elsewhere}, 1, "a"],
         do: [d, :message, o]
       )},
      {:erlang, :cancel_timer,
       for(
         o <- small.([{:async, true}, {:async, false}, {:async, 1}, {:info, true}, {:info, false}, {:info, 1}, :bad]),
         r <- [:ref, :timer, :foreign_ref, :self],
         do: [r, o]
       )},
      {:erlang, :read_timer,
       for(
         o <- small.([{:async, true}, {:async, false}, {:info, true}, :bad]),
         r <- [:ref, :timer, :foreign_ref, :self],
         do: [r, o]
       )},
      {:erlang, :start_timer,
       for(
         o <- small.([{:abs, true}, {:abs, false}, {:abs, 1}, :bad, :abs]),
         n <- [0, 50_000, -1, 2 ** 60, 2 ** 70, :a, 1.0],
         d <- [:self, :dead, :no_name, {:a, :b}],
         do: [n, d, :m, o]
       )},
      {:erlang, :send_after,
       for(
         o <- ones.([{:abs, true}, {:abs, false}, {:abs, 1}, :bad]),
         n <- [0, 50_000, -1, 2 ** 31, 2 ** 32, 2 ** 49, 2 ** 62, 2 ** 64, 2 ** 70, :a],
         d <- [:self, :dead, :no_name, {:a, :b}, 1],
         do: [n, d, :m, o]
       )},
      {:erlang, :unique_integer,
       for(
         o <- small.([:positive, :monotonic, :bad]),
         not is_list(o) or List.improper?(o) or :bad in o,
         do: [o]
       )},
      {:erlang, :system_time,
       for(
         u <- [:second, :seconds, :nano, 0, -1, 2 ** 70, :native_, 1.0, [], {1}],
         u not in [:second, :seconds, 2 ** 70],
         do: [u]
       )},
      {:erlang, :convert_time_unit,
       for(
         u <- [:second, :millisecond, :nanosecond, :native, :perf_counter, :seconds, 7, 0, -1, :a, 2 ** 70],
         v <- [:second, :native, :microsecond, 7, 0, :a],
         n <- [0, 1, -1, 10 ** 12, 2 ** 70, 1.0, :a],
         do: [n, u, v]
       )},
      {:erlang, :process_flag,
       for(
         f <- [
           :trap_exit,
           :error_handler,
           :min_heap_size,
           :min_bin_vheap_size,
           :max_heap_size,
           :message_queue_data,
           :priority,
           :save_calls,
           :sensitive,
           :fullsweep_after,
           :monitor_nodes,
           {:monitor_nodes, []},
           {:monitor_nodes, %{}},
           {:monitor_nodes, %{list: true}},
           {:monitor_nodes, %{list: false}},
           {:monitor_nodes, %{node_type: :all, list: true}},
           {:monitor_nodes, %{node_type: :bad}},
           {:monitor_nodes, %{nodedown_reason: true, connection_id: false}},
           {:monitor_nodes, %{nodedown_reason: 1}},
           {:monitor_nodes, %{x: 1}},
           {:monitor_nodes, [:nodedown_reason]},
           {:monitor_nodes, 5},
           :unknown,
           :scheduler,
           {:trap_exit, 1},
           1
         ],
         v <- [
           true,
           false,
           0,
           1,
           -1,
           10_000,
           10_001,
           2 ** 30,
           2 ** 59,
           2 ** 70,
           :a,
           :low,
           :normal,
           :high,
           :max,
           :on_heap,
           :off_heap,
           :mixed,
           %{},
           %{size: 1},
           %{size: 1_000_000},
           %{size: 1_000_000, kill: false},
           %{size: 0, error_logger: true},
           %{size: 1_000_000, kill: 2},
           %{size: 1_000_000, x: 2},
           [],
           "a",
           1.0,
           {},
           5000
         ],
         {f, v} not in [{:scheduler, 1}],
         do: [f, v]
       )},
      {:erlang, :process_flag,
       for(
         f <- [:save_calls, :trap_exit, :unknown, 1],
         v <- [0, 5, 10_000, 10_001, -1, true, :a, 2 ** 70],
         p <- [:self, :dead, :foreign_pid, 1, :name],
         do: [p, f, v]
       )},
      {:erlang, :system_flag,
       for(
         f <- [
           :backtrace_depth,
           :fullsweep_after,
           :min_heap_size,
           :min_bin_vheap_size,
           :max_heap_size,
           :trace_control_word,
           :sequential_tracer,
           :schedulers_online,
           :scheduler_wall_time,
           :system_logger,
           :scheduler_bind_type,
           :time_offset,
           :display_items,
           :multi_scheduling,
           :process_limit,
           :check_io_info,
           :debug_flags,
           :unknown,
           1,
           {:a, 1}
         ],
         v <- [:a, -1, 1.0, [], "a", {}, 2 ** 70, %{}, %{size: -1}, [1]],
         {f, v} not in [{:sequential_tracer, []}, {:system_logger, :a}, {:time_offset, :a}],
         do: [f, v]
       )},
      {:erlang, :process_info, for(i <- items(), p <- [:self, :dead, :foreign_pid, 1, :port, :name], do: [p, i])},
      {:erlang, :statistics, for(i <- [:bad, :wall, 1, [], {:a}, :run_queue_, "x", 1.0, {:scheduler, 1}], do: [i])},
      {:erlang, :system_info,
       for(
         i <- [
           :bad,
           1,
           [],
           {:a},
           {:a, 1},
           {:wordsize, :x},
           {:wordsize, :internal},
           {:wordsize, :external},
           {:purify, 1},
           {:wordsize},
           {:internal_cpu_topology},
           {:error_checker, 1},
           {:memory_checker, 1},
           "x",
           1.0,
           :wordsize,
           :endian,
           :smp_support,
           :threads,
           :compat_rel,
           :port_limit,
           :ets_limit,
           :atom_limit,
           :delayed_node_table_gc,
           :dist,
           :creation,
           :dist_ctrl,
           :kernel_poll,
           :modified_timing_level,
           :nif_version,
           :driver_version,
           :otp_release,
           :otp_correction_package,
           :tolerant_timeofday,
           :time_correction,
           :time_warp_mode,
           :os_monotonic_time_source_,
           :start_time_,
           :dynamic_trace,
           :dynamic_trace_probes,
           :build_flavor_,
           :emu_type_,
           :eager_check_io,
           :nonexisting,
           :fullsweep_after,
           :min_heap_size,
           :min_bin_vheap_size,
           :max_heap_size,
           :scheduler_bind_type,
           :multi_scheduling,
           :process_limit,
           :system_logger,
           :allocated_areas_,
           :machine,
           :break_ignored,
           :async_dist,
           :dirty_io_schedulers,
           :trace_control_word,
           :sequential_tracer,
           :lock_checking,
           :debug_compiled,
           :port_parallelism,
           :thread_pool_size,
           :halt_flush,
           :version,
           :c_compiler_used_,
           :constants_,
           :persistent_term_,
           :taints,
           :ets_count_,
           :atom_used
         ],
         do: [i]
       )},
      {:erlang, :garbage_collect,
       for(
         o <- small.([{:type, :major}, {:type, :minor}, {:type, :x}, {:async, 1}, {:async, {:a, :b}}, :bad]),
         p <- [:self, :dead, :foreign_pid, 1],
         do: [p, o]
       )},
      {:erlang, :check_process_code,
       for(
         o <- small.([{:allow_gc, true}, {:allow_gc, 1}, {:async, 1}, {:async, {:a, :b}}, :bad]),
         p <- [:self, :dead, :foreign_pid, 1],
         m <- [:lists, :none_such, 1],
         do: [p, m, o]
       )},
      {:erlang, :suspend_process,
       for(
         o <- small.([:unless_suspending, :asynchronous, {:asynchronous, 1}, :bad]),
         p <- [:self, :other, :foreign_pid, 1, :dead],
         o != [{:asynchronous, 1}],
         do: [p, o]
       )},
      {:erlang, :port_command,
       for(
         o <- small.([:force, :nosuspend, :bad]),
         p <- [:port, :closed, 1, :no_name],
         d <- ["", :a, [1 | 2], [300]],
         do: [p, d, o]
       )},
      {:erlang, :nodes,
       for(
         o <- small.([:this, :visible, :hidden, :connected, :bad]) ++ [:this, :visible],
         m <- [%{}, %{node_type: true}, %{connection_id: true, node_type: false}, %{x: 1}, %{node_type: 1}, []],
         do: [o, m]
       )},
      {:erlang, :nodes, for(o <- small.([:this, :visible, :hidden, :connected, :bad]) ++ [:this, :visible], do: [o])},
      {:erlang, :fun_info,
       for(
         i <- [:module, :name, :arity, :env, :type, :pid, :index, :new_index, :new_uniq, :uniq, :refc, :bad, 1],
         f <- [:fun, :self, 1],
         do: [f, i]
       )},
      {:erlang, :seq_trace,
       for(
         f <- [
           :label,
           :send,
           :receive,
           :print,
           :timestamp,
           :serial,
           :monotonic_timestamp,
           :strict_monotonic_timestamp,
           :sequential_trace_token,
           :bad,
           1
         ],
         v <- [true, false, 1, -1, {1, 2}, {0, 0}, [], :a, 2 ** 70, {1, -2}, {1}, "x"],
         do: [f, v]
       )},
      {:erlang, :system_profile,
       for(
         o <-
           small.([
             :runnable_procs,
             :runnable_ports,
             :scheduler,
             :exclusive,
             :timestamp,
             :monotonic_timestamp,
             :strict_monotonic_timestamp,
             :bad
           ]),
         p <- [:undefined, :dead, 1],
         o != [:a],
         do: [p, o]
       )},
      {:erlang, :system_monitor,
       for(
         o <-
           small.([
             {:long_gc, 1000},
             {:long_gc, -1},
             {:long_schedule, 1000},
             {:large_heap, 100_000_000},
             {:large_heap, :a},
             :busy_port,
             :busy_dist_port,
             :bad,
             {:busy_port, 1}
           ]),
         p <- [:undefined, :dead, 1],
         do: [p, o]
       )},
      {:erlang, :trace,
       for(
         o <-
           small.([
             :all,
             :send,
             :receive,
             :procs,
             :call,
             :silent,
             :return_to,
             :running,
             :exiting,
             :running_procs,
             :running_ports,
             :garbage_collection,
             :timestamp,
             :monotonic_timestamp,
             :strict_monotonic_timestamp,
             :arity,
             :set_on_spawn,
             :set_on_first_spawn,
             :set_on_link,
             :set_on_first_link,
             :ports,
             {:tracer, :dead},
             {:tracer, 1},
             :bad
           ]),
         p <- [:other, :dead, :bad, 1],
         w <- [true, false, 1],
         do: [p, w, o]
       )},
      {:erlang, :trace_pattern,
       for(
         m <- [
           {:natives_no_module, :f, 1},
           {:natives_no_module, :_, :_},
           {:natives_no_module, :f, :_},
           {:natives_no_module, :f, -1},
           {:natives_no_module, :f, 300},
           {:natives_no_module, :_, 1},
           {:_, :f, 1},
           {1, 2, 3},
           {:a, :b},
           :bad,
           1
         ],
         s <- [
           true,
           false,
           [],
           [{:_, [], []}],
           [{:_, [], [:bad]}],
           :restart,
           :pause,
           :bad,
           1,
           [{:_, [], [{:return_trace}]}],
           [{:a}]
         ],
         o <- small.([:global, :local, :meta, {:meta, :dead}, {:meta, 1}, :call_count, :call_time, :bad]),
         do: [m, s, o]
       )},
      {:erlang, :trace_info,
       for(
         p <- [
           :self,
           :other,
           :dead,
           :new,
           :new_processes,
           :new_ports,
           :existing,
           1,
           {:natives_no, :f, 1},
           {:lists, :map, 2},
           {:lists, :map},
           {1, 2, 3},
           :send,
           :receive,
           :on_load,
           :foreign_pid
         ],
         i <- [:flags, :tracer, :traced, :match_spec, :meta, :meta_match_spec, :call_count, :call_time, :all, :bad, 1],
         do: [p, i]
       )},
      {:ets, :new,
       for(
         n <- [:t, 1],
         o <-
           small.([
             :set,
             :ordered_set,
             :bag,
             :duplicate_bag,
             :public,
             :protected,
             :private,
             :named_table,
             {:keypos, 1},
             {:keypos, 0},
             {:keypos, :a},
             {:heir, :none},
             {:heir, :dead, 1},
             {:heir, :self, 1},
             {:heir, 1, 1},
             {:heir, :self},
             {:write_concurrency, true},
             {:write_concurrency, false},
             {:write_concurrency, :auto},
             {:write_concurrency, 1},
             {:read_concurrency, true},
             {:read_concurrency, 1},
             {:decentralized_counters, true},
             {:decentralized_counters, 1},
             :compressed,
             :bad,
             {:keypos, 2 ** 70}
           ]),
         do: [n, o]
       )},
      {:ets, :setopts,
       for(
         o <-
           small.([
             {:heir, :none},
             {:heir, :self, 1},
             {:heir, :dead, 1},
             {:heir, 1, 1},
             {:protection, :public},
             {:protection, :private},
             {:protection, :protected},
             {:protection, :bad},
             {:keypos, 1},
             :bad
           ]) ++ [{:heir, :none}, {:protection, :public}],
         t <- [:table, :none, 1],
         do: [t, o]
       )},
      {:ets, :info,
       for(
         i <- [
           :compressed,
           :decentralized_counters,
           :heir,
           :id,
           :keypos,
           :name,
           :named_table,
           :node,
           :owner,
           :protection,
           :size,
           :type,
           :write_concurrency,
           :read_concurrency,
           :fixed,
           :safe_fixed,
           :safe_fixed_monotonic_time,
           :stats,
           :bad,
           1
         ],
         t <- [:table, :no_such, 1, :ref, "x"],
         do: [t, i]
       )},
      {:binary, :split,
       for(
         o <-
           small.([
             :global,
             :trim,
             :trim_all,
             {:scope, {0, 2}},
             {:scope, {2, -2}},
             {:scope, {0, 99}},
             {:scope, {-1, 1}},
             {:scope, :a},
             :bad
           ]),
         p <- [",", ["a", ","], "", []],
         do: [",a,,b,", p, o]
       )},
      {:binary, :match,
       for(
         o <-
           small.([
             {:scope, {0, 2}},
             {:scope, {2, -2}},
             {:scope, {5, 0}},
             {:scope, {0, 99}},
             {:scope, {-1, 1}},
             :global,
             :bad
           ]),
         p <- ["b", ["a", ","], "", [], [""]],
         do: [",a,,b,", p, o]
       )},
      {:binary, :matches,
       for(
         o <- small.([{:scope, {0, 2}}, {:scope, {2, -2}}, {:scope, {0, 99}}, :bad]),
         p <- ["b", ["a", ","], "", [], [""]],
         do: [",a,,b,", p, o]
       )},
      {:unicode, :characters_to_binary,
       for(
         i <- encodings(),
         o <- encodings(),
         d <- character_data() ++ ["a" <> <<0xE2, 0x82>>],
         do: [d, i, o]
       )},
      {:unicode, :characters_to_list,
       for(
         i <- encodings(),
         d <- character_data(),
         do: [d, i]
       )},
      {:erlang, :decode_packet,
       for(
         t <- [
           :raw,
           0,
           1,
           2,
           4,
           :asn1,
           :sunrm,
           :cdr,
           :fcgi,
           :tpkt,
           :line,
           :http,
           :http_bin,
           :httph,
           :httph_bin,
           :ssl_tls,
           :bad,
           3
         ],
         b <- [
           "",
           "abc\n",
           <<0, 0, 0, 1, 7, 8>>,
           <<0x30, 2, 1, 2, 3>>,
           "GET / HTTP/1.1\r\n",
           "HTTP/1.0 200 OK\r\n",
           "Host: x\r\n\r\n",
           <<22, 3, 1, 0, 2, 1, 2, 3>>,
           <<0x80, 2, 1, 3, 1>>,
           <<3, 0, 0, 5, 9, 9>>,
           :a
         ],
         o <-
           flat.([
             {:packet_size, 0},
             {:packet_size, 3},
             {:packet_size, -1},
             {:line_length, 2},
             {:line_delimiter, ?b},
             {:line_delimiter, 300},
             {:line_delimiter, :a},
             {:bad, 1},
             :bad
           ]),
         do: [t, b, o]
       )},
      {:erlang, :raise,
       for(
         c <- [:error, :exit, :throw, :bad],
         s <- [
           [],
           [{:a, :b, 1, []}],
           [{:a, :b, -1, []}],
           [{:a, :b, :x}],
           [{:a, :b, 300}],
           [{:a, :b, [1, 2], [line: 1]}],
           [{:a, :b, [1 | 2]}],
           [:fun],
           [{:fun, []}],
           [{:fun, 1}],
           [{:fun, 5, []}],
           [{:fun, 1, 2, 3, 4}],
           [{:a, 1, 1, []}],
           [{:a, :b, 1, :x}],
           [{:a, :b, 1, [:x]}],
           [{:a, :b, 1, [{:file, 1}]}],
           [{:a, :b, 1, [file: 'f', line: 3]}],
           [{}],
           [1],
           [{:a, :b, 1, []} | 5],
           :x,
           [{:a}],
           [{:a, :b}]
         ],
         do: [c, :reason, s]
       )},
      {:erlang, :error,
       for(
         a <- [[], [1], [1 | 2], :none, :a, 1, -1, 300, {1}, "x"],
         o <- [
           [],
           [error_info: %{}],
           [error_info: %{cause: 1, module: :erl_erts_errors}],
           [error_info: 1],
           [{:error_info, %{}} | :x],
           :a,
           [:bad],
           [error_info: %{}, x: 1]
         ],
         do: [:reason, a, o]
       )},
      {:erlang, :halt,
       for(s <- [:a, -1, 1.0, {1}, [256 | :a]], o <- [[], [flush: true]], do: [s, o]) ++
         for(s <- [0], o <- [[:bad], [flush: 1], :a, [{:flush, true} | :x]], do: [s, o])},
      {:erlang, :spawn_monitor, for(a <- [:erlang, 1], f <- [:now, 1], l <- [[], [1 | 2], :a], do: [a, f, l])},
      {:erlang, :list_to_integer,
       for(b <- [1, 2, 36, 37, :a, 2 ** 70], t <- ['zz', '-1', '+', '', 'g', '1_0'], do: [t, b])},
      {:erlang, :integer_to_binary, for(b <- [1, 2, 36, 37, :a, 2 ** 70], t <- [35, -1, 2 ** 70, 1.0], do: [t, b])},
      {:erlang, :memory, for(o <- [:bad, 1, [:bad], {:total}], do: [o])},
      {:erlang, :phash2,
       for(
         t <- [1, :a, "abc", {1, [2]}, %{a: 1}, 1.5],
         r <- [0, 1, 2 ** 27, 2 ** 32, 2 ** 32 + 1, -1, :a, 1.0, 2 ** 70],
         do: [t, r]
       )},
      {:erlang, :trace_delivered, [[:all_], [1], ["x"]]},
      {:erlang, :dist_ctrl_get_opt, [[1, 2], [:ref, :get_size], [:self, :a]]},
      {:erlang, :dist_ctrl_set_opt, [[1, 2, 3], [:ref, :get_size, true]]},
      {:erlang, :dist_ctrl_get_data, [[1], [:ref], [:self]]},
      {:erlang, :dist_ctrl_get_data_notification, [[1], [:ref]]},
      {:erlang, :dist_ctrl_put_data, [[1, 2], [:ref, "x"]]},
      {:erlang, :dist_ctrl_input_handler, [[1, 2], [:ref, :self]]},
      {:erlang, :dist_get_stat, [[1], [:ref]]},
      {:erlang, :call_on_load_function, [[:none_such], [1]]},
      {:erlang, :finish_after_on_load, [[:none_such, true], [1, 2]]},
      {:erlang, :finish_loading, [[1], [[]], [[1]], [:a], [[:ref]]]},
      {:erlang, :has_prepared_code_on_load, [[1], [:ref]]},
      {:erlang, :delete_module, [[:none_such], [1]]},
      {:erlang, :purge_module, [[:none_such], [1]]},
      {:erts_internal, :purge_module, [[:none_such, :prepare], [1, :a]]},
      {:erlang, :check_old_code, [[:none_such], [1], [:lists]]},
      {:erlang, :module_loaded, [[:none_such], [1], [:lists]]},
      {:erlang, :get_module_info, [[:none_such], [1]]},
      {:erlang, :prepare_loading, [[1, 2], [:a, "x"], [:a, ""], [1, "x"], [:a, :b]]},
      {:erts_internal, :prepare_loading, [[1, 2], [:a, "x"]]},
      {:erlang, :display_string, [[1], [:a], [[:a]], [[1 | 2]], [[-1]]]},
      {:erlang, :process_display, [[:self, :bad], [1, :backtrace], [:dead, :backtrace]]},
      {:erts_internal, :process_display, [[:self, :bad], [1, :backtrace], [:dead, :backtrace]]},
      {:erts_internal, :request_system_task,
       for(
         r <- [:self, :dead, 1],
         p <- [:normal, :bad],
         t <- [{:bad, 1}, {:garbage_collect, 1}, :a, {:check_process_code, 1, :lists}],
         do: [r, p, t]
       )},
      {:erts_debug, :set_internal_state, [[:bad, 1], [1, 1]]},
      {:erts_debug, :get_internal_state, [[:bad], [1], [{:a}]]},
      {:erts_debug, :breakpoint, [[{:none, :f, 1}, true], [1, true], [{:a, :b}, 1]]},
      {:os, :set_signal, [[:sigusr1, :bad], [:bad, :default], [1, 2]]},
      {:os, :perf_counter, [[0], [:a], [-1]]},
      {:erts_internal, :open_port, for(n <- [{:spawn_executable, '/none'}], o <- small.(port_options()), do: [n, o])},
      {:erts_internal, :open_port,
       for(
         n <- [
           {:spawn, ''},
           {:spawn, "a" <> <<0>>},
           {:spawn, 1},
           {:spawn_driver, 'no_such'},
           {:spawn_driver, ''},
           {:spawn_executable, '/none'},
           {:spawn_executable, '/etc/passwd'},
           {:spawn_executable, ""},
           {:fd, -1, 1},
           {:fd, 0, -1},
           {:fd, :a, 1},
           {:fd, 0},
           '/none/such',
           :"",
           "",
           1,
           {},
           {:bad, 1},
           {:spawn}
         ],
         o <- ones.(port_options()),
         do: [n, o]
       )},
      {:erts_internal, :open_port,
       for(n <- [{:spawn, 'ram_file_drv'}, {:spawn_driver, 'ram_file_drv x'}], o <- ones.(port_options()), do: [n, o])},
      {:persistent_term, :get, [[:natives_none], [:natives_none, 1], [[]]]},
      {:persistent_term, :erase, [[:natives_none]]},
      {:persistent_term, :put, [[:natives_x, 1]]}
    ]
  end

  defp port_options,
    do: [
      :stream,
      {:packet, 1},
      {:packet, 3},
      {:packet, :a},
      {:line, 5},
      {:line, 0},
      {:line, -1},
      :line,
      {:cd, '/tmp'},
      {:cd, ''},
      {:cd, :tmp},
      {:cd, 1},
      {:cd, ""},
      {:env, []},
      {:env, [{'A', 'b'}]},
      {:env, [{'A', false}]},
      {:env, [{'A', []}]},
      {:env, [{'A=', 'b'}]},
      {:env, [{"A", 'b'}]},
      {:env, [{'A', "b"}]},
      {:env, [{'', 'b'}]},
      {:env, [:a]},
      {:env, [{'A', 'b'} | :x]},
      {:env, :a},
      {:args, []},
      {:args, ['a', "b", :c]},
      {:args, ['a' | 'b']},
      {:args, [1]},
      {:args, ['a', <<0>>]},
      {:arg0, 'x'},
      {:arg0, ""},
      {:arg0, 1},
      :exit_status,
      :use_stdio,
      :nouse_stdio,
      :stderr_to_stdout,
      :overlapped_io,
      :in,
      :out,
      :binary,
      :eof,
      :hide,
      {:parallelism, true},
      {:parallelism, 1},
      {:busy_limits_port, {1, 2}},
      {:busy_limits_port, {0, 2}},
      {:busy_limits_port, :disabled},
      {:busy_limits_port, 1},
      {:busy_limits_msgq, {1, 2}},
      {:busy_limits_msgq, :disabled},
      {:busy_limits_msgq, :a},
      {:busy_limits_msgq, {2 ** 70, 1}},
      :bad,
      {:bad, 1},
      {:stream, 1},
      1
    ]

  defp character_data do
    ["abc", "åäö", [1, 0xD800], [255], <<255>>, ['a' | "b"], <<0xFE, 0xFF, 0, 65>>, <<0, 0, 0, 65>>, [0x110000], :a] ++
      [[<<0xC3>>, <<0xA5>>], [<<0xC3>>]]
  end

  defp encodings,
    do: [:latin1, :unicode, :utf8, :utf16, :utf32, {:utf16, :little}, {:utf32, :big}, {:utf16, :bad}, :bad, 1]

  defp items,
    do: [
      :dictionary,
      :links,
      :monitors,
      :monitored_by,
      :trap_exit,
      :error_handler,
      :priority,
      :suspending,
      :registered_name,
      :initial_call,
      :message_queue_len,
      :messages,
      :status,
      :sequential_trace_token,
      :trace,
      :group_leader,
      :fullsweep_after,
      :min_heap_size,
      :min_bin_vheap_size,
      :max_heap_size,
      :message_queue_data,
      :catchlevel,
      :last_calls,
      :parent_,
      :bad,
      1,
      [],
      [:links, :links],
      [:registered_name, :trap_exit],
      [:bad],
      [:links | :x],
      [:trap_exit, 1],
      {:dictionary, 1},
      "x",
      :current_function,
      [:registered_name]
    ]

  defp triples(pool), do: for(a <- pool, b <- pool, c <- pool, do: [a, b, c])

  def run(chosen, long) do
    calls = for {module, name, lists} <- cases(long), list <- lists, do: {module, name, list}

    calls
    |> Enum.group_by(fn {module, name, list} -> "#{module}:#{name}/#{length(list)}" end)
    |> Enum.sort()
    |> Enum.each(fn {native, calls} -> Alone.report(native, calls, chosen) end)
  end
end

:logger.set_primary_config(:level, :none)
{options, names} = Enum.split_with(System.argv(), &(&1 == "--long"))
NativesOptions.run(List.first(names), options != [])
