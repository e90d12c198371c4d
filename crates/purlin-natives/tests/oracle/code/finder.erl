%% A code server that finds nothing: all that there is was loaded before.
-module(finder).
-export([start/0]).

start() ->
    persistent_term:put({erl_features, init_done}, true),
    persistent_term:put({erl_features, keywords}, []),
    register(code_server, self()),
    loop().

loop() ->
    receive
        {code_call, From, {ensure_loaded, _}} -> From ! {code_server, {error, nofile}};
        {code_call, From, {finish_loading, _, _}} -> From ! {code_server, ok}
    end,
    loop().
