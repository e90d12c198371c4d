# Two sockets of one descriptor: who asked last is told.
:logger.set_primary_config(:level, :none)
{:ok, first} = :socket.open(:inet, :dgram, :udp)
:ok = :socket.bind(first, %{family: :inet, addr: {127, 0, 0, 1}, port: 0})
{:ok, address} = :socket.sockname(first)
{:ok, fd} = :socket.getopt(first, {:otp, :fd})
{:ok, second} = :socket.open(fd, %{dup: false})
{:ok, peer} = :socket.open(:inet, :dgram, :udp)
{:select, {:select_info, _, one}} = :socket.recv(first, 0, :nowait)
{:select, {:select_info, _, two}} = :socket.recv(second, 0, :nowait)
:ok = :socket.sendto(peer, "a", address)

told = fn ->
  receive do
    {:"$socket", ^first, :select, ^one} -> :first
    {:"$socket", ^second, :select, ^two} -> :second
    other -> other
  after
    200 -> :nobody
  end
end

IO.inspect({told.(), told.()})
IO.inspect(:socket.recv(second, 0, :nowait))
{:select, {:select_info, _, two}} = :socket.recv(second, 0, :nowait)
IO.inspect(:socket.close(second))

receive do
  message -> IO.inspect(message == {:"$socket", second, :abort, {two, :closed}})
end

:ok = :socket.sendto(peer, "b", address)
IO.inspect(told.())
IO.inspect(:socket.close(first))
