# Processes that load and unload a driver, open and close its ports and end each other, all at once, for some seconds. The
# arguments are the directory of the shared object and the seconds. What is left in the end is told.
[dir, seconds] = System.argv()

defmodule Storm do
  def turn(dir) do
    :erl_ddll.try_load(dir, "probe_drv", Enum.random([[], [], [reload: :pending]]))
    port = try_to(fn -> Port.open({:spawn_driver, "probe_drv x"}, [:binary]) end)
    if is_port(port), do: use_it(port)
    :erl_ddll.try_unload("probe_drv", Enum.random([[], [:kill_ports], [monitor: :pending]]))
    flush()
  end

  defp use_it(port) do
    helper = spawn(fn -> for _ <- 1..5, do: control(port, Enum.random([0, 1, 2, 3, 4, 9, 12, 14])) end)
    try_to(fn -> Port.command(port, "hello") end)
    for op <- Enum.take_random([0, 2, 6, 7, 9, 10, 12, 13, 15, 16, 18, 19], 4), do: control(port, op)
    try_to(fn -> Port.command(port, "more") end)
    if :rand.uniform(2) == 1, do: try_to(fn -> Port.close(port) end), else: Process.exit(port, Enum.random([:kill, :bye]))
    if :rand.uniform(3) == 1, do: Process.exit(helper, :kill)
  end

  defp control(port, op), do: try_to(fn -> :erlang.port_control(port, op, <<3>>) end)

  defp try_to(function) do
    function.()
  rescue
    error in [ArgumentError, ErlangError] -> error
  end

  defp flush do
    receive do
      _ -> flush()
    after
      0 -> :ok
    end
  end

  def until(stop_at, dir) do
    turn(dir)
    if System.monotonic_time(:millisecond) < stop_at, do: until(stop_at, dir)
  end
end

before = length(Port.list())
stop_at = System.monotonic_time(:millisecond) + 1000 * String.to_integer(seconds)

for _ <- 1..8 do
  Task.async(fn ->
    Process.flag(:trap_exit, true)
    Storm.until(stop_at, String.to_charlist(dir))
  end)
end
|> Task.await_many(:infinity)

Process.sleep(500)
{:ok, loaded} = :erl_ddll.loaded_drivers()
IO.inspect({length(Port.list()) - before, ~c"probe_drv" in loaded})
