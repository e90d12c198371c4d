# Erlang expressions whose values differ between releases of OTP: on each, they are those of its own BEAM.
expressions = ~S"""
[is_list(erlang:system_info(I)) || I <- [otp_release, version, nif_version, driver_version]]
[erlang:system_info(I) || I <- [process_limit, port_limit, atom_limit, ets_limit]]
lists:sort(maps:keys(erlang:system_info(max_heap_size)))
catch erlang:system_info(async_dist)
lists:sort(maps:keys(process_flag(max_heap_size, #{size => 0})))
[element(1, catch process_info(self(), I)) || I <- [label, parent, async_dist, priority_messages]]
[catch process_info(self(), [I]) || I <- [{dictionary, none}, {messages, 1}]]
list_to_float("-0.0") =:= 0.0
case list_to_float("-0.0") of 0.0 -> same; _ -> another end
map_size(#{0.0 => a, list_to_float("-0.0") => b})
begin Z = ets:new(z, []), ets:insert(Z, [{0.0}, {list_to_float("-0.0")}]), ets:info(Z, size) end
maps:keys(maps:from_keys([undefined, badarg, true, ok, infinity, 'EXIT', false, error, normal], 0))
maps:keys(maps:from_keys([list_to_atom([$r, $e, $l, I]) || I <- lists:reverse("abcdefgh")], 0))
maps:to_list(#{1.5 => f, 1 => i, normal => a, error => b, {normal} => t, "s" => l, <<>> => b})
lists:sort([#{normal => 1}, #{error => 2}, #{infinity => 1}, #{error => 1}, #{normal => 0, error => 2}, #{normal => 9, error => 1}])
[#{normal => 1, error => 2} < #{normal => 2, error => 1}, #{true => 1, ok => 2} < #{true => 2, ok => 1}]
maps:fold(fun(K, _, L) -> [K | L] end, [], #{normal => 1, error => 2, badarg => 3})
io_lib:format("~p ~w", [#{normal => 1, error => 2}, #{infinity => 3, badarg => 4}])
erts_internal:map_next(0, #{normal => 1, error => 2}, iterator)
[maps:get(K, #{normal => 1, error => 2, ok => 3}, none) || K <- [ok, error, normal, true]]
maps:merge(#{normal => 1, error => 2}, #{badarg => 3, error => 4, true => 5})
maps:remove(error, (#{normal => 1, error => 2, badarg => 3})#{ok => 4})
term_to_binary(#{normal => 1, error => 2, badarg => 3})
term_to_binary(#{normal => 1, error => 2, badarg => 3}, [deterministic])
binary_to_term(<<131, 116, 0, 0, 0, 2, 119, 6, "normal", 97, 1, 119, 5, "error", 97, 2>>)
[erlang:phash2(#{normal => 1, error => 2}), erlang:phash(#{normal => 1, error => 2}, 1000)]
maps:keys(maps:from_keys(lists:seq(1, 100), 0))
maps:keys(maps:from_keys([{I, <<I>>, [I, {float(I)}], I bsl 70} || I <- lists:seq(1, 40)], 0)) =:= lists:sort(maps:keys(maps:from_keys([{I, <<I>>, [I, {float(I)}], I bsl 70} || I <- lists:seq(1, 40)], 0)))
[erlang:phash2(maps:keys(maps:from_keys(L, 0))) || L <- [[I bsl 70 || I <- lists:seq(1, 99)], [integer_to_binary(I) || I <- lists:seq(1, 99)], [integer_to_list(I) || I <- lists:seq(1, 99)], [I / 7 || I <- lists:seq(1, 99)]]]
[erlang:phash2(maps:keys(maps:from_keys(L, 0))) || L <- [[{I} || I <- lists:seq(1, 99)], [{I, {I, [300 | I]}} || I <- lists:seq(1, 99)], [<<I:16, 1:3>> || I <- lists:seq(1, 99)], [#{I => -I} || I <- lists:seq(1, 99)], [[{}, I, 1.5] || I <- lists:seq(1, 99)]]]
[maps:get(<<I:9>>, maps:from_keys([<<J:9>> || J <- lists:seq(1, 200)], x), none) || I <- [1, 2, 3, 128, 200, 201]]
lists:sort(maps:keys(maps:without([<<I:9>> || I <- lists:seq(1, 150)], maps:from_keys([<<J:9>> || J <- lists:seq(1, 200)], x)))) =:= [<<I:9>> || I <- lists:seq(151, 200)]
erlang:phash2(ets:tab2list(begin T = ets:new(t, []), ets:insert(T, [{{I, I * I}} || I <- lists:seq(1, 500)]), T end))
term_to_binary([abc, 'é', self])
[catch is_binary(term_to_binary(self(), [O])) || O <- [local, deterministic, compressed]]
byte_size(term_to_binary(hd(erlang:ports())))
[erlang:function_exported(erlang, F, A) || {F, A} <- [{display_string, 2}, {display_nl, 0}, {hibernate, 0}, {processes_iterator, 0}, {link, 2}, {exit, 3}, {is_integer, 3}]]
[erlang:is_builtin(erlang, F, A) || {F, A} <- [{min, 2}, {max, 2}, {list_to_integer, 1}, {binary_to_integer, 1}, {ceil, 1}, {system_monitor, 1}]]
[try is_integer(1 bsl N) catch _:R -> R end || N <- [4194300, 4194304, 67108863]]
[catch is_reference(alias([O])) || O <- [explicit_unalias, reply]]
element(1, element(2, catch alias([priority])))
[try erlang:monitor(process, self(), O) of _ -> true catch _:R -> R end || O <- [[{tag, x}], [{alias, demonitor}], [priority]]]
[try spawn_opt(fun() -> ok end, [O]) of _ -> O catch _:_ -> no end || O <- [async_dist, {async_dist, true}, {priority, max}, {message_queue_data, mixed}, {message_queue_data, off_heap}]]
[try process_flag(F, V) of _ -> F catch _:_ -> no end || {F, V} <- [{async_dist, false}, {save_calls, 0}, {sensitive, false}, {fullsweep_after, 65535}]]
ets:info(ets:new(t, []), memory)
[catch apply(ets, F, [ets:new(t, []) | A]) || {F, A} <- [{update_element, [a, {2, x}, {a, b}]}, {lookup_element, [a, 2, none]}, {first_lookup, []}], erlang:function_exported(ets, F, length(A) + 1)]
[re:run("aä1", P, [unicode, {capture, all, list}]) || P <- ["\\w+", "[[:alpha:]]+", "."]]
[re:compile(P) || P <- ["a(b", "[z-a]", "*"]]
[try re:run("a", "a", [O]) of _ -> O catch _:_ -> no end || O <- [notempty, {match_limit, 100}, report_errors, bsr_anycrlf, {newline, nul}]]
unicode_util:spec_version()
[lists:member({F, A}, M:module_info(exports)) || {M, F, A} <- [{binary, encode_hex, 2}, {binary, join, 2}, {maps, iterator, 2}, {lists, zip, 3}, {code, coverage_support, 0}, {persistent_term, put_new, 2}]]
try erlang:system_monitor(self(), [{long_message_queue, {10, 20}}]) of _ -> erlang:system_monitor(undefined) =:= {self(), [{long_message_queue, {10, 20}}]} catch _:R -> R end
[try erlang:system_monitor(self(), [{long_message_queue, L}, busy_port]) of _ -> element(2, erlang:system_monitor(undefined)) catch _:R -> R end || L <- [{0, 1}, {1, 1}, {2, 1}, {-1, 5}, 5, {a, b}]]
[erts_debug:flat_size(X) || X <- [<<0:80>>, binary:copy(<<1>>, 65), binary:part(binary:copy(<<1>>, 1000), 1, 700), <<1:3>>, <<1:70>>, <<1:600>>]]
[erts_debug:flat_size(X) || X <- [fun lists:map/2, make_ref(), 1.0, #{a => 1}, maps:from_keys(lists:seq(1, 100), 0), maps:from_keys(lists:seq(1, 40), 0)]]
[erts_internal:term_type(X) || X <- [list_to_binary([1]), binary:copy(<<1>>, 65), binary:part(binary:copy(<<1>>, 1000), 1, 700), <<1:3>>, fun lists:map/2, #{}]]
[code:which(M) =/= non_existing || M <- [json, trace, prim_tty, argparse, erl_features, socket]]
catch erl_features:all()
[element(1, catch erl_scan:string(T)) || T <- ["~\"x\".", "\"\"\"\n a\n \"\"\".", "16#a.8.", "maybe."]]
lists:sort(maps:keys(prim_socket:info()))
[catch element(1, net:getservbyname(N, P)) || {N, P} <- [{"http", tcp}, {"nope", tcp}]]
lists:sort([K || {K, _} <- socket:supports()])
[try erts_internal:term_to_string(maps:from_keys(lists:seq(1, 40), [0]), N) catch error:undef -> none end || N <- [2, 3, 9, 30, 31, 1000]]
try erts_internal:term_to_string([#{maps:from_keys(lists:seq(1, 33), 0) => maps:from_keys(lists:seq(1, 34), 0)}], undefined) catch error:undef -> none end
begin logger:set_primary_config(level, none), R = [begin {ok, fc, C} = compile:forms([{attribute, 1, module, fc}, {attribute, 1, export, [{f, 1}]}, {function, 1, f, 1, [{clause, 1, [{bin, 1, [{bin_element, 1, {var, 1, 'X'}, {integer, 1, 16}, default}, {bin_element, 1, {var, 1, '_'}, default, [binary]}]}], [], [{var, 1, 'X'}]}]}]), {element(1, code:load_binary(fc, "fc.beam", binary:replace(C, <<"ensure_at_least">>, As)))} end || As <- [<<"ensure_at_least">>, <<"future_cool_cmd">>]], timer:sleep(200), logger:set_primary_config(level, notice), R end
"""

