# Linked-in drivers: loading, ports, and what they are told and say. The argument is the directory of the shared objects.
[dir] = System.argv()
dir = String.to_charlist(dir)

defmodule Probe do
  def port(arguments \\ "", options \\ []), do: Port.open({:spawn, String.trim("probe_drv " <> arguments)}, options)

  def got(n \\ 1, time \\ 1000) do
    for _ <- 1..n do
      receive do
        {port, what} when is_port(port) -> what
        {:EXIT, port, reason} when is_port(port) -> {:exit, reason}
        {:commanded, _} = done -> done
        tuple when is_port(elem(tuple, 0)) -> Tuple.delete_at(tuple, 0)
        {event, ref, :driver, name, what} when is_reference(ref) -> {event, name, what}
        other -> other
      after
        time -> :nothing
      end
    end
  end

  def fails(function) do
    function.()
  rescue
    e -> {:error, e.__struct__, Map.get(e, :original)}
  end
end

Process.flag(:trap_exit, true)
me = self()
show = fn label, value -> IO.inspect(value, label: label, limit: :infinity, printable_limit: :infinity) end

show.("none", :erl_ddll.try_load(dir, "no_such_drv", []))
{:error, error} = :erl_ddll.load(dir, "no_such_drv")
show.("none", :erl_ddll.format_error(error))
show.("open", Probe.fails(fn -> Port.open({:spawn_driver, "probe_drv"}, []) end))
show.("load", :erl_ddll.load(dir, "probe_drv"))
show.("again", :erl_ddll.try_load(dir, "probe_drv", []))
show.("other", :erl_ddll.try_load(dir, "probe_drv", driver_options: [:kill_ports]))
show.("loaded", ~c"probe_drv" in elem(:erl_ddll.loaded_drivers(), 1))
show.("users", :erl_ddll.info("probe_drv", :processes) == [{me, 2}])
show.("options", :erl_ddll.info("probe_drv", :driver_options))
show.("unload", :erl_ddll.try_unload("probe_drv", []))

for text <- ["general", "badarg", "errno"], do: show.(text, Probe.fails(fn -> Probe.port(text) end))
show.("count", :erl_ddll.info("probe_drv", :port_count))

port = Probe.port("name of it")
show.("count", :erl_ddll.info("probe_drv", :port_count))
show.("info", Port.info(port, :name))
show.("info", Port.info(port, :connected) == {:connected, me})
show.("name", :erlang.port_control(port, 0, ""))
show.("list", :erlang.port_control(port, 1, "abc"))
show.("long", length(:erlang.port_control(port, 1, String.duplicate("abc", 100))))
show.("binary", :erlang.port_control(port, 2, "abc"))
show.("no operation", Probe.fails(fn -> :erlang.port_control(port, 1000, "") end))
show.("call", :erlang.port_call(port, 1, {:a, [1, 2.5, "x"], %{k: self()}}) == {:a, [1, 2.5, "x"], %{k: self()}})
show.("call", :erlang.port_call(port, 1, String.duplicate("long", 1000)) == String.duplicate("long", 1000))
show.("call", Probe.fails(fn -> :erlang.port_call(port, 99, []) end))
Port.command(port, ["ab", [?c | "d"]])
send(port, {me, {:command, ""}})
show.("echo", Probe.got(2))
:erlang.port_control(port, 3, "bytes")
show.("output", Probe.got())
show.("timer", [:erlang.port_control(port, 4, "") | Probe.got()])
show.("cancelled", [:erlang.port_control(port, 5, "") | Probe.got(1, 60)])
:erlang.port_control(port, 9, <<21>>)
show.("async", Probe.got())
show.("terms", :erlang.port_control(port, 12, ""))
[terms] = Probe.got()
show.("terms", put_elem(terms, 12, elem(terms, 12) == me))
show.("bad terms", :erlang.port_control(port, 13, ""))
show.("queue", :erlang.port_control(port, 14, ""))
show.("flags", :erlang.port_control(port, 23, ""))
:erlang.port_control(port, 24, "")

receive do
  {^port, :created, 0} -> show.("created", :here)
  {other, :created, 0} -> show.("created", {Port.info(other, :name), Port.close(other), Probe.got()})
after
  1000 -> show.("created", :nothing)
end

{pid, ref} = spawn_monitor(fn -> receive do: (:monitor -> send(me, :erlang.port_control(port, 10, ""))); receive do: (:end -> :ok) end)
send(pid, :monitor)
receive do: (answer -> show.("monitor", answer))
show.("monitors", Port.info(port, :monitors) == {:monitors, [process: pid]})
send(pid, :end)
receive do: ({:DOWN, ^ref, _, _, _} -> :ok)
[{:ended, ended, order}] = Probe.got()
show.("ended", {ended == pid, order, Port.info(port, :monitors)})
:erlang.port_control(port, 10, "")
show.("demonitor", {:erlang.port_control(port, 11, ""), :erlang.port_control(port, 11, "")})

