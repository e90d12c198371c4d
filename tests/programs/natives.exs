# Calls the natives of OTP's basic modules with arguments of every kind, and prints a digest of what each native gave:
# values, exceptions, and what the shell would say of them. `natives.exs lists:keyfind/3` prints each call.

defmodule Natives do
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

  @terms [
    0, 1, -1, 3, 255, 0x10FFFF, 0xD800, 2 ** 59, -(2 ** 59) - 1, 2 ** 64 + 7, -(2 ** 70), 0.0, -1.5, 1.0e20, :a, true,
    false, :undefined, :"", :utf8, [], [1, 2, 3], 'abc', [:a | :b], [a: 1, b: 2], [[1], "x", 'yz'], ["a", "bc"],
    [256, 1024], {}, {1, 2}, {:a, :b, :c}, {:b, 2}, "", "abc", <<5::3>>, "å€", <<255, 254>>, %{}, %{a: 1, b: 2},
    &:erlang.abs/1
  ]
  @fewer [0, 1, -1, 2 ** 64 + 7, :a, true, [], [1, 2], [a: 1], {:a, :b}, "abc", %{a: 1}]
  @fewest [0, 2, :a, [], [1, 2], {:a, :b}, "abc", %{a: 1}]

  def run(chosen) do
    for module <- @modules,
        Code.ensure_loaded?(module),
        {name, arity} <- Enum.sort(module.module_info(:exports)),
        arity in 1..4 and name not in @left_out and :erlang.is_builtin(module, name, arity),
        native = "#{module}:#{name}/#{arity}",
        chosen in [nil, native] do
      digest =
        Enum.reduce(arguments(arity), :erlang.md5_init(), fn arguments, digest ->
          seen = {arguments, result(module, name, arguments)}
          if chosen, do: IO.inspect(seen, limit: :infinity)
          :erlang.md5_update(digest, :erlang.term_to_binary(seen))
        end)

      IO.puts("#{native} #{digest |> :erlang.md5_final() |> Base.encode16()}")
    end
  end

  defp arguments(1), do: for(a <- @terms, do: [a])
  defp arguments(2), do: for(a <- @terms, b <- @terms, do: [a, b])
  defp arguments(3), do: for(a <- @fewer, b <- @fewer, c <- @fewer, do: [a, b, c])
  defp arguments(4), do: for(a <- @fewest, b <- @fewest, c <- @fewest, d <- @fewest, do: [a, b, c, d])

  defp result(module, name, arguments) do
    {:ok, hide(apply(module, name, arguments))}
  catch
    kind, reason ->
      said = :erl_error.format_exception(kind, reason, Enum.take(__STACKTRACE__, 1))
      {kind, hide(reason), IO.chardata_to_string(said)}
  end

  # What has no equal in another run.
  defp hide(t) when is_pid(t) or is_reference(t) or is_port(t), do: :hidden
  defp hide([head | tail]), do: [hide(head) | hide(tail)]
  defp hide(t) when is_tuple(t), do: t |> Tuple.to_list() |> hide() |> List.to_tuple()
  defp hide(t), do: t
end

Natives.run(List.first(System.argv()))
