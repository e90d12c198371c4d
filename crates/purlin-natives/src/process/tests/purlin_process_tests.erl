%% What programs can observe of processes and signals. Every function whose name is in all/0 must return; run/0 halts
%% with 0 when they do. The same module runs on the real emulator.
-module(purlin_process_tests).
-compile([nowarn_deprecated_function, {no_auto_import, [alias/1, monitor/3]}]).
-export([run/0, woken/1, ring_node/1]).

all() ->
    [fun exit_self_normal/0, fun exit_other_normal/0, fun kill_is_killed/0, fun own_kill_stays_kill/0,
     fun linked_kill_stays_kill/0, fun link_to_dead/0, fun link_and_monitor_self/0, fun unlink_keeps_exit_message/0,
     fun relink_after_unlink/0, fun link_chain/0, fun normal_exit_through_link/0, fun monitor_dead/0,
     fun monitor_by_name/0, fun demonitor_info/0, fun demonitor_flush/0, fun monitor_tag/0, fun late_reply_dropped/0,
     fun reply_demonitor_once/0, fun explicit_unalias/0, fun reply_alias/0, fun spawn_request_replies/0,
     fun spawn_options/0, fun spawn_errors/0, fun uncaught_reasons/0, fun send_to_names/0, fun selective_receive/0,
     fun receive_timeouts/0, fun bad_timeouts/0, fun marker_with_full_mailbox/0, fun register_errors/0,
     fun name_is_free_after_exit/0, fun timers_in_order/0, fun timer_to_name/0, fun cancel_and_read_timer/0,
     fun timer_options/0, fun process_info_shapes/0, fun process_info_of_other/0, fun process_info_relations/0,
     fun process_info_status/0, fun process_flags/0, fun dictionary/0, fun alive_after_kill/0, fun suspend_resume/0,
     fun collect_other/0, fun hibernation/0, fun group_leaders/0, fun uniques/0, fun signals_keep_order/0,
     fun exit_signal_self/0, fun many_processes/0, fun ring/0, fun ping_pong/0, fun busy_process_is_preempted/0,
     fun trap_exit_kill_signal/0, fun exit_reason_is_copied/0, fun big_messages/0, fun priorities/0,
     fun badargs/0].

run() ->
    erlang:display(started),
    run(all(), 0).

run([], 0) ->
    erlang:halt(0);
run([], Failed) ->
    erlang:display({failed, Failed}),
    erlang:halt(1);
run([F | Fs], Failed) ->
    {name, Name} = erlang:fun_info(F, name),
    {Pid, Ref} = spawn_monitor(F),
    receive
        {'DOWN', Ref, process, Pid, normal} -> run(Fs, Failed);
        {'DOWN', Ref, process, Pid, Reason} -> erlang:display({Name, Reason}), run(Fs, Failed + 1)
    after 10000 ->
        erlang:display({Name, stuck, process_info(Pid, [current_stacktrace, messages, status])}),
        exit(Pid, kill),
        erlang:demonitor(Ref, [flush]),
        run(Fs, Failed + 1)
    end.

%% ---- helpers

spawn_waiting() ->
    spawn(fun() -> receive stop -> ok; {exit, R} -> exit(R) end end).

dead() ->
    {P, R} = spawn_monitor(fun() -> ok end),
    receive {'DOWN', R, process, P, _} -> P end.

down_reason(F) ->
    {P, R} = spawn_monitor(F),
    receive {'DOWN', R, process, P, Reason} -> Reason end.

no_message() ->
    receive M -> error({unexpected, M}) after 20 -> ok end.

%% ---- exits and links

exit_self_normal() ->
    normal = down_reason(fun() -> exit(self(), normal), receive after infinity -> ok end end),
    process_flag(trap_exit, true),
    Self = self(),
    true = exit(self(), normal),
    receive {'EXIT', Self, normal} -> ok end.

