# no-stress: a process for each of 60,000 calls takes too long
# Calls the natives that natives.exs leaves out because they need a process, a port, a table or a time, each call in a
# process of its own with arguments of every kind, and prints a digest of what each native gave.
# `natives_alone.exs erlang:link/1` prints each call, `--long` calls with all combinations of the terms.

Code.require_file("natives/alone.ex", __DIR__)
Code.require_file("natives/pure.ex", __DIR__)

defmodule NativesAlone do
  @modules ~w(erlang erts_internal ets os persistent_term prim_file erl_ddll net_kernel io)a

  # What ends, stops or changes the node; what tells the time, the place, or something else that has no equal in another
  # run; what natives_options.exs calls with arguments that are safe. Then what belongs to connected nodes or to
  # the memory of BEAM tables, which there is none of here.
  @never ~w(
    get info open_port halt purge_module delete_module load_nif call_on_load_function finish_loading prepare_loading finish_after_on_load
    create_dist_channel setnode dist_ctrl_get_data dist_ctrl_get_data_notification dist_ctrl_get_opt
    dist_ctrl_input_handler dist_ctrl_put_data dist_ctrl_set_opt dist_get_stat set_internal_state get_internal_state
    spawn_system_process crasher display display_nl display_string process_display set_signal release_area_switch
    send_copy_request erase_persistent_terms persistent_term system_check ets_super_user gather_alloc_histograms
    gather_carrier_info abort_pending_connection new_connection get_creation get_dflags dirty dirty_cpu dirty_io
    lcnt_clear lcnt_collect lcnt_control yield hibernate disassemble instructions interpreter_size ! apply
    request_system_task loaded pre_loaded processes ports registered get_module_info env perf_counter memory
    system_info statistics atomics_new counters_new localtime now time timestamp system_time monotonic_time
    time_offset universaltime date unique_integer md5_init pid_to_list ref_to_list port_to_list fun_to_list getpid
    term_to_iovec check_dirty_process_code dist_ext_to_term ets_lookup_binary_info ets_raw_first ets_raw_next is_alive
    cmp_term posixtime_to_universaltime try_load process_info suspend_process trace_delivered no_aux_work_threads
  )a

  # Shapes whose answers come from another process, a port or another node, at a time of their own; and a difference.
  @later %{
    exit: [:port],
    exit_signal: [:port],
    send: [:port, :foreign_pid],
    link: [:foreign_pid],
    port_info: [:port],
    group_leader: [:other],
    internal_name2native: [<<5::3>>]
  }

  @terms [
    0,
    1,
    -1,
    3,
    255,
    2 ** 59,
    -(2 ** 59) - 1,
    2 ** 64 + 7,
    2 ** 32,
    0.0,
    -1.5,
    :a,
    true,
    false,
    :undefined,
    :"",
    [],
    [1, 2, 3],
    'abc',
    [:a | :b],
    [a: 1, b: 2],
    ["a", "bc"],
    {},
    {1, 2},
    {:a, :b, :c},
    {:b, 2},
    "",
    "abc",
    <<5::3>>,
    %{},
    %{a: 1},
    :self,
    :other,
    :dead,
    :name,
    :no_name,
    :ref,
    :alias,
    :port,
    :closed,
    :fun,
    :table,
    {:name, :node},
    :node,
    {:no_name, :node},
    {:name, :elsewhere},
    :foreign_pid,
    :foreign_ref,
    :foreign_port,
    :infinity,
    :normal,
    :kill
  ]
  @fewer [
    0,
    1,
    -1,
    2 ** 64 + 7,
    :a,
    true,
    [],
    [1, 2],
    [a: 1],
    {:a, :b},
    "abc",
    %{a: 1},
    :self,
    :other,
    :dead,
    :name,
    :ref,
    :port,
    :table,
    :fun,
    {:name, :node},
    :infinity
  ]
  @few [0, 1, 2 ** 64, :a, [], [1, 2], {:a, :b}, "abc", :self, :dead, :name, :port, :ref, :table]
  @fewest [0, :a, [], [1, 2], [a: :b], :self, :table, :name, "abc"]

  def run(chosen, long) do
    for module <- @modules,
        Code.ensure_loaded?(module),
        {name, arity} <- Enum.sort(module.module_info(:exports)),
        arity <= 4 and name not in @never and not Pure.native?(module, name, arity),
        :erlang.is_builtin(module, name, arity) do
      later = Map.get(@later, name, [])
      calls = for shape <- shapes(arity, long), Enum.all?(later, &(&1 not in shape)), do: {module, name, shape}
      Alone.report("#{module}:#{name}/#{arity}", calls, chosen)
    end
  end

  defp shapes(0, _), do: [[]]
  defp shapes(1, _), do: for(a <- @terms, do: [a])
  defp shapes(2, true), do: for(a <- @terms, b <- @terms, do: [a, b])
  defp shapes(3, true), do: for(a <- @fewer, b <- @fewer, c <- @fewer, do: [a, b, c])
  defp shapes(4, true), do: for(a <- @few, b <- @few, c <- @few, d <- @few, do: [a, b, c, d])
  defp shapes(2, false), do: for(a <- @few, b <- @fewer, do: [a, b])
  defp shapes(3, false), do: for(a <- @few, b <- @fewest, c <- @fewest, do: [a, b, c])
  defp shapes(4, false), do: for(a <- @fewest, b <- [0, :self, :name], c <- @fewest, d <- @fewest, do: [a, b, c, d])
end

:logger.set_primary_config(:level, :none)
{options, names} = Enum.split_with(System.argv(), &(&1 == "--long"))
NativesAlone.run(List.first(names), options != [])
