# Which natives natives.exs calls in its own process: those whose answers depend on their arguments alone.

defmodule Pure do
  @modules [
    :erlang, :lists, :maps, :binary, :unicode, :math, :string, :atomics, :counters, :persistent_term, :erts_debug
  ]

  # What changes the node, waits, depends on time and place, or takes long by its nature.
  @left_out ~w(
    ! abort_pending_connection alias apply await_exit bump_reductions call_on_load_function cancel_timer
    check_old_code check_process_code copy crasher date delay_trap delete_module demonitor dirty dirty_cpu dirty_io
    dirty_process_handle_signals disassemble disconnect_node display display_nl display_string dist_ctrl_get_data
    dist_ctrl_get_data_notification dist_ctrl_get_opt dist_ctrl_input_handler dist_ctrl_put_data dist_ctrl_set_opt
    dist_ext_to_term dist_get_stat dmonitor_p erase error exit exit_signal external_size finish_after_on_load
    finish_loading flat_size_shared fun_info fun_to_list garbage_collect get get_internal_state get_keys
    get_module_info group_leader halt has_prepared_code_on_load hibernate ic info instructions interpreter_size
    is_process_alive link load_nif loaded localtime localtime_to_universaltime lock_counters make_ref make_tuple
    memory module_loaded monitor monitor_node monotonic_time new nif_error node nodes now open_port pid_to_list
    port_call port_close port_command port_connect port_control port_get_data port_info port_set_data port_to_list
    ports posixtime_to_universaltime pre_loaded prepare_loading process_display process_flag process_info processes
    purge_module put raise read_timer ref_to_list register registered resume_process same send send_after
    send_nosuspend seq_trace seq_trace_info seq_trace_print set_cookie set_cpu_topology set_internal_state setnode
    size_shared spawn spawn_link spawn_monitor spawn_opt spawn_request spawn_request_abandon start_timer statistics
    suspend_process system_flag system_info system_monitor system_profile system_time term_to_iovec throw time
    time_offset timestamp trace trace_delivered trace_info trace_pattern unalias unique_integer universaltime
    universaltime_to_localtime unlink unregister whereis yield
  )a

  def modules, do: @modules

  def native?(module, name, arity) do
    module in @modules and arity in 1..4 and name not in @left_out and :erlang.is_builtin(module, name, arity)
  end
end