exit_other_normal() ->
    P = spawn_waiting(),
    true = exit(P, normal),
    true = is_process_alive(P),
    process_flag(trap_exit, true),
    Me = self(),
    Q = spawn(fun() -> exit(Me, normal) end),
    receive {'EXIT', Q, normal} -> ok end,
    P ! stop.

kill_is_killed() ->
    P = spawn(fun() -> process_flag(trap_exit, true), receive after infinity -> ok end end),
    R = erlang:monitor(process, P),
    exit(P, kill),
    receive {'DOWN', R, process, P, killed} -> ok end.

own_kill_stays_kill() ->
    kill = down_reason(fun() -> exit(kill) end).

linked_kill_stays_kill() ->
    kill = down_reason(fun() -> spawn_link(fun() -> exit(kill) end), receive after infinity -> ok end end),
    process_flag(trap_exit, true),
    P = spawn_link(fun() -> exit(kill) end),
    receive {'EXIT', P, kill} -> ok end.

link_to_dead() ->
    D = dead(),
    {noproc, [{erlang, link, [D], _} | _]} = down_reason(fun() -> link(D) end),
    process_flag(trap_exit, true),
    true = link(D),
    receive {'EXIT', D, noproc} -> ok end.

link_and_monitor_self() ->
    true = link(self()),
    R = erlang:monitor(process, self()),
    true = is_reference(R),
    {links, []} = process_info(self(), links),
    {monitors, []} = process_info(self(), monitors),
    no_message().

unlink_keeps_exit_message() ->
    process_flag(trap_exit, true),
    P = spawn_link(fun() -> exit(gone) end),
    receive after 20 -> ok end,
    true = unlink(P),
    receive {'EXIT', P, gone} -> ok after 0 -> error(lost) end.

relink_after_unlink() ->
    process_flag(trap_exit, true),
    P = spawn_waiting(),
    [begin true = link(P), true = unlink(P) end || _ <- [1, 2, 3, 4, 5]],
    true = link(P),
    {links, [P]} = process_info(self(), links),
    P ! {exit, bye},
    receive {'EXIT', P, bye} -> ok end,
    Q = spawn_waiting(),
    link(Q), unlink(Q),
    Q ! {exit, bye},
    no_message().

link_chain() ->
    process_flag(trap_exit, true),
    P = chain(100),
    receive {'EXIT', P, boom} -> ok end.

chain(0) -> spawn_link(fun() -> exit(boom) end);
chain(N) -> spawn_link(fun() -> chain(N - 1), receive after infinity -> ok end end).

normal_exit_through_link() ->
    Me = self(),
    P = spawn(fun() -> Q = spawn_link(fun() -> ok end), Me ! {q, Q}, receive stop -> Me ! stopped end end),
    Q = receive {q, X} -> X end,
    false = wait_dead(Q),
    true = is_process_alive(P),
    P ! stop,
    receive stopped -> ok end.

wait_dead(P) ->
    R = erlang:monitor(process, P),
    receive {'DOWN', R, process, P, _} -> is_process_alive(P) end.

trap_exit_kill_signal() ->
    process_flag(trap_exit, true),
    P = spawn_link(fun() -> receive after infinity -> ok end end),
    exit(P, kill),
    receive {'EXIT', P, killed} -> ok end.

exit_reason_is_copied() ->
    Big = lists:seq(1, 1000),
    Reason = {big, Big, list_to_binary(Big2 = [1 || _ <- Big])},
    true = length(Big2) =:= 1000,
    Reason = down_reason(fun() -> exit(Reason) end).

exit_signal_self() ->
    process_flag(trap_exit, true),
    Me = self(),
    exit(Me, reason),
    receive {'EXIT', Me, reason} -> ok end,
    killed = down_reason(fun() -> process_flag(trap_exit, true), exit(self(), kill), receive after infinity -> ok end end),
    other = down_reason(fun() -> exit(self(), other), receive after infinity -> ok end end).

%% ---- monitors and aliases