masked = fn told -> Regex.replace(~r/<\d+\.\d+\.\d+>|#Ref<[^>]*>|#Port<[^>]*>|#Fun<[^>]*>/, told, "_") end

for text <- String.split(expressions, "\n", trim: true) do
  value =
    try do
      {:ok, tokens, _} = :erl_scan.string(String.to_charlist(text <> "."))
      {:ok, parsed} = :erl_parse.parse_exprs(tokens)
      {:value, value, _} = :erl_eval.exprs(parsed, [])
      value
    catch
      kind, {reason, _} -> {kind, reason}
      kind, reason -> {kind, reason}
    end

  # What of an exception is the program's own is left out.
  value =
    case value do
      {:EXIT, {reason, [{m, f, args, _} | _]}} -> {:EXIT, reason, m, f, if(is_list(args), do: length(args), else: args)}
      _ -> value
    end

  IO.puts(["#{text}\n    ", :io_lib.format("~0tp", [value]) |> IO.chardata_to_string() |> masked.()])
end

# Queues that grow too long are told to the system monitor, where there is such a thing.
case :erlang.system_info(:otp_release) do
  release when release >= ~c"27" ->
    me = self()
    monitor = spawn(fn -> (fn loop -> loop.(loop) end).(fn loop -> receive do: (m -> send(me, {:told, m}) && loop.(loop)) end) end)
    :erlang.system_monitor(monitor, [{:long_message_queue, {2, 5}}])

    slow = spawn(fn ->
      receive do: (:go -> :ok)
      for i <- 1..9, do: receive(do: (^i -> :ok))
      send(me, :empty)
      receive do: (:stop -> :ok)
    end)

    for i <- 1..9, do: send(slow, i)
    told = fn -> receive do: ({:told, {:monitor, pid, what, is}} -> {pid == slow, what, is}), after: (5000 -> :nothing) end
    IO.inspect(told.())
    send(slow, :go)
    receive do: (:empty -> :ok)
    IO.inspect(told.())
    :erlang.system_monitor(:undefined)

  _ ->
    IO.inspect({true, :long_message_queue, true})
    IO.inspect({true, :long_message_queue, false})
end
