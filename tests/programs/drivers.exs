# What port drivers answer, and what ports count.
counted = fn work ->
  {{:input, i}, {:output, o}} = :erlang.statistics(:io)
  result = work.()
  {{:input, i2}, {:output, o2}} = :erlang.statistics(:io)
  {result, i2 - i, o2 - o}
end

info = fn port -> Enum.map([:input, :output, :queue_size, :os_pid], &:erlang.port_info(port, &1)) end
caught = fn work -> try(do: work.(), catch: (kind, reason -> {kind, reason})) end

{:ok, listening} = :gen_tcp.listen(0, [:binary, active: true, packet: 2])
{:ok, number} = :inet.port(listening)
{:ok, client} = :gen_tcp.connect({127, 0, 0, 1}, number, packet: 2, active: true)
{:ok, server} = :gen_tcp.accept(listening)

send_and_receive = fn pattern ->
  :gen_tcp.send(client, List.duplicate(?a, 1000))
  receive(do: (message -> elem(message, 0) == pattern))
end

IO.inspect({:active, counted.(fn -> send_and_receive.(:tcp) end), info.(server), info.(client)})
:inet.setopts(server, deliver: :port)
IO.inspect({:by_port, counted.(fn -> send_and_receive.(server) end), info.(server)})
:inet.setopts(server, deliver: :term)

{:ok, one} = :gen_udp.open(0, active: true)
{:ok, other} = :gen_udp.open(0, active: false)
{:ok, one_number} = :inet.port(one)
{:ok, other_number} = :inet.port(other)

there = fn ->
  :ok = :gen_udp.send(other, {127, 0, 0, 1}, one_number, "hello")
  receive(do: ({:udp, ^one, _, _, data} -> data))
end

back = fn ->
  :ok = :gen_udp.send(one, {127, 0, 0, 1}, other_number, "hello")
  {:ok, {_, _, data}} = :gen_udp.recv(other, 0)
  data
end

IO.inspect({:udp, counted.(there), info.(one), counted.(back), info.(other)})

program = Port.open({:spawn, "cat"}, [:binary, packet: 2])

echo = fn ->
  Port.command(program, "hello")
  receive(do: ({^program, {:data, data}} -> data))
end

IO.inspect({:packets, counted.(echo), Enum.take(info.(program), 3)})

lines = fn ->
  port = Port.open({:spawn, "printf 'ab\\ncd\\nefghi\\nxy'"}, [:eof, line: 3])
  receive(do: ({^port, :eof} -> :erlang.port_info(port, :input)))
end

IO.inspect({:lines, counted.(lines)})

ram = Port.open({:spawn_driver, "ram_file_drv"}, [:binary])

open = fn ->
  Port.command(ram, [1, 0, 0, 0, 3, "abc"])
  receive(do: ({^ram, {:data, data}} -> data))
end

IO.inspect({:ram_file, counted.(open), info.(ram)})
IO.inspect({:forced, caught.(fn -> Port.command(ram, "abc", [:force]) end)})
IO.inspect({:control, caught.(fn -> :erlang.port_control(ram, 1, []) end)})
IO.inspect({:options, caught.(fn -> Port.open({:spawn_driver, "ram_file_drv"}, [:exit_status]) end)})
IO.inspect({:linked_in, Enum.sort(elem(:erl_ddll.loaded_drivers(), 1))})

for name <- ["trace_file_drv", "sctp_inet", "spawn", "fd", "forker", "tcp_inet"] do
  IO.inspect({name, caught.(fn -> :erl_ddll.info(to_charlist(name), :permanent) end)})
end

# Control operations of all numbers, on a socket that is not open.
closed = Port.open({:spawn_driver, "tcp_inet"}, [:binary])
IO.inspect({:no_base, caught.(fn -> :erlang.port_control(closed, 16, []) end)})

for op <- Enum.to_list(0..61) -- [2, 12], data <- [[], [0], [1, 0, 0, 0]] do
  IO.inspect({op, data, caught.(fn -> :erlang.port_control(closed, 0x03F1A300 + op, data) end)})
end

# A descriptor that is left to somebody else is neither read nor watched.
within = fn time -> receive(do: ({:tcp, _, data} -> data), after: (time -> :nothing)) end
IO.inspect({:listening, :inet.lock_socket(listening, true)})
IO.inspect({:left, :inet.lock_socket(server, true), :inet.lock_socket(server, true)})
:gen_tcp.send(client, "abc")
IO.inspect(within.(200))
IO.inspect({:back, :inet.lock_socket(server, false), within.(10_000), :inet.lock_socket(server, false)})
IO.inspect({:no_connection, :inet.lock_socket(one, true)})