monitor_dead() ->
    D = dead(),
    R = erlang:monitor(process, D),
    receive {'DOWN', R, process, D, noproc} -> ok end,
    N = erlang:monitor(process, no_such_name),
    Node = node(),
    receive {'DOWN', N, process, {no_such_name, Node}, noproc} -> ok end.

monitor_by_name() ->
    P = spawn_waiting(),
    register(purlin_named, P),
    R = erlang:monitor(process, purlin_named),
    Node = node(),
    S = erlang:monitor(process, {purlin_named, Node}),
    {monitors, Ms} = process_info(self(), monitors),
    [{process, {purlin_named, Node}}, {process, {purlin_named, Node}}] = Ms,
    P ! {exit, bye},
    receive {'DOWN', R, process, {purlin_named, Node}, bye} -> ok end,
    receive {'DOWN', S, process, {purlin_named, Node}, bye} -> ok end.

demonitor_info() ->
    P = spawn_waiting(),
    R = erlang:monitor(process, P),
    true = erlang:demonitor(R, [info]),
    false = erlang:demonitor(R, [info]),
    false = erlang:demonitor(make_ref(), [info, flush]),
    true = erlang:demonitor(R),
    P ! stop,
    no_message().

demonitor_flush() ->
    {P, R} = spawn_monitor(fun() -> ok end),
    false = wait_dead(P),
    true = erlang:demonitor(R, [flush]),
    no_message(),
    {Q, S} = spawn_monitor(fun() -> ok end),
    false = wait_dead(Q),
    false = erlang:demonitor(S, [flush, info]),
    no_message().

monitor_tag() ->
    R = erlang:monitor(process, spawn(fun() -> exit(x) end), [{tag, {my, tag}}]),
    receive {{my, tag}, R, process, _, _} -> ok end,
    {_, S} = spawn_opt(fun() -> exit(y) end, [{monitor, [{tag, other}]}]),
    receive {other, S, process, _, y} -> ok end.

late_reply_dropped() ->
    Me = self(),
    P = spawn(fun() -> receive {call, A} -> A ! {A, one}, A ! {A, two}, Me ! done end, receive stop -> ok end end),
    A = erlang:monitor(process, P, [{alias, demonitor}]),
    P ! {call, A},
    receive done -> ok end,
    receive {A, one} -> ok end,
    true = erlang:demonitor(A, [flush]),
    A ! late,
    receive {A, two} -> ok after 0 -> error(lost) end,
    P ! stop,
    %% sent before the demonitor, handled after it
    B = erlang:monitor(process, spawn_waiting(), [{alias, demonitor}]),
    B ! early1,
    B ! early2,
    erlang:demonitor(B),
    no_message().

reply_demonitor_once() ->
    P = spawn_waiting(),
    A = erlang:monitor(process, P, [{alias, reply_demonitor}]),
    A ! first,
    A ! second,
    receive first -> ok end,
    no_message(),
    {monitors, []} = process_info(self(), monitors),
    P ! stop.

explicit_unalias() ->
    P = spawn_waiting(),
    A = erlang:monitor(process, P, [{alias, explicit_unalias}]),
    erlang:demonitor(A),
    A ! one,
    receive one -> ok end,
    true = erlang:unalias(A),
    false = erlang:unalias(A),
    A ! two,
    no_message(),
    P ! stop.

reply_alias() ->
    A = erlang:alias([reply]),
    B = erlang:alias([explicit_unalias]),
    A ! one, A ! two, B ! three, B ! four,
    receive one -> ok end,
    receive three -> ok end,
    receive four -> ok end,
    no_message(),
    false = erlang:unalias(A),
    false = erlang:unalias(make_ref()).

%% ---- starting

