# Names are resolved without OTP's helper program as with it. Purlin has no such program here.
# env: PURLIN_BINDIR=/nonexistent

names = [~c"localhost", ~c"127.0.0.1", ~c"::1", ~c"", ~c"a b", List.duplicate(?a, 64), List.duplicate(?b, 300)]

for name <- names, family <- [:inet, :inet6] do
  IO.inspect({name, family, :inet_gethost_native.gethostbyname(name, family)}, limit: 30)
end

IO.inspect(:inet_gethost_native.gethostbyname(~c"no.such.name.invalid"))

for address <- [{127, 0, 0, 1}, {0, 0, 0, 0, 0, 0, 0, 1}, {0, 0, 0, 0, 0, 0, 0, 0}] do
  IO.inspect({address, :inet_gethost_native.gethostbyaddr(address)})
end

{:ok, own} = :inet.gethostname()
IO.inspect(:inet_gethost_native.gethostbyname(own))
IO.inspect(:inet.gethostbyname(~c"localhost"))
IO.inspect(:inet.getaddr(~c"localhost", :inet))

IO.puts("many at once")
resolve = fn i -> Task.async(fn -> :inet_gethost_native.gethostbyname(~c"127.0.0.#{i}") end) end

1..50 |> Enum.map(resolve) |> Task.await_many() |> Enum.frequencies_by(&elem(&1, 0)) |> IO.inspect()
IO.inspect(:inet_gethost_native.control(:soft_restart))
IO.inspect(:inet_gethost_native.gethostbyname(~c"127.0.0.9"))

IO.puts("the protocol")
{:ok, [bindir]} = :init.get_argument(:bindir)
program = Path.join(to_string(bindir), "inet_gethost")
port = Port.open({:spawn_executable, program}, [:eof, :binary, args: ["2", "-ng"], packet: 4])

answer = fn port ->
  receive do
    {^port, answer} -> answer
  after
    300 -> nil
  end
end

IO.inspect(Keyword.take(Port.info(port), [:input, :output]))

for request <- [
      <<1::32, 1, 1, "127.0.0.1", 0, "more">>,
      <<2::32, 1, 2, "::1", 0>>,
      <<3::32, 1, 3, "localhost", 0>>,
      <<4::32, 2, 1, 127, 0, 0, 1>>,
      <<5::32, 2, 3, 127, 0, 0, 1>>,
      <<6::32, 3>>,
      <<0xFFFFFFFF::32, 4, 0, 0::32>>,
      <<7::32, 1, 1, "127.0.0.2", 0>>
    ] do
  Port.command(port, request)
  IO.inspect({request, answer.(port)})
end

Port.close(port)
IO.inspect({Port.info(port), answer.(port)})
