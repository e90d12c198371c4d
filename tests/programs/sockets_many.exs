# Several messages in one call of a socket, and reading that waits for more at once: OTP has both since 29.
defmodule Many do
  def show(label, f) do
    told =
      try do
        f.()
      catch
        :error, {:case_clause, what} -> {:error, :case_clause, what}
        kind, reason -> {kind, reason}
      end

    IO.inspect(mask(told), label: label, limit: :infinity)
  end

  def mask(%{port: port} = t) when is_integer(port), do: %{t | port: :port}
  def mask(%{addr: _} = t), do: Map.update!(t, :addr, &mask/1)
  def mask(t) when is_reference(t), do: :ref
  def mask(t) when is_list(t), do: Enum.map(t, &mask/1)
  def mask(t) when is_tuple(t), do: t |> Tuple.to_list() |> Enum.map(&mask/1) |> List.to_tuple()
  def mask(t), do: t

  def address(port), do: %{family: :inet, addr: {127, 0, 0, 1}, port: port}

  def bound do
    {:ok, socket} = :socket.open(:inet, :dgram, :udp)
    :ok = :socket.bind(socket, address(0))
    {:ok, %{port: port}} = :socket.sockname(socket)
    {socket, port}
  end

  def messages do
    {a, _} = bound()
    {b, port} = bound()
    to = fn data -> %{addr: address(port), iov: List.wrap(data)} end
    send = fn messages -> apply(:socket, :sendmmsg, [a, messages, [], :infinity]) end
    recv = fn most -> apply(:socket, :recvmmsg, [b, most, 0, 0, [], 30]) end

    show("three", fn -> send.([to.("one"), to.(["tw", "o"]), to.("")]) end)
    show("two of them", fn -> recv.(2) end)
    show("the rest", fn -> recv.(5) end)
    show("none", fn -> recv.(5) end)
    show("none at once", fn -> apply(:socket, :recvmmsg, [b, 5, 0, 0, [], 0]) end)

    show("waiting", fn ->
      {:select, info} = apply(:socket, :recvmmsg, [b, 5, 0, 0, [], :nowait])
      send.([to.("late")])
      {:select_info, operation, handle} = info
      receive(do: ({:"$socket", ^b, :select, ^handle} -> {operation, recv.(5)}))
    end)

    show("cancelled", fn ->
      {:select, info} = apply(:socket, :recvmmsg, [b, 5, 0, 0, [], :nowait])
      :socket.cancel(b, info)
    end)

    show("no message", fn -> send.([]) end)
    show("a bad one first", fn -> send.([%{addr: address(0), iov: ["x"]}, to.("three")]) end)
    show("a bad one later", fn -> send.([to.("one"), %{addr: address(0), iov: ["x"]}]) end)
    show("came", fn -> recv.(5) end)
    show("too large later", fn -> send.([to.("one"), to.(:binary.copy("x", 70_000))]) end)
    show("came", fn -> recv.(5) end)
    show("no messages", fn -> send.([to.("one"), :foo]) end)
    show("no pieces", fn -> send.([to.("one"), %{}]) end)
    show("no binaries", fn -> send.([to.("one"), %{addr: address(port), iov: [:a]}]) end)
    show("no address", fn -> send.([to.("one"), %{addr: %{address(port) | port: :x}, iov: ["a"]}]) end)
    show("no flag", fn -> apply(:socket, :sendmmsg, [a, [to.("one")], [:foo], :infinity]) end)
    show("no number", fn -> recv.(0) end)
    show("came", fn -> recv.(9) end)
    show("cut", fn -> {send.([to.("abcdef"), to.("ghi")]), apply(:socket, :recvmmsg, [b, 5, 4, 0, [], 30])} end)
    show("peeked", fn -> {send.([to.("x"), to.("y")]), apply(:socket, :recvmmsg, [b, 3, 0, 0, [:peek], 30]), recv.(5)} end)
    show("connected", fn -> {:socket.connect(a, address(port)), send.([%{iov: ["x"]}, %{iov: ["y"]}]), recv.(5)} end)
    show("closed", fn -> {:socket.close(a), send.([]), send.([to.("x")])} end)
  end

  def streams do
    {:ok, listener} = :socket.open(:inet, :stream, :tcp)
    :ok = :socket.bind(listener, address(0))
    :ok = :socket.listen(listener)
    {:ok, %{port: port}} = :socket.sockname(listener)
    {:ok, client} = :socket.open(:inet, :stream, :tcp)
    :ok = :socket.connect(client, address(port))
    {:ok, server} = :socket.accept(listener)

    show("stream", fn -> apply(:socket, :sendmmsg, [client, [%{iov: ["one"]}, %{iov: ["two"]}], [], :infinity]) end)
    Process.sleep(20)
    show("stream", fn -> apply(:socket, :recvmmsg, [server, 3, 4, 0, [], 30]) end)
    big = :binary.copy("x", 20_000_000)

    show("a part", fn ->
      {:ok, [rest]} = apply(:socket, :sendmmsg, [client, [%{iov: ["one"]}, %{iov: [big, big]}, %{iov: ["two"]}], [], :nowait])
      IO.iodata_length(rest) < 40_000_000
    end)

    show("full", fn -> apply(:socket, :sendmmsg, [client, [%{iov: [big]}], [], :nowait]) end)
    {client, server}
  end

  # ---- reading that goes on

  def reading do
    {a, _} = bound()
    {b, port} = bound()
    option = {:otp, :select_read}
    show("usual", fn -> :socket.getopt(b, option) end)
    show("wrong", fn -> :socket.setopt(b, option, 1) end)
    show("set", fn -> {:socket.setopt(b, option, true), :socket.getopt(b, option)} end)
    :ok = :socket.sendto(a, "one", address(port))
    Process.sleep(20)

    for {name, f} <- [
          recvfrom: fn -> :socket.recvfrom(b, 0, [], :nowait) end,
          recv: fn -> :socket.recv(b, 0, [], :nowait) end,
          recvmsg: fn -> :socket.recvmsg(b, 0, 0, [], :nowait) end,
          recvmmsg: fn -> apply(:socket, :recvmmsg, [b, 2, 0, 0, [], :nowait]) end
        ] do
      show(name, fn ->
        {:select_read, {{:select_info, operation, handle}, data}} = f.()
        :ok = :socket.sendto(a, "more", address(port))
        {operation, data, receive(do: ({:"$socket", ^b, :select, ^handle} -> :told))}
      end)
    end

    show("by another", fn -> Task.await(Task.async(fn -> elem(:socket.recv(b, 0, [], :nowait), 0) end)) end)
    show("at once", fn -> :socket.recv(b, 0, [], 0) end)
    show("unset", fn -> {:socket.setopt(b, option, false), :socket.sendto(a, "x", address(port)), :socket.recv(b, 0, [], 100)} end)
  end
end

# What can be cancelled at all.
{:ok, {:"$socket", reference}} = :socket.open(:inet, :stream, :tcp)

for operation <- ~w(connect accept recv recvfrom recvmsg recvmmsg send sendto sendmsg sendmmsg sendv sendfile other)a do
  Many.show(operation, fn ->
    try do
      :prim_socket.cancel(reference, operation, make_ref())
    rescue
      ArgumentError -> :badarg
    end
  end)
end

if String.to_integer(System.otp_release()) >= 29 do
  Many.messages()
  Many.streams()
  Many.reading()
else
  {:ok, socket} = :socket.open(:inet, :dgram, :udp)
  IO.inspect({Code.ensure_loaded(:socket), function_exported?(:socket, :sendmmsg, 4), :socket.getopt(socket, {:otp, :select_read})})
end