spawn_request_replies() ->
    R = erlang:spawn_request(fun() -> exit(bye) end, [monitor]),
    P = receive {spawn_reply, R, ok, Pid} -> Pid end,
    receive {'DOWN', R, process, P, bye} -> ok end,
    S = erlang:spawn_request(fun() -> exit(bye) end, [monitor, {reply, no}]),
    receive {'DOWN', S, process, _, bye} -> ok end,
    no_message(),
    T = erlang:spawn_request(erlang, self, [], [{reply_tag, tag}]),
    receive {tag, T, ok, _} -> ok end,
    U = erlang:spawn_request(erlang, self, [], [bad_option]),
    receive {spawn_reply, U, error, badopt} -> ok end,
    {'EXIT', {badarg, _}} = (catch erlang:spawn_request(erlang, self, [a | b], [])).

spawn_options() ->
    process_flag(trap_exit, true),
    {P, R} = spawn_opt(fun() -> exit({ok, process_info(self(), [priority, min_heap_size, links, message_queue_data])}) end,
                       [link, monitor, {priority, high}, {min_heap_size, 500}, {message_queue_data, off_heap}]),
    Me = self(),
    Want = {ok, [{priority, high}, {min_heap_size, 610}, {links, [Me]}, {message_queue_data, off_heap}]},
    receive {'EXIT', P, Got1} -> Want = Got1 end,
    receive {'DOWN', R, process, P, Got2} -> Want = Got2 end.

