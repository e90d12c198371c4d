# The module `socket`: streams and packets of all domains, waiting, cancelling, closing while others wait.
defmodule Raw do
  import Bitwise

  def show(title, value), do: IO.puts("#{title}: #{inspect(mask(value), limit: :infinity, width: 110, custom_options: [sort_maps: true])}")

  def mask(t) when is_port(t) or is_pid(t) or is_reference(t), do: :x
  def mask(%{port: p} = m) when p != 0, do: mask(%{m | port: 0})
  def mask(%{path: p} = m) when is_binary(p) and p != "", do: mask(Map.put(Map.delete(m, :path), :named, true))
  def mask(m) when is_map(m), do: Map.new(m, fn {k, v} -> {k, mask(v)} end)
  def mask(t) when is_tuple(t), do: t |> Tuple.to_list() |> Enum.map(&mask/1) |> List.to_tuple()
  def mask([h | t]), do: [mask(h) | mask(t)]
  def mask(t), do: t

  def loopback(:inet), do: %{family: :inet, addr: :loopback, port: 0}
  def loopback(:inet6), do: %{family: :inet6, addr: :loopback, port: 0}

  def loopback(:local) do
    n = :erlang.unique_integer([:positive])
    %{family: :local, path: Path.join(System.tmp_dir!(), "raw-#{System.pid()}-#{n}")}
  end

  def listener(domain) do
    {:ok, l} = :socket.open(domain, :stream)
    :ok = :socket.bind(l, loopback(domain))
    :ok = :socket.listen(l)
    {:ok, a} = :socket.sockname(l)
    {l, a}
  end

  def pair(domain \\ :inet) do
    {l, a} = listener(domain)
    {:ok, c} = :socket.open(domain, :stream)
    :ok = :socket.connect(c, a)
    {:ok, s} = :socket.accept(l)
    :ok = :socket.close(l)
    if domain == :local, do: File.rm!(a.path)
    {s, c}
  end

  # Until a socket's information says so.
  def until(s, key, n) do
    unless Map.get(:socket.info(s), key) == n do
      Process.sleep(1)
      until(s, key, n)
    end
  end

  def task(f) do
    me = self()
    spawn(fn -> send(me, {self(), f.()}) end)
  end

  def result(pid) do
    receive do: ({^pid, r} -> r), after: (5000 -> :none)
  end

  def message do
    receive do: (m -> m), after: (2000 -> :none)
  end

  def streams(domain) do
    {s, c} = pair(domain)
    show("#{domain}", {:socket.send(c, "hello"), :socket.recv(s, 5), :socket.send(s, ["a", [?b], "c"]), :socket.recv(c)})
    show("names", {:socket.peername(c), :socket.sockname(c) |> elem(0)})
    :socket.send(c, "123456")
    show("parts", {:socket.recv(s, 2), :socket.recv(s, 2, [:peek]), :socket.recv(s, 4)})
    show("timeout", {:socket.recv(s, 1, 10), :socket.recv(s, 0, 0), :socket.recv(s, 0, [], 10)})
    reader = task(fn -> {:socket.recv(s, 6), :socket.recv(s, 3, 2000)} end)
    until(s, :num_readers, 1)
    :socket.send(c, "abc")
    :socket.send(c, "defghi")
    show("waited", result(reader))
    show("partly", {:socket.send(c, "xy"), :socket.recv(s, 5, 20)})
    show("half", {:socket.shutdown(c, :write), :socket.recv(s), :socket.send(s, "late"), :socket.recv(c, 4)})
    show("closed", {:socket.close(s), :socket.recv(c), :socket.close(c), :socket.close(c), :socket.recv(c)})
    show("closed names", {:socket.sockname(c), :socket.peername(c), :socket.send(c, "x"), :socket.shutdown(c, :read)})
  end

  def nowait do
    {s, c} = pair()
    {:select, {:select_info, tag, ref}} = :socket.recv(s, 0, :nowait)
    show("select", tag)
    :socket.send(c, "data")
    {:"$socket", ^s, :select, ^ref} = message()
    show("then", :socket.recv(s, 0, :nowait))
    {:select, {{:select_info, _, ref}, data}} = with(_ <- :socket.send(c, "da"), do: :socket.recv(s, 4, :nowait))
    :socket.send(c, "ta")
    {:"$socket", ^s, :select, ^ref} = message()
    show("rest", {data, :socket.recv(s, 2, :nowait)})
    {:select, info} = :socket.recv(s, 1, :nowait)
    show("cancel", {:socket.cancel(s, info), :socket.cancel(s, info), message_now()})
    show("sent back", {:socket.send(c, "z"), :socket.recv(s, 1, :nowait)})
    my = make_ref()
    {:select, {:select_info, _, ^my}} = :socket.recv(s, 0, my)
    :socket.close(s)
    show("closed", message() == {:"$socket", s, :abort, {my, :closed}})
    {l, a} = listener(:inet)
    {:select, info} = :socket.accept(l, :nowait)
    show("accepting", {:socket.info(l).num_acceptors, :socket.info(l).rstates, :socket.cancel(l, info)})
    show("not any more", {:socket.info(l).num_acceptors, :socket.info(l).rstates})
    {:ok, n} = :socket.open(:inet, :stream)
    answer = :socket.connect(n, a, :nowait)
    show("connect", answer == :ok or match?({:select, {:select_info, :connect, _}}, answer))
    fill(c, 0)
  end

  def message_now do
    receive do: (m -> m), after: (0 -> :none)
  end

  # Writing until nothing goes any more.
  def fill(_, _) do
    {s, c} = pair()
    big = :binary.copy("x", 1_000_000)
    {n, ref, rest} = fill_up(c, big, 0)
    show("full", n > 1_000_000)
    other = task(fn -> :socket.send(c, "other") end)
    until(c, :num_writers, 2)
    {:select, {:select_info, _, again}} = :socket.send(c, "x", [], :nowait)
    show("in turn", {:socket.info(c).wstates, :socket.info(c).num_writers, again == ref})
    drain(s, n)
    show("goes on", receive(do: ({:"$socket", ^c, :select, ^again} -> true), after: (2000 -> false)))
    show("sent", :socket.send(c, rest))
    show("the other", {result(other), drain(s, byte_size(rest)), :socket.recv(s, 5)})
  end

  def fill_up(c, big, n) do
    case :socket.send(c, big, [], :nowait) do
      :ok -> fill_up(c, big, n + byte_size(big))
      {:select, {{:select_info, _, ref}, rest}} -> {n + byte_size(big) - byte_size(rest), ref, rest}
      {:select, {:select_info, _, ref}} -> {n, ref, ""}
    end
  end

  def drain(_, 0), do: :drained

  def drain(s, n) do
    {:ok, data} = :socket.recv(s, min(n, 100_000))
    drain(s, n - byte_size(data))
  end

  def catch_error(f) do
    {:ok, f.()}
  catch
    kind, reason -> {kind, reason}
  end

  def packets(domain) do
    [{a, to_a}, {b, to_b}] =
      for _ <- 1..2 do
        {:ok, s} = :socket.open(domain, :dgram)
        :ok = :socket.bind(s, loopback(domain))
        {:ok, name} = :socket.sockname(s)
        {s, name}
      end

    show("#{domain} packet", {:socket.sendto(a, "to b", to_b), :socket.recvfrom(b) |> from(to_a)})
    show("empty", {:socket.sendto(b, "", to_a), :socket.recvfrom(a) |> from(to_b)})
    show("too long", :socket.sendto(a, :binary.copy("x", 300_000), to_b))
    show("connected", {:socket.connect(a, to_b), :socket.send(a, "direct"), :socket.recv(b, 3)})
    show("nobody", {:socket.send(b, "x"), :socket.recvfrom(b, 0, 10)})
    reader = task(fn -> :socket.recvfrom(b) |> from(to_a) end)
    until(b, :num_readers, 1)
    show("waited", {:socket.send(a, "late"), result(reader)})
    show("message", {:socket.sendmsg(a, %{iov: ["one", "two"]}), :socket.recvmsg(b) |> from_message(to_a)})
    show("cut", {:socket.send(a, "123456"), :socket.recvmsg(b, 3, 0) |> from_message(to_a)})
    for %{path: path} <- [to_a, to_b], do: File.rm!(path)
  end

  def from({:ok, {address, data}}, expected), do: {address == expected, data}
  def from(other, _), do: other
  def from_message({:ok, %{addr: a} = m}, expected), do: %{m | addr: a == expected}
  def from_message(other, _), do: other

  def turns do
    {s, c} = pair()
    readers = for n <- 1..3, do: with(t <- task(fn -> :socket.recv(s, 2) end), do: until(s, :num_readers, n) || t)
    :socket.send(c, "aabbcc")
    show("in turn", Enum.map(readers, &result/1))
    waiting = for n <- 1..3, do: with(t <- task(fn -> :socket.recv(s, 2) end), do: until(s, :num_readers, n) || t)
    [first, second, third] = waiting
    Process.exit(first, :kill)
    until(s, :num_readers, 2)
    :socket.send(c, "dd")
    show("the next", {result(second), :socket.close(s), result(third)})
    {l, a} = listener(:inet)
    acceptors = for n <- 1..3, do: with(t <- task(fn -> accept(l) end), do: until(l, :num_acceptors, n) || t)
    show("state", {:socket.recv(l), :socket.info(l).num_acceptors})
    for _ <- 1..2, do: with({:ok, c} <- :socket.open(:inet, :stream), do: :ok = :socket.connect(c, a))
    {done, left} = Enum.split(acceptors, 2)
    show("accepted", Enum.map(done, &result/1))
    until(l, :num_acceptors, 1)
    show("closed", {:socket.close(l), Enum.map(left, &result/1)})
  end

  def accept(l) do
    with {:ok, s} <- :socket.accept(l), do: :socket.info(s).domain
  end

  def owners do
    me = self()
    {l, a} = listener(:inet)

    owner =
      spawn(fn ->
        {:ok, s} = :socket.accept(l)
        send(me, {:accepted, s})
        receive do: (:end -> :ok)
      end)

    {:ok, c} = :socket.open(:inet, :stream)
    :ok = :socket.connect(c, a)
    s = receive(do: ({:accepted, s} -> s))
    show("owner", {:socket.getopt(s, {:otp, :controlling_process}) == {:ok, owner}, :socket.setopt(s, {:otp, :controlling_process}, me)})
    reader = task(fn -> :socket.recv(s) end)
    until(s, :num_readers, 1)
    send(owner, :end)
    show("ended", {result(reader), :socket.recv(c), :socket.recv(s)})
    {s, _} = pair()
    heir = spawn(fn -> receive do: (:end -> :ok) end)
    show("given", {:socket.setopt(s, {:otp, :controlling_process}, heir), :socket.setopt(s, {:otp, :controlling_process}, me)})
    reader = task(fn -> :socket.recv(s) end)
    until(s, :num_readers, 1)
    send(heir, :end)
    show("ended", {result(reader), :socket.info(s).rstates})
    {s, _} = pair()
    {dead, m} = spawn_monitor(fn -> :ok end)
    receive do: ({:DOWN, ^m, _, _, _} -> :ok)
    show("to a dead one", {:socket.setopt(s, {:otp, :controlling_process}, dead), :socket.recv(s)})
  end

  def errors do
    {:ok, s} = :socket.open(:inet, :stream)
    show("not connected", {:socket.send(s, "x"), :socket.recv(s), :socket.peername(s), :socket.shutdown(s, :write)})
    show("addresses", for(a <- [%{family: :inet, addr: {1, 2, 3}, port: 0}, %{family: :local, path: "/nowhere/x"}], do: :socket.bind(s, a)))
    show("in use", with({_, a} <- listener(:inet), do: :socket.bind(s, a)))
    show("families", for(f <- [:inet7, :raw, "x", 99, 12345], do: catch_error(fn -> :socket.open(f, :stream) end)))
    show("types", for(t <- [:streams, 77, 1.0], do: catch_error(fn -> :socket.open(:inet, t) end)))
    show("protocols", for(p <- [:nonsense, 9999, 1 <<< 40, "x"], do: catch_error(fn -> :socket.open(:inet, :stream, p) end)))
    show("no socket", for(x <- [make_ref(), :x, {:"$socket", make_ref()}], do: catch_error(fn -> :socket.recv(x) end)))
    bad = [{:recv, [s, -1]}, {:recv, [s, :x]}, {:recv, [s, 0, [:nonsense], 0]}, {:recv, [s, 1 <<< 70]}, {:listen, [s, :x]}, {:listen, [s, 1 <<< 40]}, {:send, [s, :x]}, {:send, [s, "x", [1 <<< 40], 0]}, {:shutdown, [s, :x]}, {:close, [:x]}, {:connect, [s, %{}]}, {:connect, [s]}, {:sendto, [s, "x", %{family: :inet, port: :x}]}, {:cancel, [s, {:select_info, :recv, make_ref()}]}, {:cancel, [s, :x]}]
    for {f, a} <- bad, do: show("#{f}", catch_error(fn -> apply(:socket, f, a) end))
    {l, a} = listener(:inet)
    :socket.close(l)
    show("refused", :socket.connect(s, a))
  end

  def information do
    {s, c} = pair()
    :socket.send(c, "12345")
    :socket.recv(s, 5)
    :socket.recv(s, 1, 0)
    show("info", :socket.info(s))
    show("other side", :socket.info(c).counters)
    before = :socket.number_of()
    {:ok, u} = :socket.open(:inet, :dgram, :udp, %{use_registry: false})
    show("registry", {:socket.number_of() - before, :socket.getopt(u, {:otp, :use_registry}), :socket.setopt(u, {:otp, :use_registry}, true), :socket.number_of() - before})
    show("which", {u in :socket.which_sockets(), u in :socket.which_sockets(:udp), s in :socket.which_sockets(:udp)})
    m = :socket.monitor(u)
    :socket.close(u)
    show("monitor", receive(do: ({:DOWN, ^m, :socket, ^u, reason} -> reason)))
    show("gone", {u in :socket.which_sockets(), :socket.info(u)})
    show("global", :socket.info() |> Map.delete(:counters) |> Map.update(:io_backend, nil, &Map.delete(&1, :sctp)))
  end
end

for domain <- [:inet, :inet6, :local] do
  case :socket.bind(elem(:socket.open(domain, :stream), 1), Raw.loopback(domain)) do
    :ok -> for f <- [&Raw.streams/1, &Raw.packets/1], do: f.(domain)
    {:error, reason} -> IO.puts("no #{domain}: #{reason}")
  end
end

Raw.nowait()
Raw.turns()
Raw.owners()
Raw.errors()
Raw.information()
