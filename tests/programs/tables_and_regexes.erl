%% Tables, match specifications, regular expressions, persistent terms, counters: values, order and errors.
-module(tables_and_regexes).
-export([main/0]).
main() -> 
  [show(N, F) || {N, F} <- tests()],
  erlang:display(done), erlang:halt(0).
show(N, F) ->
  Me = self(),
  {P, M} = spawn_monitor(fun() -> R = try F() catch C:E:S -> {caught, C, E, clean(S)} end, Me ! {res, self(), R} end),
  R = receive {res, P, X} -> X; {'DOWN', M, _, _, W} -> {died, W} after 20000 -> timeout end,
  erlang:display({N, R}).
clean(S) -> [{M, F, if is_list(A) -> [case is_reference(X) orelse is_pid(X) of true -> ref; false -> X end || X <- A]; true -> A end, [I || {K, _} = I <- L, K =:= error_info]} || {M, F, A, L} <- lists:sublist(S, 1)].
tests() -> [
 {t2l, fun() -> T = ets:new(t, []), ets:insert(T, [{I, I} || I <- lists:seq(1, 40)]), {ets:tab2list(T), ets:info(T, size), ets:first(T), ets:foldl(fun({A, _}, S) -> A + S end, 0, T)} end},
 {bag, fun() -> T = ets:new(t, [bag]), ets:insert(T, {a, 1}), ets:insert(T, [{a, 2}, {a, 3}, {b, 1}]), {ets:lookup(T, a), ets:tab2list(T), ets:match_delete(T, {a, 2}), ets:lookup(T, a), ets:delete_all_objects(T), ets:tab2list(T)} end},
 {named, fun() -> ets:new(tt_t, [named_table, ordered_set]), ets:insert(tt_t, [{1.0, a}, {1, b}, {x, c}]), {ets:tab2list(tt_t), ets:whereis(tt_t) =/= undefined, ets:rename(tt_t, tt_u), ets:info(tt_t), ets:last(tt_u)} end},
 {gone, fun() -> [ets:info(tt_u), ets:whereis(tt_u), catch_(fun() -> ets:lookup(tt_u, a) end)] end},
 {err1, fun() -> ets:lookup(nosuch, a) end},
 {err2, fun() -> ets:insert(ets:new(t, []), x) end},
 {err3, fun() -> ets:lookup_element(ets:new(t, []), x, 2) end},
 {err4, fun() -> ets:update_counter(ets:new(t, [bag]), x, 2) end},
 {err5, fun() -> T = ets:new(t, []), ets:insert(T, {x, 1}), ets:update_counter(T, x, {1, 1}) end},
 {err6, fun() -> ets:new(t, [bad]) end},
 {err7, fun() -> ets:new(t7, [named_table]), ets:new(t7, [named_table]) end},
 {err8, fun() -> S = self(), P = spawn(fun() -> T = ets:new(x, [private]), S ! {t, T}, receive stop -> ok end end), T = receive {t, X} -> X end, R = catch_(fun() -> ets:lookup(T, 1) end), P ! stop, R end},
 {err9, fun() -> ets:select(ets:new(t, []), [{'$1', [{foo, '$1'}], ['$1']}]) end},
 {heir, fun() -> S = self(), P = spawn(fun() -> T = ets:new(x, [{heir, S, data}]), ets:insert(T, {k, v}), S ! {t, T}, receive stop -> ok end end), T = receive {t, X} -> X end, P ! stop, receive {'ETS-TRANSFER', T, P, data} -> {ets:tab2list(T), ets:info(T, owner) =:= S} after 2000 -> no end end},
 {give, fun() -> S = self(), T = ets:new(x, []), P = spawn(fun() -> receive {'ETS-TRANSFER', T1, S, gift} -> S ! {got, ets:info(T1, owner) =:= self()} end, receive stop -> ok end end), ets:give_away(T, P, gift), R = receive {got, B} -> B after 2000 -> no end, M = monitor(process, P), P ! stop, receive {'DOWN', M, _, _, _} -> ok end, {R, ets:info(T)} end},
 {giveerr, fun() -> T = ets:new(x, []), ets:give_away(T, self(), gift) end},
 {owner, fun() -> S = self(), {P, M} = spawn_monitor(fun() -> S ! {t, ets:new(x, [public])} end), T = receive {t, X} -> X end, receive {'DOWN', M, _, P, _} -> ok end, ets:info(T) end},
 {fixp, fun() -> S = self(), T = ets:new(x, [public]), ets:insert(T, [{I} || I <- lists:seq(1, 10)]), {P, M} = spawn_monitor(fun() -> ets:safe_fixtable(T, true), S ! go, receive stop -> ok end end), receive go -> ok end, A = ets:info(T, fixed), P ! stop, receive {'DOWN', M, _, P, _} -> ok end, {A, ets:info(T, fixed)} end},
 {iterdel, fun() -> T = ets:new(x, []), ets:insert(T, [{I} || I <- lists:seq(1, 1000)]), ets:safe_fixtable(T, true), N = iterdel(T, ets:first(T), 0), ets:safe_fixtable(T, false), {N, ets:info(T, size)} end},
 {conts, fun() -> T = ets:new(x, [ordered_set]), ets:insert(T, [{I, I rem 3} || I <- lists:seq(1, 100)]), chunks(ets:select(T, [{{'$1', 1}, [], ['$1']}], 7)) end},
 {conth, fun() -> T = ets:new(x, []), ets:insert(T, [{I, I rem 3} || I <- lists:seq(1, 100)]), {L, C} = ets:select(T, MS = [{{'$1', 1}, [], ['$1']}], 7), C2 = ets:repair_continuation(C, MS), {L, chunks(ets:select(C2))} end},
 {all, fun() -> A = ets:all(), T = ets:new(x, []), B = ets:all(), {length(B) - length(A), lists:member(T, B)} end},
 {counters, fun() -> T = ets:new(x, [public, {write_concurrency, true}]), C = counters:new(3, [write_concurrency]), A = atomics:new(2, [{signed, false}]), Ps = [spawn_monitor(fun() -> [begin ets:update_counter(T, K rem 7, 1, {K rem 7, 0}), counters:add(C, 1, 2), atomics:add(A, 1, 1) end || K <- lists:seq(1, 2000)] end) || _ <- lists:seq(1, 10)], [receive {'DOWN', M, _, _, normal} -> ok end || {_, M} <- Ps], {lists:sum([N || {_, N} <- ets:tab2list(T)]), counters:get(C, 1), atomics:get(A, 1), atomics:sub_get(A, 2, 1), catch_(fun() -> atomics:put(A, 3, 1) end)} end},
 {bigscan, fun() -> T = ets:new(x, [public]), ets:insert(T, [{I, I rem 10} || I <- lists:seq(1, 50000)]), S = self(), spawn_link(fun() -> [ets:insert(T, {{n, I}, 99}) || I <- lists:seq(1, 3000)], S ! fin end), N = ets:select_count(T, [{{'_', 3}, [], [true]}]), D = ets:select_delete(T, [{{'_', 3}, [], [true]}]), L = length(ets:select(T, [{{'$1', 4}, [], ['$1']}])), receive fin -> ok end, {N, D, L, ets:info(T, size), ets:info(T, fixed)} end},
 {ms, fun() -> MS = ets:match_spec_compile([{{'$1', '$2'}, [{'>', '$2', 1}], [{{'$2', '$1'}}]}]), {ets:is_compiled_ms(MS), ets:is_compiled_ms(x), ets:match_spec_run([{a, 1}, {b, 2}, {c, 3}, x], MS), ets:test_ms({a, 5}, [{{'$1', '$2'}, [], ['$2']}])} end},
 {pt, fun() -> persistent_term:put({k, 1}, [a, {b, "c"}]), S = self(), spawn(fun() -> S ! {v, persistent_term:get({k, 1})} end), R = receive {v, V} -> V end, {R, persistent_term:get(nokey, def), catch_(fun() -> persistent_term:get(nokey) end), persistent_term:erase({k, 1}), persistent_term:erase({k, 1})} end},
 {re1, fun() -> {re:run("hello world", "o\\s*(w)(x)?", [{capture, all, binary}]), re:run("abcabc", "b", [global]), re:run("abcabc", "b", [global, {capture, all, list}]), re:split("a,b,,c", ","), re:split("a1b22c", "(\\d)+", [{return, list}, group]), re:replace("hello", "l+", "[&\\0]", [{return, list}]), re:replace("hello", "l", "L", [global, {return, binary}])} end},
 {re2, fun() -> {ok, P} = re:compile("(?<x>é+)", [unicode]), {re:run("caféé", P, [{capture, [x], list}]), re:run(<<"caféé"/utf8>>, P, [global]), re:inspect(P, namelist), re:run("ж", "\\w", [unicode, ucp]), re:split("ажб", "ж", [unicode, {return, list}])} end},
 {re3, fun() -> re:run("a", "(", []) end},
 {re4, fun() -> re:compile("(", []) end},
 {re5, fun() -> re:run("a", "a", [bad]) end},
 {re6, fun() -> {ok, P} = re:compile("a+b"), S = self(), Q = binary_to_term(term_to_binary(P)), spawn(fun() -> S ! {r, re:run("xaab", Q)} end), receive {r, R} -> R end end},
 {re7, fun() -> re:run(lists:duplicate(30, $a) ++ "b", "(a+)+$", [report_errors]) end},
 {re8, fun() -> B = binary:copy(<<"añb ">>, 5000), {match, L} = re:run(B, "ñ", [global, unicode]), {length(L), lists:last(L)} end},
 {re9, fun() -> re:run("abc", "x", [global, {capture, all_names, binary}]) end},
 {tab2file, fun() -> ets:test_ms({1}, [{'$1', [], [{foo}]}]) end},
 {i, fun() -> [ets:info(ets:new(x, O), I) || O <- [[], [ordered_set, public, {keypos, 2}], [compressed, {read_concurrency, true}]], I <- [type, protection, keypos, compressed, read_concurrency, write_concurrency, named_table, heir, fixed, safe_fixed, nosuch]] end},
 {i2, fun() -> T = ets:new(x, []), [K || {K, _} <- ets:info(T)] end},
 {cmp, fun() -> T = ets:new(x, [ordered_set]), ets:insert(T, [{K} || K <- [b, 1, 2.0, <<"x">>, [], [a], {}, {1}, #{}, self(), make_ref(), fun erlang:display/1]]), [type(K) || {K} <- ets:tab2list(T)] end}
].
type(X) when is_pid(X) -> pid; type(X) when is_reference(X) -> ref; type(X) -> X.
catch_(F) -> try F() catch C:E -> {C, E} end.
chunks('$end_of_table') -> []; chunks({L, C}) -> [L | chunks(ets:select(C))].
iterdel(_, '$end_of_table', N) -> N;
iterdel(T, K, N) -> ets:delete(T, K), iterdel(T, ets:next(T, K), N + 1).
