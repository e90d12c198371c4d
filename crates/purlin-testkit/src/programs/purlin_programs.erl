%% Runs modules for the fuzzer of programs, on Purlin and on the BEAM alike: requests come by descriptor 0, answers go to
%% descriptor 1. A request is an operation and fields, each behind its length; so is an answer.
-module(purlin_programs).

-export([start/0]).

-define(HEAP, #{size => 4000000, kill => true, error_logger => false}).

start() ->
    ok = logger:set_primary_config(level, none),
    process_flag(trap_exit, true),
    serve(open_port({fd, 0, 1}, [{packet, 4}, binary])).

serve(Port) ->
    receive
        {Port, {data, <<Operation, Fields/binary>>}} ->
            Answer = [[<<(iolist_size(F)):32>>, F] || F <- answer(Operation, fields(Fields))],
            Port ! {self(), {command, Answer}},
            serve(Port);
        {'EXIT', Port, _} ->
            halt(0, [{flush, false}])
    end.

fields(<<Size:32, Field:Size/binary, Rest/binary>>) -> [Field | fields(Rest)];
fields(<<>>) -> [].

%% c: compile a source with options. r: run the calls whose numbers are in a string, each for some milliseconds at most and
%% as often as it takes to use so many reductions. t: the same, with outcomes as text.
answer($c, [Source, Options]) ->
    try compiled(unicode:characters_to_list(Source), term(binary_to_list(Options))) of
        {ok, _, Code} when is_binary(Code) -> [<<"ok">>, Code];
        {error, Errors, _} -> [<<"refused">>, io_lib:format("~0tp", [Errors])];
        Other -> [<<"refused">>, io_lib:format("~0tp", [Other])]
    catch
        Class:Reason:Stack -> [<<"refused">>, io_lib:format("~0tp", [{Class, Reason, Stack}])]
    end;
answer(Operation, [Code, Calls, Limit, Reductions]) when Operation =:= $r; Operation =:= $t ->
    case erlang:load_module(p, Code) of
        {module, p} ->
            All = p:calls(),
            [Most, Budget] = [binary_to_integer(Number) || Number <- [Limit, Reductions]],
            Run = fun(N) -> outcome(Operation, element(N + 1, All), Most, Budget) end,
            Outcomes = [Run(N) || <<N>> <= numbers(Calls, tuple_size(All))],
            true = erlang:delete_module(p),
            erts_code_purger:purge(p),
            lists:append(Outcomes);
        {error, Reason} ->
            [io_lib:format("not loaded: ~w", [Reason]), <<"0">>]
    end.

numbers(<<"all">>, Count) -> list_to_binary(lists:seq(0, Count - 1));
numbers(Calls, _) -> Calls.

term(Text) ->
    {ok, Tokens, _} = erl_scan:string(Text ++ "."),
    {ok, Term} = erl_parse:parse_term(Tokens),
    Term.

compiled(Source, Options) ->
    {ok, Tokens, _} = erl_scan:string(Source),
    Forms = forms(Tokens, []),
    case compile:forms(Forms, [binary, return_errors | Options]) of
        %% Code for a release that this compiler no longer knows.
        {error, [{_, [{none, compile, {obsolete_option, _}}]}], _} -> compile:forms(Forms, [binary, return_errors]);
        Compiled -> Compiled
    end.

forms([], []) -> [];
forms([{dot, _} = Dot | Rest], Form) ->
    {ok, Parsed} = erl_parse:parse_form(lists:reverse(Form, [Dot])),
    [Parsed | forms(Rest, [])];
forms([Token | Rest], Form) -> forms(Rest, [Token | Form]).

%% What a call gave and the reductions that it took; `skip` where it takes too long or too much memory. Calls with constant
%% arguments are made by two processes that take turns.
outcome(Operation, {Function, Args, true}, Limit, Budget) ->
    ended(started(Operation, Function, binary_to_term(term_to_binary(Args)), Budget), Limit);
outcome(Operation, {Function, Args, false}, Limit, Budget) ->
    Twins = [started(Operation, Function, Args, Budget) || _ <- [1, 2]],
    case [ended(Twin, Limit) || Twin <- Twins] of
        [[Same, Reductions], [Same, _]] -> [Same, Reductions];
        [[<<"skip">>, _] = Skipped, _] -> Skipped;
        [_, [<<"skip">>, _] = Skipped] -> Skipped;
        [[One, Reductions], [Other, _]] -> [[<<"one process: ">>, One, <<" and another: ">>, Other], Reductions]
    end.

started(Operation, Function, Args, Budget) ->
    spawn_opt(fun() -> exit({done, attempt(Operation, Function, Args, Budget)}) end, [monitor, {max_heap_size, ?HEAP}]).

ended({Pid, Monitor}, Limit) ->
    receive
        {'DOWN', Monitor, process, Pid, {done, Outcome}} -> Outcome;
        {'DOWN', Monitor, process, Pid, killed} -> [<<"skip">>, <<"0">>];
        {'DOWN', Monitor, process, Pid, Reason} -> [io_lib:format("ended: ~w", [Reason]), <<"0">>]
    after Limit ->
        exit(Pid, kill),
        receive {'DOWN', Monitor, process, Pid, _} -> [<<"skip">>, <<"0">>] end
    end.

attempt(Operation, Function, Args, Budget) ->
    {Told, Took, Again} = repeated(Function, Args, Budget, first, 0, 0),
    Bytes = case Operation of
                _ when Again =/= [] -> io_lib:format("at first: ~tp~nand then: ~tp", [Told, hd(Again)]);
                $r -> term_to_binary(Told, [deterministic]);
                $t -> io_lib:format("~tp", [Told])
            end,
    [unicode_or_bytes(Bytes), integer_to_binary(Took)].

unicode_or_bytes(Bytes) when is_binary(Bytes) -> Bytes;
unicode_or_bytes(Text) -> unicode:characters_to_binary(Text).

%% The first outcome, its reductions, and the last one if it is another.
repeated(Function, Args, Budget, First, Took, Left) ->
    {reductions, Before} = process_info(self(), reductions),
    Told = once(Function, Args),
    {reductions, After} = process_info(self(), reductions),
    %% Traces show where this calls: it does so in one place.
    if First =:= first -> repeated(Function, Args, Budget, Told, After - Before, min(1000, Budget div (After - Before)));
       Told =/= First -> {First, Took, [Told]};
       Left =:= 0 -> {First, Took, []};
       true -> repeated(Function, Args, Budget, First, Took, Left - 1)
    end.

once(Function, Args) ->
    erase(),
    forget(),
    Outcome = try {value, apply(p, Function, Args)}
              catch Class:Reason:Stack -> {Class, Reason, Stack}
              end,
    told({Outcome, lists:sort(get())}).

%% Messages of the call before.
forget() ->
    receive _ -> forget()
    after 0 -> ok
    end.

%% The term without what is another one in each engine.
told(Pid) when is_pid(Pid) -> pid;
told(Reference) when is_reference(Reference) -> reference;
told(Port) when is_port(Port) -> port;
told(Fun) when is_function(Fun) ->
    [{_, Module}, {_, Name}, {_, Arity}, {_, Env}, {_, Type}] =
        [erlang:fun_info(Fun, Item) || Item <- [module, name, arity, env, type]],
    {'fun', Type, Module, Name, Arity, told(Env)};
told([{erlang, Name, _, _} = Native, {M, F, A, [{file, File}, {line, _}]} | Frames])
  when Name =:= iolist_size; Name =:= map_get ->
    %% The BEAM gives the line of what comes next when a native is called through a fun, which is done with the first of
    %% these. The compiler gives no line where it sees that the second one fails.
    [told(Native), told({M, F, A, File}) | told(Frames)];
told([{M, F, [_ | _] = Args, [{file, _}, {line, _}]} | Frames]) when is_atom(M), is_atom(F) ->
    %% The BEAM forgets the line of the function that had no clause once the exception is raised again.
    told([{M, F, Args, []} | Frames]);
told([Head | Tail]) -> [told(Head) | told(Tail)];
told(Tuple) when is_tuple(Tuple) -> list_to_tuple(told(tuple_to_list(Tuple)));
told(Map) when is_map(Map) -> {map, lists:sort([{told(K), told(V)} || {K, V} <- maps:to_list(Map)])};
told(Other) -> Other.
