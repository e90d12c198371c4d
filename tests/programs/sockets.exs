# What gen_tcp, gen_udp and inet say and send, told without ports and addresses that change from run to run.
defmodule Sockets do
  def show(title, value), do: IO.puts("#{title}: #{inspect(mask(value), limit: :infinity)}")

  def mask(t) when is_port(t) or is_pid(t) or is_reference(t), do: :x
  def mask(t) when is_tuple(t), do: t |> Tuple.to_list() |> Enum.map(&mask/1) |> List.to_tuple()
  def mask([h | t]), do: [mask(h) | mask(t)]
  def mask(t), do: t

  def messages(wait \\ 150) do
    receive do
      m -> [m | messages(wait)]
    after
      wait -> []
    end
  end

  # A listening socket's options, a connecting one's; the accepted socket and the other.
  def pair(server \\ [:binary, active: false], client \\ [:binary, active: false], family \\ :inet) do
    {:ok, l} = :gen_tcp.listen(0, [family | server])
    {:ok, port} = :inet.port(l)
    address = if family == :inet6, do: {0, 0, 0, 0, 0, 0, 0, 1}, else: {127, 0, 0, 1}
    {:ok, c} = :gen_tcp.connect(address, port, [family | client])
    {:ok, s} = :gen_tcp.accept(l)
    :gen_tcp.close(l)
    {s, c}
  end

  def packets do
    for {mode, bytes} <- [
          {:raw, "abc"},
          {1, <<2, "ab", 0, 3, "cde", 1>>},
          {2, <<0, 2, "ab", 0, 0, 0, 1>>},
          {4, <<2::32, "ab", 0::32, 1::32>>},
          {:line, "one\ntwo\r\n\nrest"},
          {:cdr, <<"GIOP", 1, 0, 0, 0, 3::32, "abc", "GIOP", 1, 0, 1, 0, 2::32-little, "de">>},
          {:tpkt, <<3, 0, 7::16, "abc", 3, 0, 4::16>>},
          {:asn1, <<48, 3, 1, 2, 3, 48, 0x81, 2, 9, 9>>},
          {:sunrm, <<1::1, 3::31, "xyz", 0::1, 1::31, "q">>},
          {:fcgi, <<1, 1, 0, 1, 0, 4, 1, 0, "data", 0, 1, 1, 0, 1, 0, 0, 0, 0>>},
          {:ssl_tls, <<22, 3, 1, 0, 3, "abc">>},
          {:http, "GET /a?b=c HTTP/1.1\r\nHost: x\r\nX-Long: 1\r\n 2\r\n\r\nPOST * HTTP/1.0\r\n\r\n"},
          {:httph_bin, "Content-Length: 3\r\n\r\n"},
          {:http_bin, "HTTP/1.1 404 Not Found\r\nServer: y\r\n\r\n"},
          {:http, "nonsense\r\n"}
        ] do
      {s, c} = pair([:binary, active: true, packet: mode])
      :gen_tcp.send(c, bytes)
      :gen_tcp.close(c)
      show("packet #{inspect(mode)}", messages())
      :gen_tcp.close(s)
    end

    for {mode, bytes} <- [{4, <<-1::32>>}, {:cdr, "nonsense here"}, {:tpkt, "nonsense"}] do
      {s, c} = pair([:binary, active: false, packet: mode])
      :gen_tcp.send(c, bytes)
      show("no packet #{inspect(mode)}", {:gen_tcp.recv(s, 0, 500), :gen_tcp.recv(s, 0, 500)})
      :gen_tcp.close(c)
    end

    {s, c} = pair([:binary, active: false, packet: :line, buffer: 8])
    :gen_tcp.send(c, "a line that is long\nshort\n")
    show("long lines", for(_ <- 1..4, do: :gen_tcp.recv(s, 0, 500)))
    :gen_tcp.close(c)

    {s, c} = pair([:binary, active: false, packet: 2, packet_size: 5])
    :gen_tcp.send(c, <<5::16, "abcde", 6::16, "abcdef">>)
    show("packet_size", {:gen_tcp.recv(s, 0, 500), :gen_tcp.recv(s, 0, 500)})
    :gen_tcp.close(c)

    {s, c} = pair([:binary, active: false, packet: :line])
    :inet.setopts(s, line_delimiter: ?;)
    :gen_tcp.send(c, "a;b\n;")
    show("delimiter", {:gen_tcp.recv(s, 0, 500), :gen_tcp.recv(s, 0, 500)})
    show("sent packet", {:gen_tcp.send(s, "x"), :inet.setopts(s, packet: 4), :gen_tcp.send(s, "yz")})
    show("seen", :gen_tcp.recv(c, 7, 500))
  end

  def activity do
    {s, c} = pair([active: false], [:binary, active: false, packet: 1])
    :gen_tcp.send(c, "one")
    :gen_tcp.send(c, "two")
    :inet.setopts(s, packet: 1, active: :once)
    show("once", messages())
    show("once is over", :inet.getopts(s, [:active]))
    :inet.setopts(s, active: 2)
    :gen_tcp.send(c, "three")
    show("two", messages())
    show("none left", {:inet.getopts(s, [:active]), :inet.setopts(s, active: -3)})
    show("passive again", messages(50))
    show("too many", {:inet.setopts(s, active: 32767), :inet.setopts(s, active: 1)})
    :inet.setopts(s, active: false, mode: :binary, header: 2)
    :gen_tcp.send(c, "header")
    show("header", :gen_tcp.recv(s, 0, 500))
    show("active recv", {:inet.setopts(s, active: true), :gen_tcp.recv(s, 0)})
    :gen_tcp.close(c)
    show("closed", messages())
    show("afterwards", {:gen_tcp.send(s, "x"), :gen_tcp.recv(s, 0), :inet.peername(s), :gen_tcp.close(s)})
  end

  def receiving do
    {s, c} = pair()
    show("timeout", {:gen_tcp.recv(s, 0, 0), :gen_tcp.recv(s, 5, 20)})
    :gen_tcp.send(c, "abc")
    show("too few", :gen_tcp.recv(s, 5, 50))
    :gen_tcp.send(c, "defgh")
    show("then enough", {:gen_tcp.recv(s, 5, 500), :gen_tcp.recv(s, 0, 500)})
    show("unrecv", {:gen_tcp.unrecv(s, "back"), :gen_tcp.recv(s, 2), :gen_tcp.recv(s, 0)})
    me = self()
    spawn(fn -> send(me, {:other, :gen_tcp.recv(s, 0)}) end)
    Process.sleep(50)
    show("already", :gen_tcp.recv(s, 0, 100))
    :gen_tcp.send(c, "z")
    show("other", messages())
    show("too much", :gen_tcp.recv(s, 0x4000001))
    :gen_tcp.shutdown(c, :write)
    show("half closed", {:gen_tcp.recv(s, 0), :gen_tcp.send(s, "late"), :gen_tcp.recv(s, 0), :gen_tcp.recv(c, 0)})
    {s, c} = pair([:binary, active: false, exit_on_close: false])
    :gen_tcp.shutdown(c, :write)
    show("stays", {:gen_tcp.recv(s, 0), :gen_tcp.send(s, "late"), :gen_tcp.recv(c, 0)})
    show("shut", {:gen_tcp.shutdown(c, :read_write), :gen_tcp.send(c, "x")})
    {s, c} = pair([:binary, active: false, show_econnreset: true])
    :inet.setopts(c, linger: {true, 0})
    :gen_tcp.close(c)
    show("reset", {:gen_tcp.recv(s, 0), :gen_tcp.recv(s, 0)})
  end

  def read(_, n) when n <= 0, do: n

  def read(s, n) do
    {:ok, data} = :gen_tcp.recv(s, 0)
    read(s, n - byte_size(data))
  end

  def sending do
    {s, c} = pair([:binary, active: false, recbuf: 4096], [
      :binary,
      active: false,
      sndbuf: 4096,
      high_watermark: 2000,
      low_watermark: 1000,
      send_timeout: 100
    ])

    big = :binary.copy("x", 10_000_000)
    show("queued", :gen_tcp.send(c, big))
    show("full", :gen_tcp.send(c, "more"))
    {:ok, [send_pend: n]} = :inet.getstat(c, [:send_pend])
    show("pending", n > 1000)
    show("all read", read(s, 10_000_004))
    show("empty", {:inet.getstat(c, [:send_pend, :send_oct, :send_cnt, :send_max]), :gen_tcp.send(c, "again")})
    show("again", :gen_tcp.recv(s, 5))
    {s, c} = pair([:binary, active: false], [:binary, active: false, delay_send: true])
    show("delayed", {:gen_tcp.send(c, "a"), :gen_tcp.send(c, "b"), :gen_tcp.recv(s, 2)})
    :gen_tcp.send(c, big)
    :gen_tcp.close(s)
    show("gone", {:gen_tcp.send(c, "x") in [:ok, {:error, :closed}], Process.sleep(100), :gen_tcp.send(c, "x")})
    {s, c} = pair()
    pid = spawn(fn -> receive do: (:go -> :gen_tcp.send(c, big)) end)
    :gen_tcp.controlling_process(c, pid)
    send(pid, :go)
    show("what a dead owner sent", read(s, 10_000_000))
    show("then", :gen_tcp.recv(s, 0))
    path = Path.join(System.tmp_dir!(), "sockets-#{System.pid()}")
    File.write!(path, String.duplicate("0123456789", 100_000))
    {s, c} = pair()
    show("sendfile", {:file.sendfile(path, c), read(s, 1_000_000)})
    {:ok, f} = :file.open(path, [:read, :raw, :binary])
    show("part", {:file.sendfile(f, c, 5, 10, []), :gen_tcp.recv(s, 10)})
    File.rm(path)
  end

  def connecting do
    {:ok, l} = :gen_tcp.listen(0, active: false)
    {:ok, port} = :inet.port(l)
    show("accept timeout", {:gen_tcp.accept(l, 0), :gen_tcp.accept(l, 30)})
    me = self()
    for i <- 1..3, do: spawn(fn -> Process.sleep(i * 20) && send(me, {i, :gen_tcp.accept(l, 1000 * i)}) end)
    dies = spawn(fn -> :gen_tcp.accept(l) end)
    Process.sleep(150)
    show("status", :prim_inet.getstatus(l))
    Process.exit(dies, :kill)
    for _ <- 1..2, do: :gen_tcp.connect(:localhost, port, [])
    # Who accepted ends at once, which closes the connection: one may hear of that before the other accepts.
    show("accepted", messages(100) |> mask() |> Enum.sort())
    :gen_tcp.close(l)
    show("closed", messages(100))
    show("refused", :gen_tcp.connect({127, 0, 0, 1}, port, []))
    show("in use", with({:ok, s} <- :gen_tcp.listen(0, []), {:ok, p} <- :inet.port(s), do: :gen_tcp.listen(p, [])))
    show("bad", catch_exit(fn -> :gen_tcp.connect({127, 0, 0, 1}, port, [:nonsense]) end))
    show("no address", :gen_tcp.listen(0, ip: {192, 168, 255, 254}))
    {s, c} = pair([:binary, active: false], [:binary, active: false], :inet6)
    show("inet6", {:gen_tcp.send(c, "6"), :gen_tcp.recv(s, 0), elem(elem(:inet.peername(s), 1), 0)})
    {s, c} = pair()
    m = :inet.monitor(c)
    :gen_tcp.close(c)
    show("monitor", {messages(50), :inet.cancel_monitor(m)})
    show("names", {elem(elem(:inet.sockname(s), 1), 0), :inet.sockname(c), :inet.port(c)})
  end

  def catch_exit(f) do
    f.()
  catch
    kind, reason -> {kind, reason}
  end

  def packets_without_connection do
    {:ok, a} = :gen_udp.open(0, [:binary, active: false, ip: {127, 0, 0, 1}])
    {:ok, b} = :gen_udp.open(0, active: true, ip: {127, 0, 0, 1})
    {:ok, pa} = :inet.port(a)
    {:ok, pb} = :inet.port(b)
    port = fn {:ok, {ip, p, d}} -> {:ok, ip, p == pb, d}; other -> other end
    show("udp", {:gen_udp.send(a, :localhost, pb, "to b"), :gen_udp.send(b, {127, 0, 0, 1}, pa, ["to", ?\s, "a"])})
    show("b", Enum.map(messages(50), &put_elem(&1, 3, :port)))
    show("a", {port.(:gen_udp.recv(a, 0, 500)), :gen_udp.recv(a, 0, 10)})
    show("empty", {:gen_udp.send(b, {127, 0, 0, 1}, pa, ""), port.(:gen_udp.recv(a, 0, 500))})
    show("too long", :gen_udp.send(a, {127, 0, 0, 1}, pb, :binary.copy("x", 70_000)))
    show("connected", {:gen_udp.connect(a, {127, 0, 0, 1}, pb), :gen_udp.send(a, "direct")})
    show("b", Enum.map(messages(50), &put_elem(&1, 3, :port)))
    :inet.setopts(b, active: 1)
    :gen_udp.send(a, "1")
    show("one and passive", Enum.map(messages(50), fn m -> if tuple_size(m) > 3, do: put_elem(m, 3, :port), else: m end))
    :gen_udp.close(b)
    show("unreachable", {:gen_udp.send(a, "x"), :gen_udp.recv(a, 0, 200)})
    {:ok, t} = :gen_udp.open(0, [:binary, active: false, recvttl: true, recvtos: true, ip: {127, 0, 0, 1}])
    {:ok, pt} = :inet.port(t)
    {:ok, u} = :gen_udp.open(0, [:binary, active: false])
    :gen_udp.send(u, {{127, 0, 0, 1}, pt}, [tos: 32, ttl: 7], "with")
    {:ok, {ip, _, anc, data}} = :gen_udp.recv(t, 0, 500)
    show("control data", {ip, Enum.sort(anc), data})
  end

  def local do
    dir = Path.join(System.tmp_dir!(), "local-#{System.pid()}")
    File.mkdir!(dir)
    path = Path.join(dir, "stream")
    {:ok, l} = :gen_tcp.listen(0, [:binary, active: false, ifaddr: {:local, path}])
    {:ok, c} = :gen_tcp.connect({:local, path}, 0, [:binary, active: false])
    {:ok, s} = :gen_tcp.accept(l)
    show("local", {:gen_tcp.send(c, "hi"), :gen_tcp.recv(s, 0), :inet.peername(s), :inet.sockname(c)})
    show("its name", :inet.sockname(l) == {:ok, {:local, path}})
    {:ok, a} = :gen_udp.open(0, [:binary, active: false, ifaddr: {:local, Path.join(dir, "a")}])
    {:ok, b} = :gen_udp.open(0, [:binary, active: true, ifaddr: {:local, Path.join(dir, "b")}])
    show("datagram", :gen_udp.send(a, {:local, Path.join(dir, "b")}, 0, "packet"))
    [{:udp, _, from, number, data}] = messages(100)
    show("from", {from == {:local, Path.join(dir, "a")}, number, data})
    show("abstract", elem(:gen_tcp.listen(0, ifaddr: {:local, <<0, "purlin-#{System.pid()}">>}), 0))
    show("long", :gen_tcp.listen(0, ifaddr: {:local, String.duplicate("x", 200)}))
    Enum.each([l, c, s, a, b], &:inet.close/1)
    File.rm_rf!(dir)
  end

  def options do
    {s, _} = pair()
    names = [:nodelay, :keepalive, :linger, :priority, :tos, :ttl, :packet, :mode, :active, :header, :buffer, :delay_send]
    show("defaults", :inet.getopts(s, names))
    more = [:high_watermark, :low_watermark, :send_timeout, :send_timeout_close, :exit_on_close, :packet_size]
    show("more", :inet.getopts(s, more ++ [:deliver, :show_econnreset, :reuseaddr, :raw] -- [:raw]))
    set = [nodelay: true, keepalive: true, linger: {true, 3}, priority: 5, tos: 16, high_watermark: 100]
    show("set", {:inet.setopts(s, set), :inet.getopts(s, Keyword.keys(set) ++ [:low_watermark])})
    show("raw", {:inet.setopts(s, [{:raw, 6, 1, <<0::32-native>>}]), :inet.getopts(s, [{:raw, 6, 1, 4}, :nodelay])})
    show("wrong", {:inet.setopts(s, nonsense: 1), :inet.setopts(s, packet: 3), :inet.getopts(s, [:nonsense])})
    show("kind", {:prim_inet.gettype(s), :prim_inet.getstatus(s)})
    show("services", {:inet.getservbyname(:https, :tcp), :inet.getservbyport(53, :udp)})
    show("port", {:erlang.port_info(s, :name), :erlang.port_info(s, :queue_size), :erlang.port_info(s, :connected)})
    show("shown names", {:inet.setpeername(s, {{1, 2, 3, 4}, 5}), :inet.peername(s)})
    {:ok, host} = :inet.gethostname()
    show("host", List.to_string(host) == String.trim(File.read!("/etc/hostname")))
    {:ok, lo} = :inet.getifaddrs()
    {_, flags} = Enum.find(lo, fn {name, _} -> name == 'lo' end)
    show("loopback", Enum.take(flags, 3))
    show("delivered by the port", deliver())
  end

  def deliver do
    {s, c} = pair([:binary, active: true, deliver: :port])
    :gen_tcp.send(c, "data")
    got = messages(50)
    :gen_tcp.close(c)
    {s, got, messages(50)}
  end
end

Sockets.packets()
Sockets.activity()
Sockets.receiving()
Sockets.sending()
Sockets.connecting()
Sockets.packets_without_connection()
Sockets.local()
Sockets.options()

# TLS records name the socket, however they are received.
{:ok, l} = :gen_tcp.listen(0, [:binary, ip: {127, 0, 0, 1}, packet: :ssl_tls, active: false])
{:ok, port} = :inet.port(l)

for mode <- [false, true, :once],
    bytes <- [<<22, 3, 1, 0, 2, 1, 2>>, <<0x80, 4, 1, 3, 1, 9>>, <<22, 3, 1, 0, 0>>] do
  {:ok, c} = :gen_tcp.connect({127, 0, 0, 1}, port, [:binary])
  {:ok, s} = :gen_tcp.accept(l)
  :ok = :gen_tcp.send(c, bytes)

  record =
    if mode == false do
      {:ok, record} = :gen_tcp.recv(s, 0, 5000)
      record
    else
      :ok = :inet.setopts(s, active: mode)
      receive do: (record -> record), after: (5000 -> :none)
    end

  {:ssl_tls, ^s, kind, version, data} = record
  IO.inspect({mode, kind, version, data})
  :gen_tcp.close(c)
  :gen_tcp.close(s)
end
