# What sending to, watching and calling processes of other nodes does on a node that is not distributed.
:logger.set_primary_config(:level, :none)

defmodule Compiled do
  # Compiled to the `send` instruction.
  def send_to(to), do: :erlang.!(to, :hoo)
end

node = :abc@boromir
# Pid 42 of that node, as another node would write it.
pid = :erlang.binary_to_term(<<131, 88, 119, 11, "abc@boromir", 42::32, 0::32, 7::32>>)

attempt = fn name, fun ->
  result =
    try do
      fun.()
    catch
      kind, reason -> {kind, reason}
    end

  shown = inspect(result) |> String.replace(inspect(pid), "#PID<remote>")
  IO.puts("#{name}: #{shown}")
end

next = fn ->
  receive do
    message -> message
  after
    1000 -> :nothing
  end
end

for {to, name} <- [{{:x, node}, "name"}, {pid, "pid"}, {{:x, :nonode}, "no node"}] do
  attempt.("send to a #{name}", fn -> Compiled.send_to(to) end)
  attempt.("call send to a #{name}", fn -> :erlang.send(to, :hoo) end)

  for options <- [[], [:nosuspend], [:noconnect], [:noconnect, :nosuspend]] do
    attempt.("send to a #{name} with #{inspect(options)}", fn -> :erlang.send(to, :hoo, options) end)
  end

  attempt.("send_nosuspend to a #{name}", fn -> :erlang.send_nosuspend(to, :hoo) end)
  attempt.("cast to a #{name}", fn -> GenServer.cast(to, :hoo) end)

  attempt.("monitor a #{name}", fn ->
    reference = Process.monitor(to)
    {:DOWN, ^reference, :process, _, why} = next.()
    why
  end)
end

# Identifiers of another node that are no pids, and those of an earlier life of this node.
for {host, name} <- [{"abc@boromir", "another"}, {"nonode@nohost", "this"}],
    {tag, numbers} <- [{88, <<42::32, 0::32, 7::32>>}, {89, <<42::32, 7::32>>}, {90, <<7::32, 1::32, 2::32, 3::32>>}] do
  length = if tag == 90, do: <<3::16>>, else: ""
  to = :erlang.binary_to_term(<<131, tag, length::binary, 119, byte_size(host), host::binary, numbers::binary>>)
  attempt.("send to #{tag} of #{name} node", fn -> Compiled.send_to(to) end)

  for options <- [[], [:noconnect]] do
    attempt.("send to #{tag} of #{name} node with #{inspect(options)}", fn -> :erlang.send(to, :hoo, options) end)
  end
end

for wrong <- [{1, node}, {:x, 1}, {:x, node, 1}, 1, "x"] do
  attempt.("send to #{inspect(wrong)}", fn -> Compiled.send_to(wrong) end)
end

Process.flag(:trap_exit, true)
attempt.("link", fn -> {Process.link(pid), next.()} end)
attempt.("unlink", fn -> Process.unlink(pid) end)
attempt.("exit", fn -> {Process.exit(pid, :kill), Process.exit(pid, :normal)} end)
attempt.("demonitor", fn -> Process.demonitor(Process.monitor(pid), [:flush, :info]) end)
attempt.("monitor_node", fn -> {:erlang.monitor_node(node, true), next.()} end)
attempt.("spawn_link", fn -> {is_pid(Node.spawn_link(node, fn -> :ok end)), elem(next.(), 2)} end)
attempt.("connect", fn -> {Node.connect(node), Node.disconnect(node), Node.ping(node)} end)
attempt.("call", fn -> GenServer.call({:x, node}, :foo) end)
attempt.("rpc", fn -> :rpc.call(node, :erlang, :node, []) end)
attempt.("rpc here", fn -> :rpc.call(node(), :erlang, :node, []) end)
attempt.("erpc", fn -> :erpc.call(node, :erlang, :node, []) end)
attempt.("multicall", fn -> :erpc.multicall([node(), node], :erlang, :node, []) end)
attempt.("is_process_alive", fn -> Process.alive?(pid) end)
attempt.("process_info", fn -> Process.info(pid) end)
attempt.("register", fn -> Process.register(pid, :far) end)
attempt.("suspend", fn -> :erlang.suspend_process(pid) end)
attempt.("node", fn -> {node(pid), node(), Node.list(), Node.alive?()} end)
