%% Loading, replacing, deleting and purging code.
-module(loading).
-export([run/0]).

run() -> exit([{N, text(F)} || {N, F} <- cases()]).

text(F) ->
    R = try {value, F()}
        catch C:E:S -> {C, E, S}
        end,
    unicode:characters_to_binary(io_lib:format("~w", [R])).

%% A module `subject` whose functions say which version they are of, made from abstract code.
code(V) -> code(V, []).

code(V, More) ->
    Text = ["-module(subject). -export([version/0, make/0, make/1, loop/1, stay/1, sleep/1, catcher/1, lit/0]). "
            "version() -> ", V, ". "
            "local() -> ", V, ". "
            "lit() -> {literal, [", V, "], <<\"bin\">>}. "
            "make() -> fun() -> {", V, ", local()} end. "
            "make(X) -> fun(Y) -> {", V, ", X, Y} end. "
            "loop(P) -> receive version -> P ! {version, version()}, loop(P); "
            "  switch -> P ! switching, subject:loop(P); stop -> P ! stopped end. "
            "stay(P) -> P ! in, Z = sleep(P), P ! {out, Z}. "
            "sleep(P) -> receive go -> ", V, " end. "
            "catcher(P) -> catch sleep(P). ",
            More],
    {ok, Tokens, _} = erl_scan:string(lists:flatten(Text)),
    Forms = forms(Tokens, [], []),
    {ok, subject, Code} = compile:forms(Forms, []),
    Code.

forms([{dot, _} = D|T], F, Acc) -> {ok, Form} = erl_parse:parse_form(lists:reverse([D|F])), forms(T, [], [Form|Acc]);
forms([X|T], F, Acc) -> forms(T, [X|F], Acc);
forms([], [], Acc) -> lists:reverse(Acc).

load(Code) -> erlang:load_module(subject, Code).

%% A fun in the external format with other numbers than those it has; `same` keeps one.
forged(Fun, Numbers) ->
    <<131,112,_:32,Arity,Uniq:16/binary,Index:32,Free:32,Rest/binary>> = term_to_binary(Fun),
    {_, Module} = binary_to_term(<<131,Rest/binary>>, [used]),
    <<M:(Module-1)/binary,97,OldIndex,98,OldUniq:32,Env/binary>> = Rest,
    Put = fun(Key, Was) -> maps:get(Key, Numbers, Was) end,
    Body = <<(Put(arity, Arity)),(Put(uniq, Uniq)):16/binary,(Put(index, Index)):32,(Put(free, Free)):32,
             M/binary,97,(Put(old_index, OldIndex)),98,(Put(old_uniq, OldUniq)):32,Env/binary>>,
    binary_to_term(<<131,112,(byte_size(Body) + 4):32,Body/binary>>, [safe]).

