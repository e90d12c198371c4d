# Priority messages, which OTP has since 28: those to an alias that was made for them, and those of a monitor.

defmodule Box do
  def all, do: Process.info(self(), :messages) |> elem(1)

  def flush, do: (receive do _ -> flush() after 0 -> :ok end)
  def mask(t) when is_reference(t), do: :ref
  def mask(t) when is_pid(t), do: :pid
  def mask(t) when is_tuple(t), do: t |> Tuple.to_list() |> Enum.map(&mask/1) |> List.to_tuple()
  def mask(t) when is_list(t), do: Enum.map(t, &mask/1)
  def mask(t), do: t
  def show(n, t), do: IO.inspect(mask(t), label: n)
  def dead do
    {p, r} = spawn_monitor(fn -> :ok end)
    receive do {:DOWN, ^r, _, _, _} -> p end
  end
end

if String.to_integer(System.otp_release()) < 28 do
  IO.puts("no priority messages")
else
  a = :erlang.alias([:priority])
  plain = :erlang.alias([])
  send(self(), 1)
  :erlang.send(a, 2, [:priority])
  :erlang.send(a, 3, [])
  :erlang.send(a, 4, [:priority])
  :erlang.send(plain, 5, [:priority])
  :erlang.send(self(), 6, [:priority])
  Box.show("order", Box.all())
  receive do x when x in [1, 4] -> Box.show("first", x) end
  :erlang.send(a, 7, [:priority, :nosuspend])
  Box.show("then", Box.all())
  Box.show("unalias", :erlang.unalias(a))
  :erlang.send(a, 8, [:priority])
  Box.flush()

  # DOWN before what came earlier.
  dead = Box.dead()
  for o <- [[], [:priority], [:priority, {:tag, :gone}], [{:alias, :explicit_unalias}, :priority]] do
    send(self(), :earlier)
    :erlang.monitor(:process, dead, o)
    receive do :never -> :ok after 20 -> :ok end
    Box.show("down #{inspect(o)}", Box.all())
    Box.flush()
  end

  # The alias of a monitor with priority.
  {p, _} = spawn_monitor(fn -> receive do :stop -> :ok end end)
  r = :erlang.monitor(:process, p, [{:alias, :explicit_unalias}, :priority])
  send(self(), :earlier)
  :erlang.send(r, :through, [:priority])
  Box.show("alias of a monitor", Box.all())
  Box.flush()
  r1 = :erlang.alias([:reply, :priority])
  send(self(), :earlier)
  :erlang.send(r1, :one, [:priority])
  :erlang.send(r1, :two, [:priority])
  Box.show("reply", Box.all())
  Box.flush()

  # A receive that waits, and one that is in the middle of its messages.
  me = self()
  b = :erlang.alias([:priority])
  for i <- 1..40, do: send(self(), {:old, i})
  spawn(fn -> Process.sleep(50); :erlang.send(b, :now, [:priority]); send(me, :later) end)
  receive do
    :later -> Box.show("got", :later)
  end
  Box.show("head", hd(Box.all()))
  Box.flush()
  for i <- 1..40, do: send(self(), {:old, i})
  spawn(fn -> Process.sleep(50); :erlang.send(b, :now, [:priority]) end)
  receive do :now -> Box.show("woken by", :now) after 2000 -> Box.show("woken by", :nothing) end
  Box.show("left", length(Box.all()))
  for _ <- 1..3 do
    :erlang.send(b, {:p, 1}, [:priority])
    receive do {:old, 40} = m -> send(self(), m) end
    receive do {:p, 1} -> :ok end
    receive do {:old, 40} = m -> send(self(), m) end
  end
  Box.show("after", {hd(Box.all()), List.last(Box.all()), length(Box.all())})
  # A call whose answer overtakes.
  server = spawn(fn -> receive do {:call, from} -> :erlang.send(from, :answer, [:priority]) end end)
  c = :erlang.monitor(:process, server, [{:alias, :reply_demonitor}, :priority])
  send(server, {:call, c})
  receive do :answer -> Box.show("answer", length(Box.all())) end
  Box.show("info", Process.info(self(), :message_queue_len))
  for o <- [[:priority, 1], [:none]], do: Box.show("bad", try do :erlang.alias(o) catch _, e -> e end)
  for o <- [[:priority, 1], [:none]], do: Box.show("bad", try do :erlang.monitor(:process, self(), o) catch _, e -> e end)
  Box.show("process_info", try do Process.info(self(), :priority_messages) catch _, e -> e end)
end
