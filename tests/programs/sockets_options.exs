# Every option of `socket` on sockets of all kinds: what it is at first, what can be set, what is refused.
defmodule Options do
  import Bitwise

  def show(title, value), do: IO.puts("#{title}: #{inspect(value, limit: :infinity, width: 110, custom_options: [sort_maps: true])}")

  def caught(f) do
    f.()
  catch
    kind, reason -> {kind, reason}
  end

  # What depends on the machine: sizes of buffers are compared by their kind, others are as on the BEAM.
  @machine [:rcvbuf, :sndbuf, :congestion, :maxseg, :mtu]

  def tame({_, name}, {:ok, n}) when name in @machine and is_integer(n), do: :integer
  def tame({_, name}, {:ok, n}) when name in @machine and is_list(n), do: :text
  def tame(_, {:ok, n}), do: n
  def tame(_, {:error, {:invalid, {:socket_option, _}}}), do: :no_option
  def tame(_, {:error, {:invalid, {:socket_option, _, _}}}), do: :no_value
  def tame(_, other), do: other

  # Options of groups and filters need a network; SCTP is not there.
  @other [:add_membership, :drop_membership, :add_source_membership, :drop_source_membership] ++
           [:block_source, :unblock_source, :msfilter, :addrform, :bindtodevice]

  def all do
    for {{level, _} = option, _} <- :socket.supports(:options), level in [:socket, :ip, :ipv6, :tcp, :udp], do: option
  end

  def run(domain, type) do
    options = Enum.sort(all())
    title = "#{domain} #{type}"
    {:ok, s} = :socket.open(domain, type)
    show("#{title} at first", for(o <- options, do: {o, tame(o, :socket.getopt(s, o))}))
    values = [true, false, 0, 1, 16, 255, 1 <<< 40, -1, :want, :lowdelay, :default, %{onoff: true, linger: 2}, "x", ~c"x"]

    for {_, name} = o <- options, name not in @other, :socket.is_supported(:options, o) do
      {:ok, s} = :socket.open(domain, type)

      results =
        for v <- values do
          case :socket.setopt(s, o, v) do
            :ok -> {v, tame(o, :socket.getopt(s, o))}
            other -> tame(o, other)
          end
        end

      :socket.close(s)
      show("#{title} #{inspect(o)}", results)
    end

    :socket.close(s)
  end

  def otp do
    {:ok, s} = :socket.open(:inet, :stream)
    names = [:debug, :iow, :rcvbuf, :rcvctrlbuf, :sndctrlbuf, :meta, :use_registry, :domain, :nonsense]
    show("otp", for(n <- names, do: {n, :socket.getopt(s, {:otp, n})}))
    values = [true, false, 0, 1, 100, :default, {3, 50}, {0, 5}, {2, :default}, {1, 2, 3}, "x"]

    # With `debug` the BEAM writes about what it does.
    for n <- names -- [:debug] do
      results = for v <- values, do: {caught(fn -> :socket.setopt(s, {:otp, n}, v) end), caught(fn -> :socket.getopt(s, {:otp, n}) end)}
      show("otp #{n}", results)
    end

    show("fd", match?({:ok, n} when is_integer(n), :socket.getopt(s, {:otp, :fd})))
    show("meta of another", Task.await(Task.async(fn -> :socket.setopt(s, {:otp, :meta}, 1) end)))
    :socket.close(s)
    show("closed", for(n <- names, do: {:socket.getopt(s, {:otp, n}), caught(fn -> :socket.setopt(s, {:otp, n}, true) end)}))
  end

  def native do
    {:ok, s} = :socket.open(:inet, :stream)
    show("native", for(spec <- [:integer, :boolean, 4, 2, 8, <<1, 2, 3, 4>>, "", :x, 1.5], do: caught(fn -> :socket.getopt_native(s, {:tcp, 1}, spec) end)))
    show("set", for(v <- [true, 0, <<1::32-native>>, <<1>>, :x, 1.5, 1 <<< 40], do: caught(fn -> {:socket.setopt_native(s, {6, 1}, v), :socket.getopt_native(s, {6, 1}, :integer)} end)))
    show("places", for(o <- [{:socket, 2}, {:socket, :reuseaddr}, {1, 2}, {:nonsense, 1}, {:otp, 1001}, {1 <<< 40, 1}, {1, 1 <<< 40}, :x], do: caught(fn -> :socket.getopt_native(s, o, :integer) end)))
    show("bad", for(o <- [{:socket, :nonsense}, {:nonsense, :x}, {:socket, 2}, {1, 2}, :x, {:otp, 1001}], do: caught(fn -> :socket.getopt(s, o) end)))
    show("bad to set", for(o <- [{:socket, :nonsense}, {:socket, :type}, {:socket, 2}, :x, {:otp, :fd}], do: caught(fn -> :socket.setopt(s, o, 1) end)))
    show("aliases", for(l <- [:IP, :TCP], o <- [:ttl, :nodelay], do: :socket.getopt(s, {l, o})))
  end

  def values do
    {:ok, u} = :socket.open(:inet, :dgram)
    group = %{multiaddr: {224, 0, 0, 251}, interface: :loopback}
    show("group", for(o <- [:add_membership, :add_membership, :drop_membership, :drop_membership], do: :socket.setopt(u, {:ip, o}, group)))
    source = Map.put(group, :sourceaddr, {127, 0, 0, 1})
    show("source", for(o <- [:add_source_membership, :block_source, :unblock_source, :drop_source_membership], do: :socket.setopt(u, {:ip, o}, source)))
    show("no group", for(g <- [%{}, %{group | interface: :nowhere}, Map.delete(group, :interface), {1, 2, 3, 4}], do: :socket.setopt(u, {:ip, :add_membership}, g)))
    :ok = :socket.setopt(u, {:ip, :add_membership}, group)
    filter = Map.merge(group, %{mode: :include, slist: [{127, 0, 0, 1}, {127, 0, 0, 2}]})
    show("filter", for(f <- [filter, %{filter | mode: :exclude}, %{filter | mode: :x}, %{filter | slist: [:x]}, :null], do: :socket.setopt(u, {:ip, :msfilter}, f)))
    show("interface", for(a <- [:loopback, :any, {127, 0, 0, 1}, :x, {1, 2}], do: {:socket.setopt(u, {:ip, :multicast_if}, a), :socket.getopt(u, {:ip, :multicast_if})}))
    show("service", for(v <- [:lowdelay, :throughput, :reliability, :mincost, 0, 32, 3, :x], do: {:socket.setopt(u, {:ip, :tos}, v), :socket.getopt(u, {:ip, :tos})}))
    show("discovery", for(v <- [:want, :dont, :do, :probe, 2, 9, :x], do: {:socket.setopt(u, {:ip, :mtu_discover}, v), :socket.getopt(u, {:ip, :mtu_discover})}))
    {:ok, s} = :socket.open(:inet, :stream)
    linger = for(v <- [%{onoff: true, linger: 5}, :abort, %{onoff: false, linger: 0}, %{onoff: true, linger: -1}, %{onoff: 1, linger: 1}, %{}, 5], do: {:socket.setopt(s, {:socket, :linger}, v), :socket.getopt(s, {:socket, :linger})})
    show("linger", linger)
    show("apart", {:socket.setopt(s, {:socket, :priority}, 4), :socket.setopt(s, {:ip, :tos}, 16), :socket.setopt(s, {:socket, :keepalive}, true), :socket.getopt(s, {:socket, :priority}), :socket.getopt(s, {:ip, :tos})})
    show("device", for(d <- [~c"lo", ~c"", ~c"a device with a long name", :x, ~c"nowhere0"], do: {:socket.setopt(u, {:socket, :bindtodevice}, d), :socket.getopt(u, {:socket, :bindtodevice})}))
    show("congestion", for(c <- [~c"reno", ~c"nonsense", :x], do: :socket.setopt(s, {:tcp, :congestion}, c)))
    show("reno", (:socket.setopt(s, {:tcp, :congestion}, ~c"reno"); :socket.getopt(s, {:tcp, :congestion})))
    six()
  end

  def six do
    case :socket.open(:inet6, :dgram) do
      {:ok, s} ->
        group = %{multiaddr: {0xFF02, 0, 0, 0, 0, 0, 0, 0xFB}, interface: 1}
        show("group6", for(g <- [group, %{group | interface: -1}, %{group | multiaddr: {1, 2, 3, 4}}], do: :socket.setopt(s, {:ipv6, :add_membership}, g)))
        show("hops", for(h <- [:default, 0, 255, 256, -1, :x], do: {:socket.setopt(s, {:ipv6, :unicast_hops}, h), :socket.getopt(s, {:ipv6, :unicast_hops})}))
        show("form", for(f <- [:inet, :nonsense], do: :socket.setopt(s, {:ipv6, :addrform}, f)))

      {:error, reason} ->
        show("no inet6", reason)
    end
  end
end

for {domain, type} <- [{:inet, :stream}, {:inet, :dgram}, {:inet6, :stream}, {:inet6, :dgram}, {:local, :stream}, {:local, :dgram}],
    match?({:ok, _}, :socket.open(domain, type)) do
  Options.run(domain, type)
end

Options.otp()
Options.native()
Options.values()
names = fn list -> for {name, true} <- list, do: name end
for key <- [:ioctl_requests, :ioctl_flags, :msg_flags, :protocols], do: Options.show("#{key}", Enum.sort(names.(:socket.supports(key))))
Options.show("known", for(o <- Enum.sort(Options.all()), do: {o, :socket.is_supported(:options, o)}))
Options.show("features", for(f <- [:ipv6, :local, :netns, :sendfile, :nonsense], do: :socket.is_supported(f)))