forgeries(Fun) ->
    [forged(Fun, N) || N <- [#{arity => 3}, #{free => 0}, #{free => 1}, #{index => 0}, #{index => 77},
                             #{uniq => <<0:128>>}, #{old_index => 5}, #{old_uniq => 7}]].

called(Fun, Args) -> try apply(Fun, Args) catch error:{Why, _} -> Why; error:Why -> Why end.

cases() ->
    [{not_there, fun() -> erlang:module_loaded(subject) end},
     {first, fun() -> load(code("1")) end},
     {works, fun() -> {subject:version(), subject:lit(), (subject:make())(), (subject:make(a))(b)} end},
     {loaded, fun() -> {erlang:module_loaded(subject), erlang:check_old_code(subject), lists:member(subject, erlang:loaded())} end},
     {replaced, fun() -> F = fun subject:version/0, {load(code("2")), subject:version(), F(), erlang:check_old_code(subject)} end},
     {third_without_purge, fun() -> load(code("3")) end},
     {still_second, fun() -> subject:version() end},
     {purge, fun() -> {erlang:purge_module(subject), erlang:check_old_code(subject)} end},
     {purge_again, fun() -> erlang:purge_module(subject) end},
     {fun_of_old, fun() ->
            F = subject:make(x), load(code("3")),
            {F(y), erlang:check_process_code(self(), subject), code_purge(), try F(y) catch error:{badfun, _} -> badfun end} end},
     {fun_gone, fun() -> {F, G} = {subject:make(), subject:make()}, load(code("4")), {F() =:= G(), code_soft_purge(), try F() catch error:{badfun, _} -> badfun end} end},
     {after_funs, fun() -> {code_purge(), subject:version()} end},
     {forged_before_loading, fun() ->
            load(code("f")), Before = forgeries(subject:make(x)), code_purge(),
            true = erlang:delete_module(subject), code_purge(),
            Keep = forgeries(binary_to_term(term_to_binary(hd(Before)))),
            load(code("f")),
            F = subject:make(x), G = subject:make(),
            {length(Keep), F(y), G(), [erlang:fun_info(F, I) || I <- [arity, index, uniq, env]], called(F, [1, 2, 3]),
             erlang:delete_module(subject), code_purge(), load(code("4")), subject:version()} end},
     {forged_fun_called, fun() ->
            load(code("f")), code_purge(), F = subject:make(x),
            R = [called(forged(F, N), A) ||
                    {N, A} <- [{#{arity => 3}, [1, 2, 3]}, {#{arity => 3}, [1]}, {#{arity => 0}, []}, {#{index => 9}, [1]},
                               {#{uniq => <<1:128>>}, [1]}, {#{old_uniq => 7}, [1]}, {#{old_index => 7}, [1]}, {#{}, [1]}]],
            {R, F(y), load(code("4")), code_purge(), called(F, [1])} end},
     {running, fun() ->
            P = start(loop), P ! version, A = get_msg(),
            load(code("5")), P ! version, B = get_msg(),
            C = erlang:check_process_code(P, subject),
            P ! switch, get_msg(), P ! version, D = get_msg(),
            E = erlang:check_process_code(P, subject),
            P ! stop, get_msg(), {A, B, C, D, E, code_soft_purge()} end},
     {stack, fun() ->
            P = start(stay), in = get_msg(), load(code("6")),
            C = erlang:check_process_code(P, subject), S = code_soft_purge(),
            P ! go, O = get_msg(), {C, S, O, wait_gone(P), code_soft_purge()} end},
     {killed_by_purge, fun() ->
            {P, R} = spawn_monitor(subject, stay, [self()]), in = get_msg(), load(code("7")),
            X = code_purge(), receive {'DOWN', R, process, P, W} -> {X, W} end end},
     {catch_in_old, fun() ->
            {P, R} = spawn_monitor(subject, catcher, [self()]), receive after 20 -> ok end, load(code("8")),
            C = erlang:check_process_code(P, subject),
            X = code_purge(), receive {'DOWN', R, process, P, W} -> {C, X, W} end end},
     {literals_survive, fun() ->
            L = subject:lit(), M = {L, [L]}, load(code("9")), X = code_purge(), {X, M} end},
     {fun_in_dictionary, fun() ->
            put(f, subject:make()), load(code("10")), A = erlang:check_process_code(self(), subject),
            erase(f), erlang:garbage_collect(), B = erlang:check_process_code(self(), subject), {A, B, code_purge()} end},
     {fun_in_message, fun() ->
            P = spawn(fun() -> receive {use, F} -> receive go -> exit(try F() catch error:{badfun, _} -> badfun end) end end end),
            R = monitor(process, P), P ! {use, subject:make()}, receive after 10 -> ok end,
            load(code("11")), A = erlang:check_process_code(P, subject), B = code_soft_purge(),
            P ! go, receive {'DOWN', R, process, P, W} -> {A, B, W, code_soft_purge()} end end},
     {async_check, fun() ->
            A = erlang:check_process_code(self(), subject, [{async, id1}, {allow_gc, false}]),
            B = receive {check_process_code, id1, V} -> V after 1000 -> none end, {A, B} end},
     {check_bad, fun() -> erlang:check_process_code(x, subject, [bad]) end},
     {check_bad_pid, fun() -> erlang:check_process_code(x, subject) end},
     {check_dead, fun() -> P = spawn(fun() -> ok end), wait_gone(P), erlang:check_process_code(P, subject) end},
     {deleted, fun() ->
            {erlang:delete_module(subject), erlang:module_loaded(subject), erlang:check_old_code(subject),
             (catch subject:version()), erlang:function_exported(subject, version, 0)} end},
     {delete_again, fun() -> erlang:delete_module(subject) end},
     {load_over_deleted, fun() -> {load(code("12")), subject:version(), erlang:check_old_code(subject)} end},
     {delete_with_old, fun() -> erlang:delete_module(subject) end},
     {purge_deleted, fun() -> {code_purge(), subject:version()} end},
     {on_load_ok, fun() ->
            {load(code("13", "-on_load(init/0). init() -> F = fun(X) -> {local(), X} end, persistent_term:put(on_load, lists:map(F, [a])), ok. ")), subject:version(), persistent_term:get(on_load)} end},
     {on_load_inlined, fun() ->
            code_purge(),
            {load(code("13", "-on_load(init/0). -compile(inline). init() -> persistent_term:put(on_load, inlined), ok. ")),
             persistent_term:get(on_load)} end},
     {on_load_fails, fun() ->
            code_purge(),
            {load(code("14", "-on_load(init/0). init() -> not_ok. ")), subject:version(), erlang:check_old_code(subject)} end},
     {on_load_crashes, fun() ->
            code_purge(),
            {load(code("15", "-on_load(init/0). init() -> error(no). ")), subject:version(), erlang:check_old_code(subject)} end},
     {on_load_first_fails, fun() ->
            code_purge(), erlang:delete_module(subject), code_purge(),
            {load(code("16", "-on_load(init/0). init() -> false. ")), erlang:module_loaded(subject), (catch subject:version())} end},
     {prepared, fun() ->
            P = erlang:prepare_loading(subject, code("17")),
            {is_reference(P), erlang:has_prepared_code_on_load(P), erlang:module_loaded(subject),
             erlang:finish_loading([P]), subject:version()} end},
     {prepared_on_load, fun() ->
            code_purge(),
            P = erlang:prepare_loading(subject, code("18", "-on_load(init/0). init() -> ok. ")),
            {erlang:has_prepared_code_on_load(P), erlang:finish_loading([P]), subject:version(),
             (catch erlang:call_on_load_function(subject)), erlang:finish_after_on_load(subject, true), subject:version()} end},
     {finish_twice, fun() ->
            code_purge(),
            P = erlang:prepare_loading(subject, code("19")),
            {erlang:finish_loading([P]), try erlang:finish_loading([P]) catch error:E -> E end} end},
     {finish_same_twice, fun() ->
            P = erlang:prepare_loading(subject, code("20")), Q = erlang:prepare_loading(subject, code("21")),
            {catch erlang:finish_loading([P, Q]), subject:version()} end},
     {not_purged, fun() -> P = erlang:prepare_loading(subject, code("22")), erlang:finish_loading([P]) end},
     {wrong_name, fun() -> erlang:load_module(other, code("23")) end},
     {truncated, fun() -> C = code("24"), [erlang:load_module(subject, binary:part(C, 0, N)) || N <- [0, 4, 12, 40, byte_size(C) div 2]] end},
     {no_such_on_load, fun() -> erlang:call_on_load_function(subject) end},
     {module_info, fun() -> {subject:module_info(module), lists:sort(subject:module_info(exports))} end},
     {beamfile, fun() ->
            C = code("25"),
            {erts_internal:beamfile_chunk(C, "AtU8") =:= element(2, hd(element(2, element(2, beam_lib:chunks(C, ["AtU8"]))))) orelse
                 {element(2, beam_lib:chunks(C, ["AtU8"])), erts_internal:beamfile_chunk(C, "AtU8")},
             erts_internal:beamfile_chunk(C, "Nope"), (catch erts_internal:beamfile_chunk(a, "Nope")),
             (catch erts_internal:beamfile_chunk(C, "TooLong")), erts_internal:beamfile_chunk(<<"x">>, "Code"),
             {ok, {subject, erts_internal:beamfile_module_md5(C)}} =:= beam_lib:md5(C),
             erts_internal:beamfile_module_md5(<<"x">>)} end},
     {code_md5, fun() -> C = code("26"), code_purge(), load(C), {ok, {subject, M}} = beam_lib:md5(C), subject:module_info(md5) =:= M end},
     {undefined_function_handler, fun() ->
            C = code("27", "-export(['$handle_undefined_function'/2]). '$handle_undefined_function'(F, A) -> {undefined, F, A}. "), code_purge(), load(C),
            catch subject:nothing(1, 2) end}].

code_purge() -> erts_code_purger:purge(subject).
code_soft_purge() -> erts_code_purger:soft_purge(subject).
start(F) -> S = self(), spawn(subject, F, [S]).
get_msg() -> receive M -> M after 1000 -> nothing end.
wait_gone(P) -> R = monitor(process, P), receive {'DOWN', R, process, P, _} -> gone end.
