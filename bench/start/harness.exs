# Runs one benchmark: `ENGINE bench/start/harness.exs bench/NAME.exs` prints microseconds, operations and the highest
# resident size in KiB, with tabs between. A benchmark is a module whose bench/0 gives {operations, fun to time}.
[file] = System.argv()
{module, _} = file |> Code.require_file() |> List.last()
{operations, fun} = module.bench()
:erlang.garbage_collect()
started = System.monotonic_time(:nanosecond)
fun.()
took = System.monotonic_time(:nanosecond) - started
[_, peak] = Regex.run(~r/VmHWM:\s*(\d+)/, File.read!("/proc/self/status"))
IO.puts("#{took / 1000}\t#{operations}\t#{peak}")
