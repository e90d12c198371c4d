# gen_tcp, gen_udp and inet over the module `socket` ({inet_backend, socket}).
defmodule Backend do
  def show(title, value), do: IO.puts("#{title}: #{inspect(mask(value), limit: :infinity, width: 110, custom_options: [sort_maps: true])}")

  def mask({:"$inet", module, _}), do: module
  def mask(t) when is_port(t) or is_pid(t) or is_reference(t), do: :x
  def mask(m) when is_map(m), do: Map.new(m, fn {k, v} -> {k, mask(v)} end)
  def mask(t) when is_tuple(t), do: t |> Tuple.to_list() |> Enum.map(&mask/1) |> List.to_tuple()
  def mask([h | t]), do: [mask(h) | mask(t)]
  def mask(t), do: t

  @backend {:inet_backend, :socket}
  @home {127, 0, 0, 1}

  def pair(server \\ [:binary, active: false], client \\ [:binary, active: false]) do
    {:ok, l} = :gen_tcp.listen(0, [@backend, {:ip, @home} | server])
    {:ok, port} = :inet.port(l)
    {:ok, c} = :gen_tcp.connect(@home, port, [@backend | client])
    {:ok, s} = :gen_tcp.accept(l)
    :gen_tcp.close(l)
    {s, c}
  end

  # The messages up to the one that says that the socket is closed.
  def messages(acc \\ []) do
    receive do
      {:tcp_closed, _} = m -> Enum.reverse([m | acc])
      m -> messages([m | acc])
    after
      5000 -> Enum.reverse([:none | acc])
    end
  end

  def message do
    receive do: (m -> m), after: (5000 -> :none)
  end

  def packets do
    for {mode, bytes} <- [
          {:raw, "abc"},
          {1, <<2, "ab", 3, "cde">>},
          {2, <<0, 2, "ab", 0, 0, 0, 1>>},
          {4, <<2::32, "ab", 0::32, 1::32>>},
          {:line, "one\ntwo\r\n\nrest"},
          {:cdr, <<"GIOP", 1, 0, 0, 0, 3::32, "abc">>},
          {:tpkt, <<3, 0, 7::16, "abc">>},
          {:asn1, <<48, 3, 1, 2, 3, 48, 0x81, 2, 9, 9>>},
          {:sunrm, <<1::1, 3::31, "xyz", 0::1, 1::31, "q">>},
          {:fcgi, <<1, 1, 0, 1, 0, 4, 1, 0, "data">>},
          {:http, "GET /a?b=c HTTP/1.1\r\nHost: x\r\nX-Long: 1\r\n 2\r\n\r\n"},
          {:http_bin, "HTTP/1.1 404 Not Found\r\nServer: y\r\n\r\n"}
        ] do
      {s, c} = pair([:binary, active: true, packet: mode])
      :gen_tcp.send(c, bytes)
      :gen_tcp.close(c)
      show("packet #{inspect(mode)}", messages())
      :gen_tcp.close(s)
    end

    {s, c} = pair([:binary, active: false, packet: 2], [:binary, active: false, packet: 2])
    show("framed", {:gen_tcp.send(c, ["x", "yz"]), :gen_tcp.send(c, ""), :gen_tcp.recv(s, 0), :gen_tcp.recv(s, 0)})
  end

  def activity do
    {s, c} = pair([active: false], [:binary, active: false, packet: 1])
    :gen_tcp.send(c, "one")
    :gen_tcp.send(c, "two")
    show("once", {:inet.setopts(s, packet: 1, active: :once), message(), :inet.getopts(s, [:active])})
    show("two", {:inet.setopts(s, active: 2), message(), :gen_tcp.send(c, "three"), message(), message()})
    show("none left", :inet.getopts(s, [:active, :packet, :mode]))
    show("recv", {:inet.setopts(s, mode: :binary), :gen_tcp.send(c, "four"), :gen_tcp.recv(s, 0, 2000)})
    show("active recv", {:inet.setopts(s, active: true), :gen_tcp.recv(s, 0)})
    :gen_tcp.close(c)
    show("closed", messages())
    show("afterwards", {:gen_tcp.recv(s, 0), :gen_tcp.close(s)})
  end

  def receiving do
    {s, c} = pair()
    show("timeout", {:gen_tcp.recv(s, 0, 0), :gen_tcp.recv(s, 5, 20)})
    show("enough", {:gen_tcp.send(c, "abcdefgh"), :gen_tcp.recv(s, 5), :gen_tcp.recv(s, 3)})
    show("shutdown", {:gen_tcp.shutdown(c, :write), :gen_tcp.recv(s, 0), :gen_tcp.send(s, "late"), :gen_tcp.recv(c, 4)})
    show("closed", {:gen_tcp.close(s), :gen_tcp.recv(c, 0), :gen_tcp.send(s, "x"), :inet.peername(s)})
    me = self()
    {s, c} = pair([:binary, active: true])
    heir = spawn(fn -> send(me, {:heir, message()}) end)
    show("given", {:gen_tcp.controlling_process(s, heir), :gen_tcp.send(c, "to the heir"), message()})
    show("with it", :gen_tcp.recv(c, 0, 2000))
    {s, c} = pair()
    {pid, m} = spawn_monitor(fn -> receive do: (:go -> :ok) end)
    :gen_tcp.controlling_process(s, pid)
    send(pid, :go)
    receive do: ({:DOWN, ^m, _, _, _} -> :ok)
    show("a dead owner", {:gen_tcp.recv(c, 0, 2000), :gen_tcp.recv(s, 0)})
  end

  def sending do
    {s, c} = pair([:binary, active: false, recbuf: 4096], [:binary, active: false, sndbuf: 4096, send_timeout: 100])
    big = :binary.copy("x", 8_000_000)
    show("timeout", :gen_tcp.send(c, big))
    :gen_tcp.close(s)
    {s, c} = pair()
    me = self()
    spawn(fn -> send(me, {:sent, :gen_tcp.send(c, big)}) end)
    show("all", {read(s, 8_000_000), message()})
    :gen_tcp.close(s)
  end

  def read(_, n) when n <= 0, do: n

  def read(s, n) do
    {:ok, data} = :gen_tcp.recv(s, 0)
    read(s, n - byte_size(data))
  end

  def connecting do
    {:ok, l} = :gen_tcp.listen(0, [@backend, active: false, ip: @home])
    {:ok, port} = :inet.port(l)
    show("accept timeout", {:gen_tcp.accept(l, 0), :gen_tcp.accept(l, 20)})
    me = self()
    for _ <- 1..3, do: spawn(fn -> send(me, {:accepted, :gen_tcp.accept(l, 5000)}) && receive(do: (:never -> :ok)) end)
    clients = for _ <- 1..3, do: :gen_tcp.connect(@home, port, [@backend])
    show("accepted", for(_ <- clients, do: message()))
    waits = spawn(fn -> send(me, {:last, :gen_tcp.accept(l)}) end)
    show("closed", {is_pid(waits), :gen_tcp.close(l), message()})
    show("refused", :gen_tcp.connect(@home, port, [@backend]))
    show("in use", in_use())
    show("no address", :gen_tcp.listen(0, [@backend, ip: {192, 168, 255, 254}]))
  end

  def in_use do
    {:ok, l} = :gen_tcp.listen(0, [@backend, ip: @home])
    {:ok, port} = :inet.port(l)
    :gen_tcp.listen(port, [@backend, ip: @home])
  end

  def options do
    {s, c} = pair()
    names = [:nodelay, :keepalive, :linger, :priority, :tos, :packet, :mode, :active, :header, :reuseaddr, :send_timeout]
    show("defaults", :inet.getopts(s, names))
    set = [nodelay: true, keepalive: true, linger: {true, 3}, priority: 5, tos: 16]
    show("set", {:inet.setopts(s, set), :inet.getopts(s, Keyword.keys(set))})
    show("raw", {:inet.setopts(s, [{:raw, 6, 1, <<0::32-native>>}]), :inet.getopts(s, [{:raw, 6, 1, 4}, :nodelay])})
    show("wrong", {:inet.setopts(s, nonsense: 1), :inet.getopts(s, [:nonsense])})
    :gen_tcp.send(c, "12345")
    :gen_tcp.recv(s, 5)
    show("statistics", {:inet.getstat(s), :inet.getstat(c, [:send_oct, :send_cnt])})
    show("names", {elem(:inet.sockname(s), 0), :inet.peername(s) == :inet.sockname(c)})
    show("information", :inet.info(s) |> Map.keys() |> Enum.sort())
    show("sockets", Enum.map([s, c], &is_tuple/1))
    m = :inet.monitor(s)
    :gen_tcp.close(s)
    show("monitor", receive(do: ({:DOWN, ^m, kind, _, reason} -> {kind, reason})))
  end

  def udp do
    {:ok, a} = :gen_udp.open(0, [@backend, :binary, active: false, ip: @home])
    {:ok, b} = :gen_udp.open(0, [@backend, active: true, ip: @home])
    {:ok, pa} = :inet.port(a)
    {:ok, pb} = :inet.port(b)
    port = fn
      {:ok, {ip, p, d}} -> {:ok, ip, p == pb, d}
      {:udp, _, ip, p, d} -> {:udp, ip, p == pa, d}
      other -> other
    end

    show("udp", {:gen_udp.send(a, @home, pb, "to b"), port.(message())})
    show("back", {:gen_udp.send(b, @home, pa, ["to", ?\s, "a"]), port.(:gen_udp.recv(a, 0, 2000)), :gen_udp.recv(a, 0, 10)})
    show("empty", {:gen_udp.send(b, @home, pa, ""), port.(:gen_udp.recv(a, 0, 2000))})
    show("too long", :gen_udp.send(a, @home, pb, :binary.copy("x", 70_000)))
    show("connected", {:gen_udp.connect(a, @home, pb), :gen_udp.send(a, "direct"), port.(message())})
    show("one", {:inet.setopts(b, active: 1), :gen_udp.send(a, "1"), port.(message()), message()})
    show("options", :inet.getopts(b, [:active, :mode, :broadcast, :reuseaddr]))
    show("closed", {:gen_udp.close(b), :gen_udp.close(a), :gen_udp.recv(a, 0)})
  end

  def local do
    path = Path.join(System.tmp_dir!(), "backend-#{System.pid()}")
    {:ok, l} = :gen_tcp.listen(0, [@backend, :binary, active: false, ifaddr: {:local, path}])
    {:ok, c} = :gen_tcp.connect({:local, path}, 0, [@backend, :binary, active: false])
    {:ok, s} = :gen_tcp.accept(l)
    show("local", {:gen_tcp.send(c, "hi"), :gen_tcp.recv(s, 0), :inet.sockname(l) == {:ok, {:local, path}}})
    File.rm!(path)
  end
end

for f <- [:packets, :activity, :receiving, :sending, :connecting, :options, :udp, :local] do
  apply(Backend, f, [])
end