:erlang.port_control(port, 21, <<1>>)
show.("busy", :erlang.port_command(port, "x", [:nosuspend]))
show.("force", Probe.fails(fn -> :erlang.port_command(port, "x", [:force]) end))
show.("nosuspend", :erlang.send(port, {me, {:command, "x"}}, [:nosuspend]))
sending =
  spawn(fn ->
    send(port, {me, {:command, "sent"}})
    send(me, {:commanded, :sent})
  end)
Process.sleep(50)
show.("sending", Process.info(sending, :status))
waiting = spawn(fn -> send(me, {:commanded, Port.command(port, "late")}) end)
Process.sleep(50)
show.("waits", Process.alive?(waiting))
:erlang.port_control(port, 21, <<0>>)
show.("goes on", Enum.sort(Probe.got(4)))

pipe = Probe.port("", [:binary, :eof])
:erlang.port_control(pipe, 6, "")
:erlang.port_control(pipe, 7, "some")
show.("pipe", Probe.got())
:erlang.port_control(pipe, 8, "")
show.("eof", hd(Probe.got()))
Port.close(pipe)
receive do: ({:EXIT, ^pipe, reason} -> show.("closed", reason))

lines = Probe.port("", line: 5)
:erlang.port_control(lines, 3, "one\ntoo long\nre")
show.("lines", Probe.got(3))
:erlang.port_control(lines, 19, "")
show.("rest", Probe.got(2))

for op <- 16..20 do
  other = Probe.port()
  :erlang.port_control(other, op, "")
  show.("end #{op}", {Probe.got(1, 100), Port.info(other)})
end

queued = Probe.port()
:erlang.port_control(queued, 15, "")
Port.command(queued, "ten bytes.")
show.("queued", :erlang.port_info(queued, :queue_size))
send(queued, {me, :close})
show.("flushed", Enum.sort(Probe.got(2)))

show.("unload", elem(:erl_ddll.try_unload("probe_drv", monitor: :pending), 1))
show.("count", :erl_ddll.info("probe_drv", :port_count))
show.("refused", Probe.got(1, 50))
Port.close(port)
show.("exits", Enum.sort(Probe.got(3, 300)))
show.("gone", Probe.fails(fn -> :erl_ddll.info("probe_drv", :port_count) end))

# Options: ports that are killed, and a driver that another process has loaded.
show.("load", :erl_ddll.try_load(dir, :probe_drv, driver_options: [:kill_ports]))
victim = Probe.port()
show.("unload", elem(:erl_ddll.try_unload(:probe_drv, monitor: :pending_driver), 1))
show.("killed", Enum.sort(Probe.got(2)))
show.("victim", Port.info(victim))
Process.sleep(50)

{loader, ref} =
  spawn_monitor(fn ->
    send(me, :erl_ddll.try_load(dir, :probe_drv, []))
    receive do: (:end -> :ok)
  end)

show.("elsewhere", Probe.got())
show.("not mine", :erl_ddll.try_unload(:probe_drv, []))
:erl_ddll.monitor(:driver, {:probe_drv, :unloaded})
:erl_ddll.monitor(:driver, {:probe_drv, :loaded})
show.("is there", Probe.got())
send(loader, :end)
receive do: ({:DOWN, ^ref, _, _, _} -> :ok)
show.("with its process", Probe.got())

# Loaded anew while a port is open.
:ok = :erl_ddll.load(dir, :probe_drv)
old = Probe.port()
{:ok, :pending_driver, _} = :erl_ddll.try_load(dir, :probe_drv, reload: :pending_driver, monitor: :pending_driver)
show.("reloads", :erl_ddll.info(:probe_drv, :awaiting_load) == [{me, 1}])
Port.close(old)
show.("reloaded", Enum.sort(Probe.got(2)))
locked = Probe.port()
:erlang.port_control(locked, 22, "")
show.("permanent", {:erl_ddll.info(:probe_drv, :permanent), :erl_ddll.try_unload(:probe_drv, [])})
show.("works", :erlang.port_control(locked, 0, "x"))
show.("taints", Enum.filter(:erlang.system_info(:taints), &(&1 == :probe_drv)))

# What is queued is flushed when the system halts, and the driver stops.
last = Probe.port("until the end")
:erlang.port_control(last, 15, "")
Port.command(last, "some bytes")
System.halt(0)
