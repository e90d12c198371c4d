%% What each language construct does, its exceptions and their stack traces.
-module(language).
-export([run/0, main/0, exported/1]).

run() -> erlang:exit(main()).

%% A list of {Name, Text of the result}.
main() ->
    [{N, text(F)} || {N, F} <- cases()].

text(F) ->
    R = try {value, F()}
        catch C:E:S -> {C, E, S}
        end,
    unicode:characters_to_binary(io_lib:format("~w", [R])).

id(X) -> X.
exported(X) -> X.

cases() ->
    arithmetic() ++ matching() ++ calls() ++ exceptions() ++ funs() ++ binaries() ++ maps() ++ floats() ++
        receives() ++ comprehension() ++ records() ++ lists_module() ++ more().

arithmetic() ->
    [{add_small, fun() -> id(1) + id(2) end},
     {add_overflow, fun() -> id(576460752303423487) + id(1) end},
     {sub_overflow, fun() -> id(-576460752303423488) - id(1) end},
     {mul_big, fun() -> id(576460752303423487) * id(576460752303423487) end},
     {mul_signs, fun() -> [id(A) * id(B) || A <- [-3,0,5,1 bsl 40, -(1 bsl 58)], B <- [-7,0,2,1 bsl 30]] end},
     {div_min, fun() -> id(-576460752303423488) div id(-1) end},
     {divs, fun() -> [{A div B, A rem B} || A <- [7,-7,1 bsl 70, -(1 bsl 70)], B <- [2,-2,3,1 bsl 65]] end},
     {add_atom, fun() -> id(a) + id(1) end},
     {add_literal, fun() -> id(a) + 1 end},
     {literal_add, fun() -> 1 + id(a) end},
     {sub_literal, fun() -> id(a) - 1 end},
     {literal_sub, fun() -> 1 - id(a) end},
     {mul_literal, fun() -> id(a) * 2 end},
     {divide_zero, fun() -> id(1) / id(0) end},
     {div_zero, fun() -> id(1) div id(0) end},
     {rem_zero, fun() -> id(1) rem id(0) end},
     {rem_literal, fun() -> id(a) rem 2 end},
     {band_atom, fun() -> id(a) band 3 end},
     {bor_float, fun() -> id(1.0) bor id(2) end},
     {bxor_atom, fun() -> id(2) bxor id(b) end},
     {bsl_atom, fun() -> id(b) bsl 2 end},
     {bsl_huge, fun() -> id(1) bsl id(1 bsl 70) end},
     {bsl_huge_zero, fun() -> id(0) bsl id(1 bsl 70) end},
     {bsr_neg, fun() -> id(-1) bsr id(1 bsl 70) end},
     {shifts, fun() -> [X bsl Y || X <- [1,-1,255,1 bsl 63], Y <- [0,1,-1,63,64,-70,100]] end},
     {bnot_atom, fun() -> bnot id(a) end},
     {bnot_big, fun() -> bnot id(1 bsl 80) end},
     {neg_atom, fun() -> - id(a) end},
     {neg_min, fun() -> - id(-576460752303423488) end},
     {plus_atom, fun() -> + id(a) end},
     {not_int, fun() -> not id(1) end},
     {and_int, fun() -> id(1) and id(true) end},
     {or_int, fun() -> id(true) or id(1) end},
     {xor_ok, fun() -> id(true) xor id(false) end},
     {andalso_int, fun() -> id(1) andalso id(true) end},
     {orelse_int, fun() -> id(1) orelse id(true) end},
     {float_overflow, fun() -> id(1.0e308) * id(10) end},
     {float_add, fun() -> id(1.5) + id(2) end},
     {abs_big, fun() -> erlang:abs(id(-(1 bsl 80))) end},
     {abs_atom, fun() -> erlang:abs(id(a)) end},
     {rounds, fun() -> [{erlang:round(X), erlang:trunc(X), erlang:ceil(X), erlang:floor(X)} || X <- [0.5,-0.5,2.5,1.0e20,-1.5,3]] end},
     {hd_nil, fun() -> erlang:hd(id([])) end},
     {tl_nil, fun() -> erlang:tl(id([])) end},
     {element_range, fun() -> erlang:element(id(3), id({a,b})) end},
     {setelement_range, fun() -> erlang:setelement(id(3), id({a,b}), c) end},
     {length_improper, fun() -> erlang:length(id([a|b])) end},
     {tuple_size_atom, fun() -> erlang:tuple_size(id(a)) end},
     {map_size_bad, fun() -> erlang:map_size(id(a)) end},
     {map_get_bad, fun() -> erlang:map_get(id(a), id(#{})) end},
     {byte_size_bad, fun() -> erlang:byte_size(id(a)) end},
     {append_improper, fun() -> id([a|b]) ++ [c] end},
     {append_tail, fun() -> id([a,b]) ++ id(c) end},
     {subtract, fun() -> id([a,b,a,c]) -- id([a,x]) end},
     {subtract_bad, fun() -> id([a,b]) -- id(c) end},
     {atom_to_list_bad, fun() -> erlang:atom_to_list(id("x")) end},
     {list_to_integer_bad, fun() -> erlang:list_to_integer(id("x")) end},
     {guards, fun() -> [guard(X) || X <- [1, 2.0, a, "s", [], {}, {a,b}, #{}, <<1>>, <<1:3>>, fun id/1, 1 bsl 70]] end},
     {guard_arith, fun() -> [garith(X) || X <- [1, a, 2.5, 1 bsl 70]] end},
     {guard_bif, fun() -> [gbif(X) || X <- [a, {a}, {a,b}, [a], [a,b|c], #{a=>1}]] end},
     {compare, fun() -> [{X<Y, X=<Y, X==Y, X=:=Y, X/=Y, X=/=Y, X>Y, X>=Y} || X <- vals(), Y <- vals()] end},
     {min_max, fun() -> [{erlang:min(X,Y), erlang:max(X,Y)} || X <- vals(), Y <- vals()] end},
     {is_function2, fun() -> [erlang:is_function(F, A) || F <- [fun id/1, fun erlang:abs/1, a], A <- [0,1,2]] end},
     {is_function2_bad, fun() -> erlang:is_function(id(fun id/1), id(a)) end},
     {is_function_neg, fun() -> erlang:is_function(id(fun id/1), id(-1)) end}].

vals() -> [1, 1.0, 2, -1, 1 bsl 70, a, b, {}, {1}, {1,2}, [], [1], [1|2], "ab", <<>>, <<"a">>, <<"a",1:1>>, #{}, #{a=>1}].

guard(X) when is_integer(X) -> integer;
guard(X) when is_float(X) -> float;
guard(X) when is_atom(X) -> atom;
guard([]) -> nil;
guard(X) when is_list(X) -> list;
guard({}) -> empty;
guard(X) when is_tuple(X) -> tuple;
guard(X) when is_map(X) -> map;
guard(X) when is_binary(X) -> binary;
guard(X) when is_bitstring(X) -> bitstring;
guard(X) when is_function(X, 1) -> function1;
guard(_) -> other.

garith(X) when X + 1 > 2 -> {more, X};
garith(X) when X * 2 =:= 2 -> {one, X};
garith(X) when not (X rem 2 =:= 0) -> odd;
garith(_) -> none.

gbif(X) when element(2, X) =:= b -> second;
gbif(X) when tuple_size(X) =:= 1 -> single;
gbif(X) when length(X) =:= 1 -> len1;
gbif(X) when map_size(X) =:= 1 -> map1;
gbif(X) when hd(X) =:= a -> hd;
gbif(_) -> none.

matching() ->
    [{badmatch, fun() -> {a, X} = id({b, 1}), X end},
     {badmatch_list, fun() -> [X] = id([1,2]), X end},
     {case_clause, fun() -> case id(3) of 1 -> a; 2 -> b end end},
     {if_clause, fun() -> A = id(1), if A > 2 -> x; A =:= 0 -> y end end},
     {function_clause, fun() -> only_a(id(b), 2) end},
     {function_clause_fun, fun() -> F = fun(a) -> 1 end, F(id(b)) end},
     {try_clause, fun() -> try id(1) of 2 -> x catch _:_ -> y end end},
     {select_atoms, fun() -> [sel(X) || X <- [a,b,c,d,e,f,g,h,i,j,k,1,2.0]] end},
     {select_ints, fun() -> [seli(X) || X <- [0,1,2,3,10,100,1000,-5,1 bsl 70, 2.0, a]] end},
     {select_arity, fun() -> [sela(X) || X <- [{}, {1}, {1,2}, {1,2,3}, a]] end},
     {tagged, fun() -> [tag(X) || X <- [{ok,1},{error,2},{ok,1,2},ok]] end},
     {literal_match, fun() -> [lit(X) || X <- [[1,2,3],"abc",{a,{b,c}},1.5,<<"xyz">>,#{a=>1}, 1 bsl 70, other]] end},
     {swap, fun() -> swap(1, 2, 3) end},
     {nested, fun() -> {A,[B,{C,D}|E],F} = id({1,[2,{3,4},5],6}), [F,E,D,C,B,A] end},
     {float_select, fun() -> [fsel(X) || X <- [1.0, 2.0, 0.0, -0.0, 1]] end}].

fsel(1.0) -> one; fsel(2.0) -> two; fsel(0.0) -> zero; fsel(_) -> none.
only_a(a, _) -> ok.
sel(a) -> 1; sel(b) -> 2; sel(c) -> 3; sel(d) -> 4; sel(e) -> 5; sel(f) -> 6; sel(g) -> 7; sel(h) -> 8; sel(i) -> 9; sel(j) -> 10; sel(_) -> none.
seli(0) -> zero; seli(1) -> one; seli(2) -> two; seli(10) -> ten; seli(100) -> hundred; seli(-5) -> neg; seli(1000) -> th; seli(1180591620717411303424) -> big; seli(_) -> none.
sela({}) -> 0; sela({_}) -> 1; sela({_,_}) -> 2; sela({_,_,_}) -> 3; sela(_) -> none.
tag({ok,X}) -> {1,X}; tag({error,X}) -> {2,X}; tag({ok,X,Y}) -> {3,X,Y}; tag(X) -> X.
lit([1,2,3]) -> list; lit("abc") -> string; lit({a,{b,c}}) -> tuple; lit(1.5) -> float; lit(<<"xyz">>) -> bin; lit(#{a:=1}) -> map; lit(1180591620717411303424) -> big; lit(_) -> none.
swap(A, B, C) -> swap2(C, A, B).
swap2(A, B, C) -> [A,B,C].

calls() ->
    [{undef_module, fun() -> no_such_module:f(1,2) end},
     {undef_function, fun() -> language:nope(1) end},
     {undef_apply, fun() -> M = id(no_such_module), M:g() end},
     {apply_local, fun() -> erlang:apply(language, exported, [5]) end},
     {apply_var, fun() -> M = id(language), F = id(exported), M:F(6) end},
     {apply_bad_module, fun() -> M = id(1), M:f(2) end},
     {apply_bad_fun, fun() -> M = id(lists), F = id("x"), M:F(2) end},
     {apply_tail, fun() -> apply_tail(language, exported, [7]) end},
     {apply_improper, fun() -> erlang:apply(language, exported, id([a|b])) end},
     {apply_bif, fun() -> erlang:apply(erlang, abs, [-4]) end},
     {apply_bif_fail, fun() -> erlang:apply(erlang, abs, [a]) end},
     {apply_var_bif_fail, fun() -> F = id(abs), X = erlang:F(id(a)), {X} end},
     {apply_fun, fun() -> erlang:apply(fun(X, Y) -> {X, Y} end, [1, 2]) end},
     {apply_fun_bad, fun() -> erlang:apply(id(not_fun), [1, 2]) end},
     {apply_fun_arity, fun() -> erlang:apply(fun exported/1, [1, 2]) end},
     {deep, fun() -> deep(20) end},
     {deep_two, fun() -> ping(9) end},
     {tail_loop, fun() -> count(10000, 0) end},
     {body_recursion, fun() -> sum(10000) end},
     {ackermann, fun() -> ack(2, 6) end},
     {fib, fun() -> fib(15) end},
     {bif_in_tail, fun() -> bif_tail(a) end},
     {bif_error_depth, fun() -> {bif_body(a)} end},
     {many_args, fun() -> many(1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20) end}].

many(A,B,C,D,E,F,G,H,I,J,K,L,M,N,O,P,Q,R,S,T) -> X = id(A), [T,S,R,Q,P,O,N,M,L,K,J,I,H,G,F,E,D,C,B,A,X].
apply_tail(M, F, A) -> erlang:apply(M, F, A).
bif_tail(X) -> erlang:atom_to_list(id([X])).
bif_body(X) -> Y = erlang:list_to_atom(id(X)), {Y}.
deep(0) -> id(a) + id(b);
deep(N) -> 1 + deep(N - 1).
ping(0) -> erlang:error(bottom);
ping(N) -> {pong(N - 1)}.
pong(0) -> erlang:error(bottom);
pong(N) -> [ping(N - 1)].
count(0, A) -> A;
count(N, A) -> count(N - 1, A + N).
sum(0) -> 0;
sum(N) -> N + sum(N - 1).
ack(0, N) -> N + 1;
ack(M, 0) -> ack(M - 1, 1);
ack(M, N) -> ack(M - 1, ack(M, N - 1)).
fib(N) when N < 2 -> N;
fib(N) -> fib(N - 1) + fib(N - 2).

exceptions() ->
    [{throw, fun() -> erlang:throw(x) end},
     {exit, fun() -> erlang:exit({a,b}) end},
     {error, fun() -> erlang:error(e) end},
     {error2, fun() -> erlang:error(e, [1,2]) end},
     {error2_none, fun() -> erlang:error(e, none) end},
     {error2_tail, fun() -> error2_tail(1, 2) end},
     {error3, fun() -> erlang:error(e, [1], [{error_info, #{cause => c}}]) end},
     {error3_none, fun() -> erlang:error(e, none, [{error_info, #{cause => c, module => m}}]) end},
     {error3_bad, fun() -> erlang:error(e, [1], [bad]) end},
     {error3_empty, fun() -> erlang:error(e, [1], []) end},
     {catch_throw, fun() -> catch erlang:throw(x) end},
     {catch_exit, fun() -> catch erlang:exit(x) end},
     {catch_error, fun() -> catch erlang:error(x) end},
     {catch_badmatch, fun() -> catch (a = id(b)) end},
     {catch_bif, fun() -> catch erlang:atom_to_list(id(1)) end},
     {catch_ok, fun() -> catch id(5) end},
     {try_of, fun() -> try id(1) of X -> {of_, X} catch _:_ -> c after id(x) end end},
     {try_after, fun() -> try erlang:throw(a) after erlang:put(after_ran, true) end end},
     {after_ran, fun() -> erlang:erase(after_ran) end},
     {nested_try, fun() -> try try erlang:throw(a) catch throw:a -> erlang:error(b) end catch C:R -> {C, R} end end},
     {rethrow, fun() -> try deep(2) catch C:R:S -> erlang:raise(C, R, S) end end},
     {class_pattern, fun() -> try erlang:exit(q) catch exit:q -> got_exit end end},
     {no_clause, fun() -> try erlang:exit(q) catch throw:q -> got_exit end end},
     {stack_in_catch, fun() -> try erlang:error(z) catch error:z:S -> hd_(S) end end},
     {raise_bad_class, fun() -> erlang:raise(foo, r, []) end},
     {raise_bad_stack, fun() -> erlang:raise(error, r, foo) end},
     {raise_bad_frame, fun() -> erlang:raise(error, r, [foo]) end},
     {raise_short_frames, fun() -> erlang:raise(error, r, [{m,f,1},{m,g,[a]},{m,h,2,[{line,3}]}]) end},
     {raise_fun_frame, fun() -> erlang:raise(error, r, [{fun erlang:abs/1, [1], []}]) end},
     {raise_throw, fun() -> erlang:raise(throw, r, []) end},
     {raise_exit, fun() -> catch erlang:raise(exit, r, []) end},
     {raise_long, fun() -> try erlang:raise(error, r, [{m,f,N,[]} || N <- lists:seq(1,20)]) catch _:_:S -> erlang:length(S) end end},
     {reraise_class_var, fun() -> try try erlang:throw(t) catch C:R:S -> erlang:raise(id(C), R, S) end catch throw:T -> {t,T} end end},
     {nif_error, fun() -> erlang:nif_error(not_loaded) end},
     {nif_error2, fun() -> erlang:nif_error(not_loaded, [1]) end},
     {in_try_case, fun() -> try id({ok, 3}) of {ok, N} when N > 3 -> big; {ok, N} -> N / 0 catch error:_ -> no end end},
     {many_catches, fun() -> [catch f_exc(N) || N <- lists:seq(1, 8)] end}].

hd_([H|_]) -> H.
error2_tail(A, B) -> erlang:error(e, [A, B]).
f_exc(1) -> erlang:throw(one);
f_exc(2) -> {'EXIT', two};
f_exc(3) -> erlang:exit(three);
f_exc(4) -> erlang:error(four);
f_exc(5) -> [1|2] ++ id([]);
f_exc(6) -> erlang:binary_to_atom(id(a), utf8);
f_exc(7) -> lists:nth(3, [a]).

funs() ->
    [{closure, fun() -> X = id(3), F = fun(Y) -> X + Y end, F(4) end},
     {closure_many, fun() -> [A,B,C,D,E] = id([1,2,3,4,5]), F = fun(X) -> {A,B,C,D,E,X} end, F(6) end},
     {badarity, fun() -> F = id(fun(X) -> X end), F(1, 2) end},
     {badfun, fun() -> F = id(a), F(1, 2) end},
     {external, fun() -> F = fun erlang:atom_to_list/1, F(abc) end},
     {external_dyn, fun() -> M = id(erlang), F = fun M:abs/1, F(-3) end},
     {external_undef, fun() -> F = fun nomod:nofun/1, F(-3) end},
     {external_badarity, fun() -> F = fun erlang:abs/1, F(1, 2) end},
     {external_fail, fun() -> F = fun erlang:abs/1, F(a) end},
     {named, fun() -> F = fun Fac(0) -> 1; Fac(N) -> N * Fac(N - 1) end, F(30) end},
     {fun_info, fun() -> {module, M} = erlang:fun_info(id(fun() -> 1 end), module), M end},
     {fun_info_ext, fun() -> [erlang:fun_info(fun lists:map/2, I) || I <- [module,name,arity,env,type,pid,index,uniq,new_index,new_uniq,refc]] end},
     {fun_info_local, fun() -> X = id(7), F = fun(Y) -> X + Y end, [erlang:fun_info(F, I) || I <- [module,name,arity,env,type]] end},
     {fun_info_local_ref, fun() -> [erlang:fun_info(fun id/1, I) || I <- [module,name,arity,env,type]] end},
     {fun_info_bad, fun() -> erlang:fun_info(a, module) end},
     {fun_info_bad_item, fun() -> erlang:fun_info(fun id/1, what) end},
     {fun_info1, fun() -> erlang:fun_info(fun lists:map/2) end},
     {fun_eq, fun() -> F = fun(X) -> fun() -> X end end, {F(1) =:= F(1), F(1) =:= F(2), fun lists:map/2 =:= fun lists:map/2} end},
     {make_fun, fun() -> F = erlang:make_fun(erlang, id(abs), 1), F(-9) end},
     {make_fun_bad, fun() -> erlang:make_fun(erlang, id("abs"), 1) end},
     {make_fun_neg, fun() -> erlang:make_fun(erlang, abs, id(-1)) end},
     {make_fun_256, fun() -> erlang:make_fun(erlang, abs, id(256)) end},
     {is_builtin, fun() -> [erlang:is_builtin(M,F,A) || {M,F,A} <- [{erlang,length,1},{erlang,spawn,1},{erlang,apply,2},{erlang,apply,3},{lists,reverse,2},{lists,map,2},{ets,new,2},{erlang,'+',2},{erlang,abs,-1}]] end},
     {function_exported, fun() -> [erlang:function_exported(M,F,A) || {M,F,A} <- [{erlang,length,1},{erlang,spawn,1},{erlang,apply,2},{language,main,0},{language,cases,0},{nomod,x,1},{erlang,abs,256}]] end},
     {function_exported_bad, fun() -> erlang:function_exported(a, "b", 1) end},
     {module_info_module, fun() -> language:module_info(module) end},
     {module_info_exports, fun() -> lists:sort(language:module_info(exports)) end},
     {module_info_attributes, fun() -> [K || {K, _} <- lists:module_info(attributes)] end},
     {module_info_md5, fun() -> lists:module_info(md5) end},
     {module_info_compile, fun() -> [K || {K, _} <- lists:module_info(compile)] end},
     {module_info_functions, fun() -> lists:sort(lists:module_info(functions)) end},
     {module_info_nifs, fun() -> lists:module_info(nifs) end},
     {module_info_native, fun() -> lists:module_info(native) end},
     {module_info_0, fun() -> [K || {K, _} <- lists:module_info()] end},
     {module_info_bad, fun() -> lists:module_info(what) end},
     {get_module_info_bad, fun() -> erlang:get_module_info(nomod) end},
     {get_module_info_bad2, fun() -> erlang:get_module_info(nomod, exports) end},
     {tail_call_fun, fun() -> tail_fun(fun(X) -> {x, X} end, 1) end},
     {tail_badfun, fun() -> tail_fun(id(foo), 1) end},
     {tail_badarity, fun() -> tail_fun(fun() -> 1 end, 1) end}].

tail_fun(F, A) -> F(A).

binaries() ->
    [{build_int, fun() -> X = id(258), [<<X:16>>, <<X:16/little>>, <<X>>, <<X:4>>, <<X:70>>, <<(-X):70/little>>] end},
     {build_atom, fun() -> X = id(a), <<X>> end},
     {build_seg2, fun() -> X = id(a), <<1, 2:4, X:12>> end},
     {build_size_bad, fun() -> S = id(-1), <<1:S>> end},
     {build_size_atom, fun() -> S = id(x), <<1:S>> end},
     {build_float, fun() -> X = id(1.5), [<<X/float>>, <<X:32/float>>, <<X:16/float>>, <<X/float-little>>, <<(id(3))/float>>] end},
     {build_float_bad, fun() -> X = id(1.5), S = id(24), <<X:S/float>> end},
     {build_float_atom, fun() -> X = id(a), <<X/float>> end},
     {build_bin, fun() -> X = id(<<"abc">>), [<<X/binary, "d">>, <<1, X:2/binary>>, <<X/bits, 1:1>>] end},
     {build_bin_bad, fun() -> X = id(abc), <<"x", X/binary>> end},
     {build_bin_short, fun() -> X = id(<<"abc">>), <<X:4/binary>> end},
     {build_bin_bits, fun() -> X = id(<<1:3>>), <<X/binary>> end},
     {build_utf, fun() -> X = id(8364), [<<X/utf8>>, <<X/utf16>>, <<X/utf32>>, <<X/utf16-little>>] end},
     {build_utf_bad, fun() -> X = id(16#D800), <<X/utf8>> end},
     {build_utf16_bad, fun() -> X = id(-1), <<X/utf16>> end},
     {build_utf32_bad, fun() -> X = id(a), <<X/utf32>> end},
     {build_append, fun() -> lists:foldl(fun(X, B) -> <<B/binary, X>> end, <<>>, lists:seq(1, 100)) end},
     {build_append_shared, fun() -> A = <<(id(<<"abc">>))/binary, 1>>, B = <<A/binary, 2>>, C = <<A/binary, 3>>, {A, B, C} end},
     {build_append_bad, fun() -> B = id(a), <<B/binary, 1>> end},
     {build_string, fun() -> X = id(1), <<"hello", X, "wörld"/utf8>> end},
     {match_int, fun() -> <<A:4, B:12/little, C/signed, D/binary>> = id(<<1,2,255,4,5>>), {A,B,C,D} end},
     {match_fail, fun() -> <<A:16, B>> = id(<<1,2>>), {A,B} end},
     {match_size, fun() -> <<S, D:S/binary, R/bits>> = id(<<3,1,2,3,4,5:3>>), {S,D,R} end},
     {match_float, fun() -> [case id(B) of <<F/float>> -> F; <<F:32/float>> -> F; _ -> no end || B <- [<<1.5/float>>, <<2.5:32/float>>, <<255,248,0,0,0,0,0,0>>, <<1>>]] end},
     {match_utf8, fun() -> [case id(B) of <<C/utf8, R/binary>> -> {C,R}; _ -> no end || B <- [<<"aé"/utf8>>, <<"é"/utf8>>, <<255>>, <<237,160,128>>, <<240,159,152,128>>, <<226,130>>]] end},
     {match_utf16, fun() -> [case id(B) of <<C/utf16, R/binary>> -> {C,R}; _ -> no end || B <- [<<"é"/utf16>>, <<216,61,222,0>>, <<216,0>>, <<220,0,0,0>>]] end},
     {match_utf32, fun() -> [case id(B) of <<C/utf32-little, R/binary>> -> {C,R}; _ -> no end || B <- [<<"é"/utf32-little>>, <<0,216,0,0>>]] end},
     {match_string, fun() -> [case id(B) of <<"ab", R/binary>> -> R; <<"x", _/binary>> -> x; _ -> no end || B <- [<<"abc">>, <<"xyz">>, <<>>, <<"a">>]] end},
     {match_unit, fun() -> [case id(B) of <<_:3, R/binary>> -> R; <<R:8/bitstring, _/bits>> -> {bits, R}; _ -> no end || B <- [<<1:11>>, <<1,2>>, <<1:4>>]] end},
     {match_big, fun() -> <<X:100, Y:28>> = id(<<0:50, 1:50, 77:28>>), {X, Y} end},
     {match_sbig, fun() -> <<X:100/signed, Y:28/little>> = id(<<-1:100, 77:28>>), {X, Y} end},
     {match_small_signed, fun() -> [begin <<X:60/signed,_:4>> = <<V:60,0:4>>, X end || V <- [-1, 1, 1 bsl 59, -(1 bsl 59), (1 bsl 59) - 1]] end},
     {match_64, fun() -> [begin <<X:64>> = <<V:64>>, <<Y:64/signed-little>> = <<V:64/little>>, {X,Y} end || V <- [-1, 1, 1 bsl 59, 1 bsl 63, (1 bsl 64) - 1]] end},
     {walk, fun() -> walk(<<"hello world">>, []) end},
     {words, fun() -> words(<<"the quick  brown fox">>, <<>>, []) end},
     {bits, fun() -> [B || <<B:1>> <= <<16#a5, 3:2>>] end},
     {bin_comp, fun() -> << <<(X*2)>> || <<X>> <= <<1,2,3>> >> end},
     {bit_comp, fun() -> << <<X:3>> || X <- [1,2,3,4,5] >> end},
     {list_to_bin_comp, fun() -> << <<X:16/little>> || X <- lists:seq(1, 5), X rem 2 =:= 1 >> end},
     {bad_generator, fun() -> [X || <<X>> <= id(a)] end},
     {bad_generator_list, fun() -> [X || X <- id(a)] end},
     {start_match_bad, fun() -> bin_first(id(a)) end},
     {function_clause_ctx, fun() -> bin_loop(<<1,2,3,9>>) end},
     {size_expr, fun() -> <<N, X:(N*4), R/bits>> = id(<<2, 16#abcd:16>>), {N, X, R} end},
     {skip, fun() -> <<_:S, X, _/binary>> = begin S = id(16), id(<<1,2,3,4>>) end, X end},
     {binary_part, fun() -> erlang:binary_part(id(<<1,2,3>>), 1, 3) end},
     {split_binary, fun() -> erlang:split_binary(id(<<1,2,3>>), 2) end},
     {put_long, fun() -> B = id(<<0:8000>>), <<B/binary, B/binary, 7>> =:= <<0:16000, 7>> end}].

bin_first(<<X, _/binary>>) -> X.
bin_loop(<<X, R/binary>>) when X < 5 -> bin_loop(R);
bin_loop(<<>>) -> done.
walk(<<C, R/binary>>, Acc) -> walk(R, [C|Acc]);
walk(<<>>, Acc) -> Acc.
words(<<" ", R/binary>>, W, Acc) -> words(R, <<>>, [W|Acc]);
words(<<C, R/binary>>, W, Acc) -> words(R, <<W/binary, C>>, Acc);
words(<<>>, W, Acc) -> lists:reverse([W|Acc]).

maps() ->
    [{put, fun() -> M = id(#{a=>1}), M#{b=>2, a=>3} end},
     {exact, fun() -> M = id(#{a=>1}), M#{a:=3} end},
     {exact_missing, fun() -> M = id(#{a=>1}), M#{b:=3} end},
     {exact_badmap, fun() -> M = id(x), M#{b:=3} end},
     {put_badmap, fun() -> M = id(x), M#{b=>3} end},
     {match, fun() -> #{a:=A, b:=B} = id(#{a=>1,b=>2,c=>3}), {A,B} end},
     {match_fail, fun() -> #{z:=A} = id(#{a=>1}), A end},
     {var_key, fun() -> K = id({k,1}), M = #{K => v}, #{K := V} = M, V end},
     {has, fun() -> [hask(M) || M <- [#{a=>1}, #{a=>1,b=>2}, #{}, x]] end},
     {big, fun() -> M = maps:from_list([{X, X*X} || X <- lists:seq(1, 100)]), M2 = M#{50 := x, 101 => y}, {erlang:map_size(M2), maps:get(50, M2), maps:get(101, M2)} end},
     {literal, fun() -> #{1=>a, 1.0=>b, "x"=>c, <<"y">>=>d} end},
     {maps_get, fun() -> maps:get(nokey, id(#{})) end},
     {maps_get_bad, fun() -> maps:get(nokey, id(foo)) end},
     {update_dup, fun() -> K = id(a), #{K=>1, a=>2} end},
     {guarded, fun() -> [gm(X) || X <- [#{a=>1}, #{a=>b}, 5]] end},
     {fold, fun() -> maps:fold(fun(K, V, A) -> [{K, V}|A] end, [], #{a=>1,b=>2,c=>3}) end},
     {many_keys, fun() -> #{a:=A,b:=B,c:=C,d:=D,e:=E} = id(#{a=>1,b=>2,c=>3,d=>4,e=>5,f=>6}), {A,B,C,D,E} end}].

hask(#{a:=_, b:=_}) -> both; hask(#{a:=_}) -> a; hask(#{}) -> empty; hask(_) -> no.
gm(M) when map_get(a, M) =:= 1 -> one; gm(M) when is_map_key(a, M) -> has; gm(_) -> no.

floats() ->
    [{poly, fun() -> poly(1.5) end},
     {mixed, fun() -> mixed(2, 0.5) end},
     {overflow, fun() -> over(1.0e300, 1.0e300) end},
     {div_zero, fun() -> fdiv(1.0, 0.0) end},
     {bad, fun() -> poly(a) end},
     {neg, fun() -> fneg(2.5) end},
     {big_int, fun() -> poly(1 bsl 2000) end},
     {loop, fun() -> floop(1000, 0.0) end},
     {to_list, fun() -> [erlang:float_to_list(X, [short]) || X <- [0.1, 1.0e22, 5.0e-324, -0.0]] end},
     {math, fun() -> {math:sqrt(2), math:pow(2, 0.5), math:sin(1)} end},
     {math_bad, fun() -> math:sqrt(id(-1)) end},
     {math_log, fun() -> math:log(id(0)) end}].

poly(X) -> X * X * 2.0 + X / 3.0 - 1.0.
mixed(X, Y) when is_float(Y) -> (Y + 1) * (Y - X) / (Y * 4).
over(X, Y) when is_float(X), is_float(Y) -> X * Y * 2.0.
fdiv(X, Y) when is_float(X), is_float(Y) -> X / Y + 1.0.
fneg(X) when is_float(X) -> -(X * 2.0).
floop(0, A) -> A;
floop(N, A) -> floop(N - 1, A + N * 0.5).

receives() ->
    [{self_send, fun() -> erlang:self() ! hello, receive X -> X end end},
     {order, fun() -> [erlang:self() ! X || X <- [1,2,3]], [receive X -> X end || _ <- [1,2,3]] end},
     {selective, fun() -> [erlang:self() ! X || X <- [a,b,c]], B = receive b -> b end, A = receive X -> X end, C = receive Y -> Y end, {B,A,C} end},
     {timeout0, fun() -> receive never -> x after 0 -> timeout end end},
     {timeout, fun() -> receive never -> x after id(20) -> timeout end end},
     {timeout_bad, fun() -> receive never -> x after id(a) -> timeout end end},
     {timeout_neg, fun() -> receive never -> x after id(-1) -> timeout end end},
     {timeout_big, fun() -> receive never -> x after id(1 bsl 32) -> timeout end end},
     {infinity, fun() -> erlang:self() ! go, receive go -> went after id(infinity) -> timeout end end},
     {sleepers, fun() -> [sleeper(T) || T <- [infinity, 30]] end},
     {spawn, fun() -> S = erlang:self(), erlang:spawn(fun() -> S ! {from_child, 1 + 1} end), receive {from_child, X} -> X end end},
     {spawn_monitor, fun() -> {_, R} = erlang:spawn_monitor(fun() -> erlang:exit(bye) end), receive {'DOWN', R, process, _, W} -> W end end},
     {call, fun() -> P = erlang:spawn(fun() -> server(0) end), [call(P, {add, N}) || N <- lists:seq(1, 10)] end},
     {ref_receive, fun() -> [erlang:self() ! {noise, N} || N <- lists:seq(1, 50)], R = erlang:make_ref(), erlang:self() ! {R, v}, V = receive {R, X} -> X end, {V, drain(0)} end},
     {big_message, fun() -> S = erlang:self(), L = lists:seq(1, 5000), erlang:spawn(fun() -> S ! {big, L} end), receive {big, L2} -> L =:= L2 end end},
     {bin_message, fun() -> S = erlang:self(), B = <<0:80000>>, erlang:spawn(fun() -> S ! {big, <<B/binary, 1>>} end), receive {big, L2} -> erlang:byte_size(L2) end end},
     {bad_dest, fun() -> id(noname) ! x end},
     {bad_dest2, fun() -> id("noname") ! x end},
     {send_value, fun() -> (erlang:self() ! {v, 1}), receive {v, _} = V -> V end end},
     {receive_throw, fun() -> erlang:self() ! boom, try receive boom -> erlang:throw(boom) end catch throw:B -> {caught, B} end end},
     {receive_guard, fun() -> erlang:self() ! 5, erlang:self() ! 50, X = receive N when N > 10 -> N end, {X, receive Y -> Y end} end}].

sleeper(T) ->
    {P, R} = erlang:spawn_monitor(fun() -> receive after T -> erlang:exit(over) end end),
    [begin P ! X, erlang:exit(P, normal), receive after 5 -> ok end end || X <- [a, b, c]],
    receive {'DOWN', R, process, P, W} -> {woke, W}
    after 100 -> erlang:exit(P, kill), receive {'DOWN', R, process, P, W} -> {slept, W} end
    end.

server(S) ->
    receive {call, From, Ref, {add, N}} -> From ! {Ref, S + N}, server(S + N) end.
call(P, Q) ->
    Ref = erlang:make_ref(), P ! {call, erlang:self(), Ref, Q},
    receive {Ref, A} -> A after 1000 -> timeout end.
drain(N) -> receive {noise, _} -> drain(N + 1) after 0 -> N end.

comprehension() ->
    [{list, fun() -> [X * 2 || X <- lists:seq(1, 10), X rem 2 =:= 0] end},
     {nested, fun() -> [{X, Y} || X <- [1,2], Y <- [a,b]] end},
     {filter_bad, fun() -> [X || X <- [1,2], id(foo)] end},
     {big, fun() -> lists:sum([X || X <- lists:seq(1, 3000)]) end}].

-record(r, {a = 1, b, c = "x"}).
records() ->
    [{new, fun() -> #r{b = 2} end},
     {get, fun() -> (id(#r{b = 2}))#r.b end},
     {get_bad, fun() -> (id({s, 1}))#r.b end},
     {update, fun() -> R = id(#r{b = 2}), R#r{c = 3, a = 4} end},
     {update_bad, fun() -> R = id(foo), R#r{c = 3} end},
     {is, fun() -> [erlang:is_record(X, r) || X <- [#r{}, {r}, {r,1,2,3}, a]] end}].

lists_module() ->
    [{sort, fun() -> lists:sort([3,1,2,a,"x",1.0,{b},<<>>]) end},
     {sort_big, fun() -> lists:sort([(X * 7919) rem 10007 || X <- lists:seq(1, 2000)]) =:= lists:usort([(X * 7919) rem 10007 || X <- lists:seq(1, 2000)]) end},
     {foldl, fun() -> lists:foldl(fun(X, A) -> X + A end, 0, lists:seq(1, 1000)) end},
     {keys, fun() -> [lists:keyfind(K, 2, [{a,1},{b,2},c]) || K <- [1,2,3]] end},
     {keyfind_bad, fun() -> lists:keyfind(a, 0, []) end},
     {reverse_bad, fun() -> lists:reverse(id([a|b])) end},
     {member_bad, fun() -> lists:member(a, id([b|c])) end},
     {nth_bad, fun() -> lists:nth(0, [a]) end},
     {zip, fun() -> lists:zip([1,2],[a,b]) end},
     {zip_bad, fun() -> lists:zip([1,2],[a]) end},
     {flatten, fun() -> lists:flatten([1,[2,[3,[]]],4]) end},
     {string, fun() -> {string:uppercase("straße"), string:split("a,b,c", ",", all), string:trim("  x "), string:pad("x", 5), string:length("e\x{301}")} end},
     {format, fun() -> lists:flatten(io_lib:format("~p ~s ~w ~.3f ~b ~8.16.0b ~e~n", [{a,"b",<<"c">>}, "str", [1,2|3], 3.14159, 42, 255, 1.5])) end},
     {format_bad, fun() -> io_lib:format("~p ~p", [1]) end},
     {gb, fun() -> gb_trees:to_list(lists:foldl(fun(X, T) -> gb_trees:enter(X, X, T) end, gb_trees:empty(), [5,3,8,1,4])) end},
     {sets, fun() -> lists:sort(sets:to_list(sets:union(sets:from_list([1,2,3]), sets:from_list([3,4])))) end},
     {dict, fun() -> lists:sort(dict:to_list(dict:from_list([{X, X} || X <- lists:seq(1, 50)]))) end},
     {queue, fun() -> queue:to_list(queue:in(3, queue:from_list([1,2]))) end},
     {array, fun() -> array:to_list(array:set(3, x, array:new())) end},
     {scan, fun() -> erl_scan:string("foo(X) -> \"abc\" ++ [1.5, 'A b', $c].") end},
     {parse, fun() -> {ok, T, _} = erl_scan:string("f(X, [H|T]) when X > 1 -> {H, fun() -> T end}; f(_, _) -> ok."), erl_parse:parse_form(T) end},
     {base64, fun() -> {base64:encode("hello world"), base64:decode("aGVsbG8=")} end},
     {rand, fun() -> S = rand:seed_s(exsss, {1,2,3}), {A, S1} = rand:uniform_s(1000, S), {B, _} = rand:uniform_s(S1), {A, B} end},
     {erl_eval, fun() -> {ok, T, _} = erl_scan:string("X = 3, F = fun(Y) -> X * Y end, [F(Z) || Z <- [1,2,3]]."), {ok, E} = erl_parse:parse_exprs(T), {value, V, _} = erl_eval:exprs(E, []), V end},
     {re, fun() -> re:run("hello world", "(w)(o)", [{capture, all, list}]) end},
     {proplists, fun() -> proplists:get_value(b, [a, {b, 2}]) end},
     {unicode, fun() -> unicode:characters_to_binary("åäö€") end},
     {calendar, fun() -> calendar:day_of_the_week(2024, 2, 29) end},
     {binary_mod, fun() -> {binary:split(<<"a,b,c">>, <<",">>, [global]), binary:match(<<"hello">>, <<"l">>), binary:replace(<<"aXb">>, <<"X">>, <<"--">>)} end}].

more() ->
    [{process_dict, fun() -> erlang:put(k, v), {erlang:get(k), erlang:erase(k), erlang:get(k)} end},
     {hibernate_apply, fun() -> {_, R} = erlang:spawn_monitor(fun() -> erlang:self() ! go, erlang:hibernate(erlang, exit, [woke]) end), receive {'DOWN', R, process, _, W} -> W end end},
     {exit_in_child, fun() -> {_, R} = erlang:spawn_monitor(fun() -> erlang:throw(x) end), receive {'DOWN', R, process, _, W} -> W end end},
     {error_in_child, fun() -> {_, R} = erlang:spawn_monitor(fun() -> id(a) + 1 end), receive {'DOWN', R, process, _, W} -> W end end},
     {undef_in_child, fun() -> {_, R} = erlang:spawn_monitor(nomod, nofun, [1,2]), receive {'DOWN', R, process, _, W} -> W end end},
     {spawn_native_fail, fun() -> {_, R} = erlang:spawn_monitor(erlang, atom_to_list, [1]), receive {'DOWN', R, process, _, W} -> W end end},
     {spawn_badfun, fun() -> erlang:spawn(id(a)) end},
     {spawn_badargs, fun() -> erlang:spawn(a, b, id(c)) end},
     {stacktrace_current, fun() -> {current_stacktrace, [{M, F, A, _}|_]} = erlang:process_info(erlang:self(), current_stacktrace), {M, F, A} end},
     {current_function, fun() -> erlang:process_info(erlang:self(), current_function) end},
     {gc, fun() -> X = lists:seq(1, 1000), erlang:garbage_collect(), lists:sum(X) end},
     {deep_gc, fun() -> garbage(200, []) end},
     {check_flags, fun() -> erlang:check_old_code(language) end},
     {check_process_code, fun() -> erlang:check_process_code(erlang:self(), language) end},
     {delete_unloaded, fun() -> erlang:delete_module(no_such_module_here) end},
     {purge_unloaded, fun() -> erlang:purge_module(no_such_module_here) end},
     {module_loaded, fun() -> {erlang:module_loaded(language), erlang:module_loaded(nomod)} end},
     {load_garbage, fun() -> erlang:load_module(xyz, id(<<"not a beam file">>)) end},
     {prepare_bad, fun() -> erlang:prepare_loading(xyz, id(notbin)) end},
     {finish_bad, fun() -> erlang:finish_loading(id([a])) end},
     {finish_empty, fun() -> erlang:finish_loading(id([])) end},
     {load_nif_wrong, fun() -> case erlang:load_nif("/nowhere/x", 0) of {error, {T, Text}} when is_list(Text) -> T end end},
     {old_frames, fun() -> old_frames() end},
     {atom_literals, fun() -> ['', 'a b', 'Ünïcode', nil] end}].

garbage(0, Acc) -> erlang:length(Acc);
garbage(N, Acc) -> garbage(N - 1, [lists:seq(1, N)|lists:sublist(Acc, 10)]).

%% Frames as compilers before 25 make them: the instruction that makes the frame fills it.
old_frames() ->
    Functions = [{function, Name, 1, L + 1,
                  [{label, L}, {func_info, {atom, old_frames}, {atom, Name}, 1}, {label, L + 1},
                   Allocate, {move, {x, 0}, {y, 1}},
                   {call_ext, 0, {extfunc, erlang, garbage_collect, 0}},
                   {test_heap, 4, 0}, {put_tuple2, {x, 0}, {list, [{y, 0}, {y, 1}, {y, 2}]}},
                   {deallocate, 3}, return]}
                 || {Name, L, Allocate} <- [{zero, 1, {allocate_zero, 3, 1}},
                                            {heap_zero, 3, {allocate_heap_zero, 3, 4, 1}}]],
    Exports = [{zero, 1}, {heap_zero, 1}],
    {ok, Code} = beam_asm:module({old_frames, Exports, [], Functions, 5}, [], [], []),
    {module, M} = erlang:load_module(old_frames, Code),
    [begin fill_stack(100), M:F({F}) end || {F, 1} <- Exports].

fill_stack(0) -> [];
fill_stack(N) -> T = {N}, [fill_stack(N - 1) | {T, fill_stack(0)}].
