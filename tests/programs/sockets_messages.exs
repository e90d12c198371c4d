# Control data, files and network interfaces by the module `socket`, and the module `net`.
defmodule Messages do
  import Bitwise

  def show(title, value), do: IO.puts("#{title}: #{inspect(value, limit: :infinity, width: 110, custom_options: [sort_maps: true])}")

  def caught(f) do
    f.()
  catch
    kind, reason -> {kind, reason}
  end

  def home(:inet), do: %{family: :inet, addr: :loopback, port: 0}
  def home(:inet6), do: %{family: :inet6, addr: :loopback, port: 0}

  def pair(domain, type) do
    {:ok, a} = :socket.open(domain, type)
    :ok = :socket.bind(a, home(domain))
    {:ok, name} = :socket.sockname(a)
    {:ok, b} = :socket.open(domain, type)
    if type == :stream, do: :ok = :socket.listen(a)
    :ok = :socket.connect(b, name)

    if type == :stream do
      {:ok, s} = :socket.accept(a)
      {s, b}
    else
      {a, b}
    end
  end

  # A message without the sender's port.
  def got({:ok, m}), do: m |> Map.delete(:addr) |> Map.update!(:ctrl, &Enum.sort/1)
  def got(other), do: other

  def control do
    {a, b} = pair(:inet, :dgram)
    asks = for o <- [:recvtos, :recvttl, :pktinfo], do: :socket.setopt(a, {:ip, o}, true)
    show("asked", asks)
    send = fn ctrl -> caught(fn -> :socket.sendmsg(b, %{iov: ["data"], ctrl: ctrl}) end) end
    show("plain", {send.([]), got(:socket.recvmsg(a, 0, 0, [], 2000))})
    show("service", {send.([%{level: :ip, type: :tos, data: 16}]), got(:socket.recvmsg(a, 0, 0, [], 2000))})
    show("by value", {send.([%{level: :ip, type: :tos, value: :reliability}]), got(:socket.recvmsg(a, 0, 0, [], 2000))})
    show("time to live", {send.([%{level: :ip, type: :ttl, value: 9}]), got(:socket.recvmsg(a, 0, 0, [], 2000))})
    show("both", {send.([%{level: :ip, type: :ttl, value: 8}, %{level: :ip, type: :tos, value: 32}]), got(:socket.recvmsg(a, 0, 0, [], 2000))})
    show("small space", {send.([]), got(:socket.recvmsg(a, 0, 24, [], 2000)) |> Map.take([:iov, :flags])})

    bad = [
      [%{}],
      [%{level: :ip}],
      [%{level: :nonsense, type: :tos, data: 0}],
      [%{level: :ip, type: :nonsense, data: 0}],
      [%{level: :ip, type: :tos, value: :nonsense}],
      [%{level: :ip, type: :tos, data: 0, value: 0}],
      [%{level: :ip, type: :pktinfo, value: 0}],
      [%{level: 0, type: 1, data: :binary.copy(<<0>>, 5000)}],
      [:x],
      :x
    ]

    for ctrl <- bad, do: show("no control #{inspect(ctrl, limit: 5)}" |> String.slice(0, 80), send.(ctrl) |> inspect() |> String.slice(0, 100))
    :ok = :socket.setopt(a, {:socket, :timestamp}, true)
    send.([])
    {:ok, %{ctrl: ctrl}} = :socket.recvmsg(a, 0, 0, [], 2000)
    stamp = Enum.find(ctrl, &(&1.type == :timestamp))
    show("time", {stamp.level, byte_size(stamp.data), Map.keys(stamp.value)})
    show("bad", for(m <- [%{iov: [:x]}, %{iov: ["a" | "b"]}, %{}, %{iov: "x"}, %{iov: ["x"], addr: %{family: :x}}, :x], do: caught(fn -> :socket.sendmsg(b, m) end)))
    show("no sizes", for(f <- [fn -> :socket.recvmsg(a, -1, 0) end, fn -> :socket.recvmsg(a, 0, :x) end], do: caught(f)))
    many = List.duplicate("xy", 1500)
    show("too many pieces", :socket.sendmsg(b, %{iov: many}) |> elem(0))
  end

  def six do
    with {:ok, s} <- :socket.open(:inet6, :dgram), :ok <- :socket.bind(s, home(:inet6)) do
      {a, b} = pair(:inet6, :dgram)
      show("asked6", for(o <- [:recvtclass, :recvhoplimit, :recvpktinfo], do: :socket.setopt(a, {:ipv6, o}, true)))
      show("sent6", :socket.sendmsg(b, %{iov: ["data"], ctrl: [%{level: :ipv6, type: :hoplimit, value: 5}, %{level: :ipv6, type: :tclass, value: 3}]}))
      show("got6", got(:socket.recvmsg(a, 0, 0, [], 2000)))
    else
      {:error, reason} -> IO.puts("no inet6: #{reason}")
    end
  end

  def streams do
    {s, c} = pair(:inet, :stream)
    many = for n <- 1..3000, do: <<n::16>>
    show("pieces", {:socket.sendmsg(c, %{iov: many}), :socket.recv(s, 6000) == {:ok, IO.iodata_to_binary(many)}})
    show("stream", {:socket.send(c, "abc"), :socket.recvmsg(s, 2, 0), :socket.recvmsg(s)})
    show("selected", match?({:select, {:select_info, :recvmsg, _}}, :socket.recvmsg(s, 0, 0, [], :nowait)))
    show("urgent", {:socket.send(c, "!", [:oob]), :socket.close(c), :socket.recvmsg(s, 0, 0, [], 2000) |> elem(0)})
  end

  def files do
    path = Path.join(System.tmp_dir!(), "messages-#{System.pid()}")
    File.write!(path, String.duplicate("0123456789", 50))
    {:ok, f} = :file.open(path, [:read, :raw, :binary])
    {s, c} = pair(:inet, :stream)
    show("file", {:socket.sendfile(c, f), :socket.recv(s, 500) |> elem(1) |> byte_size()})
    show("part", {:socket.sendfile(c, f, 3, 10), :socket.recv(s, 10)})
    show("behind", {:socket.sendfile(c, f, 1000, 10), :socket.sendfile(c, f, 495, 10), :socket.recv(s, 5)})
    show("counted", :socket.info(c).counters |> Map.filter(fn {k, _} -> "#{k}" =~ "sendfile" end))
    File.write!(path, :binary.copy("x", 5_000_000))
    reader = Task.async(fn -> read(s, 5_000_000) end)
    show("large", {:socket.sendfile(c, f, 0, 0, 5000), Task.await(reader)})
    show("full", match?({:select, {{:select_info, :sendfile, _}, n}} when n > 0, fill(c, f, 20)))
    show("bad", for(a <- [[c, :x], [c, f, -1, 0], [c, f, :x, 0], [c, f, 0, 1 <<< 70], [:x, f]], do: caught(fn -> apply(:socket, :sendfile, a) end)))
    :file.close(f)
    {_, d} = pair(:inet, :stream)
    show("closed file", :socket.sendfile(d, f))
    :socket.close(d)
    show("closed socket", caught(fn -> :socket.sendfile(d, f) end))
    File.rm!(path)
  end

  def fill(c, f, tries) do
    case :socket.sendfile(c, f, 0, 0, :nowait) do
      {:ok, _} when tries > 0 -> fill(c, f, tries - 1)
      other -> other
    end
  end

  def read(_, 0), do: :read

  def read(s, n) do
    {:ok, data} = :socket.recv(s, min(n, 100_000))
    read(s, n - byte_size(data))
  end

  def interfaces do
    {:ok, s} = :socket.open(:inet, :dgram)
    lo = ~c"lo"
    {:ok, n} = :socket.ioctl(s, :gifindex, lo)
    show("names", {:socket.ioctl(s, :gifname, n), :socket.ioctl(s, :gifname, 9999)})
    {:ok, all} = :socket.ioctl(s, :gifconf)
    show("lo", Enum.find(all, &(&1.name == lo)))
    show("requests", for(r <- [:gifaddr, :gifbrdaddr, :gifnetmask, :gifmtu, :gifmap, :giftxqlen], do: {r, :socket.ioctl(s, r, lo)}))
    # The BEAM leaves bytes behind the address as they happen to be.
    {:ok, hardware} = :socket.ioctl(s, :gifhwaddr, lo)
    show("hardware", {hardware.family, binary_part(hardware.addr, 0, 6)})
    {:ok, flags} = :socket.ioctl(s, :gifflags, lo)
    show("flags", Enum.sort(flags))
    show("nowhere", for(r <- [:gifaddr, :gifindex, :gifflags], do: :socket.ioctl(s, r, ~c"nowhere")))
    show("bad", for(a <- [[s, :nonsense], [s, :gifaddr], [s, :gifconf, lo], [s, :gifaddr, :x], [s, :gifname, lo], [s, 12345, lo], [s, -1, lo]], do: caught(fn -> apply(:socket, :ioctl, a) end)))
    show("bad to set", for(a <- [[s, :sifmtu, lo, :x], [s, :sifaddr, lo, :x], [s, :sifflags, ~c"nowhere", %{up: true}], [s, :gifaddr, lo, 1]], do: caught(fn -> apply(:socket, :ioctl, a) end)))
    :socket.close(s)
    show("closed", :socket.ioctl(s, :gifconf))
  end

  def net do
    {:ok, host} = :net.gethostname()
    show("host", List.to_string(host) == String.trim(File.read!("/etc/hostname")))
    sorted = fn {:ok, l} -> l |> Enum.sort() |> Enum.dedup(); other -> other end
    show("localhost", sorted.(:net.getaddrinfo(~c"127.0.0.1")))
    show("service", sorted.(:net.getaddrinfo(~c"127.0.0.1", ~c"http")))
    show("six", sorted.(:net.getaddrinfo(~c"::1", ~c"53")))
    show("no host", for(h <- [~c"no such host.invalid", ~c"1.2.3.4.5.6"], do: :net.getaddrinfo(h) |> elem(0)))
    show("no service", :net.getaddrinfo(~c"127.0.0.1", ~c"nonsense"))
    show("bad", for(a <- [[:x], [:undefined, :undefined], [[:x]], [~c"127.0.0.1", :x]], do: caught(fn -> apply(:net, :getaddrinfo, a) end)))
    a = %{family: :inet, addr: {127, 0, 0, 1}, port: 80}
    show("names", for(f <- [[:numerichost, :numericserv], [:numerichost], [:numerichost, :dgram]], do: :net.getnameinfo(a, f)))
    show("no names", for({a, f} <- [{a, [:nonsense]}, {%{a | addr: :x}, []}, {:x, []}, {%{a | addr: {1, 2, 3}}, []}], do: caught(fn -> :net.getnameinfo(a, f) end)))
    {:ok, names} = :net.if_names()
    {n, _} = Enum.find(names, &(elem(&1, 1) == ~c"lo"))
    show("interfaces", {:net.if_name2index(~c"lo") == {:ok, n}, :net.if_index2name(n)})
    show("no interface", {:net.if_name2index(~c"nowhere"), :net.if_index2name(99999), :net.if_name2index(~c"a name that is much too long"), caught(fn -> :net.if_index2name(-1) end)})
    {:ok, all} = :net.getifaddrs()
    show("addresses", all |> Enum.filter(&(&1.name == ~c"lo")) |> Enum.sort())
    {:ok, all} = :net.getifaddrs(%{family: :inet, flags: [:loopback]})
    show("filtered", all)
    show("packets", elem(:net.getifaddrs(:packet), 0))
    show("windows", for(f <- [:get_adapters_addresses, :get_interface_info], do: caught(fn -> apply(:prim_net, f, [%{}]) end)))
    show("information", {:prim_net.info(), :prim_net.command({:debug, :x}), :prim_net.command(:x)})
  end
end

for f <- [:control, :six, :streams, :files, :interfaces, :net], do: apply(Messages, f, [])