spawn_errors() ->
    {'EXIT', {badarg, [{erlang, spawn, [m, f, x], I} | _]}} = (catch spawn(id(m), f, x)),
    {error_info, #{module := erl_erts_errors}} = lists:keyfind(error_info, 1, I),
    {'EXIT', {badarg, [{erlang, spawn_opt, _, J} | _]}} = (catch spawn_opt(id(m), f, [], [nonsense])),
    {error_info, #{cause := badopt}} = lists:keyfind(error_info, 1, J).

id(X) -> X.

uncaught_reasons() ->
    {{nocatch, t}, [_ | _]} = down_reason(fun() -> throw(t) end),
    {e, [_ | _]} = down_reason(fun() -> error(e) end),
    x = down_reason(fun() -> exit(x) end),
    {undef, [{purlin_process_tests, missing, [1], []} | _]} = down_reason(fun() -> ?MODULE:missing(id(1)) end),
    {{badmatch, 1}, _} = down_reason(fun() -> 2 = id(1) end).

%% ---- messages

send_to_names() ->
    {'EXIT', {badarg, _}} = (catch no_such_name ! x),
    x = ({no_such_name, node()} ! x),
    ok = erlang:send({no_such_name, node()}, x, [noconnect]),
    {'EXIT', {badarg, _}} = (catch erlang:send(self(), x, [bad])),
    register(purlin_me, self()),
    purlin_me ! one,
    {purlin_me, node()} ! two,
    receive one -> ok end,
    receive two -> ok end,
    y = (dead() ! y),
    {'EXIT', {badarg, _}} = (catch id("x") ! z).

selective_receive() ->
    [self() ! {n, I} || I <- lists:seq(1, 10)],
    receive {n, 5} -> ok end,
    receive {n, 3} -> ok end,
    [1, 2, 4, 6, 7, 8, 9, 10] = [receive {n, I} -> I end || _ <- lists:seq(1, 8)],
    no_message().

receive_timeouts() ->
    T0 = erlang:monotonic_time(millisecond),
    receive never -> ok after 30 -> ok end,
    T1 = erlang:monotonic_time(millisecond),
    true = T1 - T0 >= 29,
    true = T1 - T0 < 2000,
    self() ! x,
    receive never -> ok after 0 -> ok end,
    receive x -> ok after 0 -> error(lost) end,
    Me = self(),
    spawn(fun() -> receive after 10 -> Me ! late end end),
    receive late -> ok after 5000 -> error(timeout) end,
    no_message().

bad_timeouts() ->
    [{'EXIT', {timeout_value, _}} = (catch receive never -> ok after id(T) -> ok end)
     || T <- [-1, 1 bsl 32, 1.0, atom]].

marker_with_full_mailbox() ->
    [self() ! {noise, I} || I <- lists:seq(1, 2000)],
    P = spawn(fun echo/0),
    [begin
         R = make_ref(),
         P ! {self(), R, I},
         receive {R, J} -> J = I end
     end || I <- lists:seq(1, 500)],
    {message_queue_len, 2000} = process_info(self(), message_queue_len),
    [receive {noise, I} -> ok after 0 -> error(I) end || I <- lists:seq(1, 2000)],
    exit(P, kill).

echo() ->
    receive {From, Ref, X} -> From ! {Ref, X}, echo() end.

signals_keep_order() ->
    process_flag(trap_exit, true),
    Me = self(),
    P = spawn_link(fun() -> [Me ! I || I <- lists:seq(1, 100)], exit(done) end),
    receive {'EXIT', P, done} -> ok end,
    {messages, L} = process_info(self(), messages),
    L = lists:seq(1, 100).

big_messages() ->
    P = spawn(fun echo/0),
    Term = {lists:seq(1, 500), list_to_binary(lists:duplicate(10000, $x)), #{a => [1.5, 1 bsl 100]}, fun() -> P end,
            self(), make_ref()},
    [begin R = make_ref(), P ! {self(), R, Term}, receive {R, T} -> T = Term end end || _ <- lists:seq(1, 20)],
    exit(P, kill).

%% ---- names

register_errors() ->
    Cause = fun(F) ->
                    try F() of R -> R
                    catch error:badarg:St ->
                            [{erlang, register, _, I} | _] = St,
                            {error_info, #{cause := C}} = lists:keyfind(error_info, 1, I), C
                    end
            end,
    P = spawn_waiting(),
    true = register(purlin_a, P),
    none = Cause(fun() -> register(undefined, self()) end),
    none = Cause(fun() -> register(purlin_a, self()) end),
    registered_name = Cause(fun() -> register(purlin_b, P) end),
    notalive = Cause(fun() -> D = dead(), register(purlin_b, D) end),
    P = whereis(purlin_a),
    undefined = whereis(purlin_b),
    true = lists:member(purlin_a, registered()),
    true = unregister(purlin_a),
    {'EXIT', {badarg, _}} = (catch unregister(purlin_a)),
    P ! stop.

name_is_free_after_exit() ->
    P = spawn_waiting(),
    register(purlin_gone, P),
    R = erlang:monitor(process, P),
    P ! stop,
    receive {'DOWN', R, _, _, _} -> undefined = whereis(purlin_gone) end,
    true = register(purlin_gone, self()).

%% ---- timers

timers_in_order() ->
    erlang:send_after(150, self(), a),
    erlang:send_after(150, self(), b),
    erlang:send_after(20, self(), c),
    R = erlang:start_timer(250, self(), d),
    [c, a, b, {timeout, R, d}] = [receive X -> X end || _ <- [1, 2, 3, 4]].

timer_to_name() ->
    erlang:send_after(20, purlin_timed, hello),
    register(purlin_timed, self()),
    receive hello -> ok after 1000 -> error(lost) end,
    erlang:send_after(1, no_such_name, lost),
    no_message().

cancel_and_read_timer() ->
    R = erlang:send_after(100000, self(), x),
    L = erlang:read_timer(R),
    true = L =< 100000 andalso L > 99000,
    C = erlang:cancel_timer(R),
    true = C =< 100000 andalso C > 99000,
    false = erlang:cancel_timer(R),
    false = erlang:read_timer(R),
    false = erlang:cancel_timer(make_ref()),
    S = erlang:send_after(100000, self(), x),
    ok = erlang:cancel_timer(S, [{async, true}]),
    receive {cancel_timer, S, Left} -> true = is_integer(Left) end,
    ok = erlang:cancel_timer(S, [{async, true}, {info, false}]),
    no_message().

timer_options() ->
    T = erlang:monotonic_time(millisecond) + 20,
    erlang:send_after(T, self(), abs, [{abs, true}]),
    receive abs -> true = erlang:monotonic_time(millisecond) >= T end,
    {'EXIT', {badarg, [{erlang, send_after, _, I} | _]}} = (catch erlang:send_after(id(-1), self(), x)),
    {error_info, #{cause := time}} = lists:keyfind(error_info, 1, I),
    {'EXIT', {badarg, [{erlang, start_timer, _, J} | _]}} = (catch erlang:start_timer(1, self(), x, [id(bad)])),
    {error_info, #{cause := badopt}} = lists:keyfind(error_info, 1, J),
    {'EXIT', {badarg, _}} = (catch erlang:send_after(1, id(17), x)).

%% ---- inspection

process_info_shapes() ->
    [] = process_info(self(), registered_name),
    [{registered_name, []}] = process_info(self(), [registered_name]),
    undefined = process_info(dead(), status),
    undefined = process_info(dead()),
    {'EXIT', {badarg, _}} = (catch process_info(self(), nonsense)),
    [current_function, initial_call, status, message_queue_len, links, dictionary, trap_exit, error_handler, priority,
     group_leader, total_heap_size, heap_size, stack_size, reductions, garbage_collection, suspending] =
        [K || {K, _} <- process_info(self())],
    {current_function, {?MODULE, process_info_shapes, 0}} = process_info(self(), current_function),
    {current_stacktrace, [{?MODULE, process_info_shapes, 0, [{file, _}, {line, _}]} | _]} =
        process_info(self(), current_stacktrace),
    {initial_call, {erlang, apply, 2}} = process_info(self(), initial_call),
    {garbage_collection, GC} = process_info(self(), garbage_collection),
    [max_heap_size, min_bin_vheap_size, min_heap_size, fullsweep_after, minor_gcs] = [K || {K, _} <- GC],
    {max_heap_size, #{error_logger := true, kill := true, size := 0}} = process_info(self(), max_heap_size),
    {message_queue_data, on_heap} = process_info(self(), message_queue_data),
    {trap_exit, false} = process_info(self(), trap_exit),
    {error_handler, error_handler} = process_info(self(), error_handler),
    {trace, 0} = process_info(self(), trace),
    {catchlevel, _} = process_info(self(), catchlevel),
    {fullsweep_after, 65535} = process_info(self(), fullsweep_after),
    [{K, _} = {K, is_integer(V)} || {K, V} <- process_info(self(), [memory, heap_size, stack_size, reductions,
                                                                   total_heap_size, message_queue_len])].

process_info_of_other() ->
    P = spawn(fun() -> put(key, value), receive stop -> ok end end),
    P ! one, P ! {two, 2},
    wait_status(P, waiting),
    {messages, [one, {two, 2}]} = process_info(P, messages),
    {message_queue_len, 2} = process_info(P, message_queue_len),
    {dictionary, [{key, value}]} = process_info(P, dictionary),
    {current_function, {?MODULE, '-process_info_of_other/0-fun-0-', 0}} = process_info(P, current_function),
    [{registered_name, []}, {trap_exit, false}] = process_info(P, [registered_name, trap_exit]),
    Me = self(),
    {parent, Me} = process_info(P, parent),
    {group_leader, GL} = process_info(P, group_leader),
    GL = group_leader(),
    P ! stop.

wait_status(P, S) ->
    case process_info(P, status) of
        {status, S} -> ok;
        _ -> erlang:yield(), wait_status(P, S)
    end.

process_info_relations() ->
    Me = self(),
    P = spawn_waiting(),
    R = erlang:monitor(process, P),
    link(P),
    {links, [P]} = process_info(Me, links),
    {links, [Me]} = process_info(P, links),
    {monitors, [{process, P}]} = process_info(Me, monitors),
    {monitored_by, [Me]} = process_info(P, monitored_by),
    erlang:demonitor(R),
    unlink(P),
    {monitored_by, []} = process_info(P, monitored_by),
    {links, []} = process_info(P, links),
    P ! stop.

process_info_status() ->
    {status, running} = process_info(self(), status),
    P = spawn_waiting(),
    wait_status(P, waiting),
    P ! stop.

process_flags() ->
    false = process_flag(trap_exit, true),
    true = process_flag(trap_exit, false),
    normal = process_flag(priority, high),
    high = process_flag(priority, normal),
    error_handler = process_flag(error_handler, my_handler),
    my_handler = process_flag(error_handler, error_handler),
    on_heap = process_flag(message_queue_data, off_heap),
    off_heap = process_flag(message_queue_data, on_heap),
    false = process_flag(sensitive, true),
    true = process_flag(sensitive, false),
    65535 = process_flag(fullsweep_after, 10),
    10 = process_flag(fullsweep_after, 65535),
    233 = process_flag(min_heap_size, 1000),
    1598 = process_flag(min_heap_size, 0),
    #{size := 0} = process_flag(max_heap_size, #{size => 1000000, kill => false}),
    #{size := 1000000, kill := false, error_logger := true} = process_flag(max_heap_size, 0),
    0 = process_flag(save_calls, 10),
    10 = process_flag(save_calls, 0),
    {'EXIT', {badarg, _}} = (catch process_flag(trap_exit, id(maybe))),
    {'EXIT', {badarg, _}} = (catch process_flag(id(nonsense), true)).

dictionary() ->
    erase(),
    undefined = put(a, 1),
    1 = put(a, 2),
    2 = get(a),
    undefined = get(b),
    undefined = put({k, "list"}, v),
    v = get({k, "list"}),
    undefined = put(1.0, float),
    undefined = put(1, int),
    float = get(1.0),
    int = get(1),
    4 = length(get()),
    float = erase(1.0),
    [{1, int}, {a, 2}, {{k, "list"}, v}] = lists:sort(get()),
    [a] = get_keys(2),
    [1, a, {k, "list"}] = lists:sort(get_keys()),
    2 = erase(a),
    undefined = erase(a),
    2 = length(erase()),
    [] = get(),
    [put({many, I}, lists:seq(1, I)) || I <- lists:seq(1, 200)],
    garbage_collect(),
    [begin L = lists:seq(1, I), L = get({many, I}) end || I <- lists:seq(1, 200)],
    ok.

alive_after_kill() ->
    [begin
         P = spawn(fun() -> receive after infinity -> ok end end),
         true = is_process_alive(P),
         exit(P, kill),
         false = is_process_alive(P)
     end || _ <- lists:seq(1, 200)],
    true = is_process_alive(self()),
    {'EXIT', {badarg, _}} = (catch is_process_alive(id(x))).

suspend_resume() ->
    Me = self(),
    P = spawn(fun() -> (fun Loop() -> receive X -> Me ! {got, X}, Loop() end end)() end),
    P ! 1,
    receive {got, 1} -> ok end,
    true = erlang:suspend_process(P),
    P ! 2,
    no_message(),
    {status, suspended} = process_info(P, status),
    {suspending, [{P, 1, 0}]} = process_info(self(), suspending),
    false = erlang:suspend_process(P, [unless_suspending]),
    true = erlang:resume_process(P),
    receive {got, 2} -> ok end,
    {'EXIT', {badarg, _}} = (catch erlang:resume_process(P)),
    Q = spawn(fun() -> true = erlang:suspend_process(P) end),
    wait_dead(Q),
    P ! 3,
    receive {got, 3} -> ok end,
    exit(P, kill).

collect_other() ->
    true = garbage_collect(),
    P = spawn(fun() -> Keep = lists:seq(1, 1000), receive {From, sum} -> From ! {sum, lists:sum(Keep)} end end),
    wait_status(P, waiting),
    [true = garbage_collect(P) || _ <- lists:seq(1, 10)],
    P ! {self(), sum},
    receive {sum, 500500} -> ok end,
    false = garbage_collect(P) orelse wait_dead(P).

hibernation() ->
    Me = self(),
    P = spawn(fun() -> catch erlang:hibernate(?MODULE, woken, [Me]) end),
    wait_status(P, waiting),
    {current_function, {erlang, hibernate, 3}} = process_info(P, current_function),
    {current_function, {erlang, hibernate, 3}} = process_info(P, current_function),
    P ! wake,
    receive {woken, P, wake} -> ok end.

woken(Me) ->
    receive X -> Me ! {woken, self(), X} end.

group_leaders() ->
    Me = self(),
    Old = group_leader(),
    P = spawn(fun() -> receive go -> Me ! {leader, group_leader()} end end),
    true = group_leader(Me, P),
    {group_leader, Me} = process_info(P, group_leader),
    P ! go,
    receive {leader, Me} -> ok end,
    true = group_leader(Me, Me),
    Me = group_leader(),
    Q = spawn(fun() -> Me ! {leader, group_leader()} end),
    receive {leader, Me} -> ok end,
    wait_dead(Q),
    true = group_leader(Old, Me),
    {'EXIT', {badarg, _}} = (catch group_leader(Me, dead())).

uniques() ->
    A = erlang:unique_integer(), B = erlang:unique_integer(),
    true = A =/= B,
    true = erlang:unique_integer([positive]) > 0,
    C = erlang:unique_integer([monotonic]), D = erlang:unique_integer([monotonic]),
    true = C < D,
    true = make_ref() =/= make_ref(),
    {'EXIT', {badarg, _}} = (catch erlang:unique_integer([bad])).

%% ---- many

many_processes() ->
    Me = self(),
    Pids = [spawn(fun() -> receive go -> Me ! {I, self()} end end) || I <- lists:seq(1, 1000)],
    [P ! go || P <- Pids],
    Sum = lists:sum([receive {I, _} -> I end || _ <- Pids]),
    Sum = 1000 * 1001 div 2,
    ok.

ring() ->
    First = self(),
    Last = lists:foldl(fun(_, Next) -> spawn(?MODULE, ring_node, [Next]) end, First, lists:seq(1, 1000)),
    [begin Last ! {token, I}, receive {token, I} -> ok end end || I <- lists:seq(1, 20)],
    Last ! stop,
    receive stop -> ok end.

ring_node(Next) ->
    receive
        {token, _} = T -> Next ! T, ring_node(Next);
        stop -> Next ! stop
    end.

ping_pong() ->
    ping_pong(5000).

ping_pong(N) ->
    P = spawn(fun echo/0),
    [begin P ! {self(), ref, I}, receive {ref, J} -> J = I end end || I <- lists:seq(1, N)],
    exit(P, kill).

busy_process_is_preempted() ->
    Busy = [spawn(fun Loop() -> Loop() end) || _ <- lists:seq(1, 5)],
    ping_pong(200),
    [exit(P, kill) || P <- Busy],
    ok.

priorities() ->
    Me = self(),
    [spawn_opt(fun() -> Me ! Pr end, [{priority, Pr}]) || Pr <- [low, normal, high, max]],
    [receive Pr -> ok end || Pr <- [low, normal, high, max]],
    ok.

badargs() ->
    [{'EXIT', {badarg, _}} = (catch F()) ||
        F <- [fun() -> link(id(x)) end, fun() -> unlink(id(x)) end, fun() -> exit(id(x), y) end,
              fun() -> erlang:monitor(process, id(1)) end, fun() -> erlang:monitor(id(x), self()) end,
              fun() -> erlang:demonitor(id(x)) end, fun() -> erlang:demonitor(make_ref(), [id(x)]) end,
              fun() -> register(id(1), self()) end, fun() -> whereis(id(1)) end, fun() -> erlang:alias(id([x])) end,
              fun() -> erlang:unalias(id(x)) end, fun() -> erlang:cancel_timer(id(x)) end,
              fun() -> spawn(id(1), f, []) end, fun() -> group_leader(id(x), self()) end,
              fun() -> erlang:suspend_process(self()) end, fun() -> erlang:resume_process(self()) end]],
    ok.
