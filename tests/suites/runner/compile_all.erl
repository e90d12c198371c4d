%% Compiles a test directory in place: erl -noshell -pa . -s ... (driven by prepare)
%% usage: erl -noshell -run compile_all main DIR OTPSRC JOBS
-module(compile_all).
-export([main/1]).

main([Dir, Otp, Jobs]) ->
    ok = file:set_cwd(Dir),
    Base = [{i, "."}, {i, Otp ++ "/lib"}, {i, Otp ++ "/lib/kernel/src"}, {i, Otp ++ "/lib/kernel/include"},
            {i, Otp ++ "/lib/stdlib/include"}, debug_info, nowarn, return_errors],
    {ok, Plan} = file:consult("compile.plan"),
    Todo = [{File, Opts ++ Base} || {File, Opts} <- Plan,
                                    not up_to_date(File)],
    Self = self(),
    N = list_to_integer(Jobs),
    io:format("~s: ~w of ~w to compile~n", [filename:basename(Dir), length(Todo), length(Plan)]),
    loop(Todo, 0, N, Self, []).

up_to_date(File) ->
    filelib:last_modified(beam(File)) >= filelib:last_modified(File) andalso filelib:is_regular(beam(File)).

beam(File) -> filename:rootname(filename:basename(File)) ++ ".beam".

loop([], 0, _, _, Bad) ->
    [io:format("not compiled: ~s ~0tP~n", [F, E, 30]) || {F, E} <- Bad],
    halt(0);
loop([{File, Opts} | T], Running, N, Self, Bad) when Running < N ->
    {_, _} = spawn_monitor(fun() -> exit({done, File, (catch compile:file(File, Opts))}) end),
    loop(T, Running + 1, N, Self, Bad);
loop(L, Running, N, Self, Bad) ->
    receive
        {'DOWN', _, _, _, {done, File, Res}} ->
            case Res of
                {ok, _} -> loop(L, Running - 1, N, Self, Bad);
                {ok, _, _} -> loop(L, Running - 1, N, Self, Bad);
                E -> loop(L, Running - 1, N, Self, [{File, E} | Bad])
            end;
        {'DOWN', _, _, _, Why} -> loop(L, Running - 1, N, Self, [{"?", Why} | Bad])
    end.
