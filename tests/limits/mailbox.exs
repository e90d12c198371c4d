# long: a few seconds and 2 GB.
# Ten million messages in one mailbox: the last ones are found at once by a reference, all are received in order.
n = 10_000_000
me = self()

sink =
  spawn_link(fn ->
    receive do: (:filled -> :ok)
    {:message_queue_len, len} = Process.info(self(), :message_queue_len)
    IO.inspect(len, label: "waiting")
    ref = make_ref()
    send(self(), {ref, :newest})
    receive do: ({^ref, x} -> IO.inspect(x))
    ordered = Enum.all?(1..n, fn i -> receive(do: (j when is_integer(j) -> j == i)) end)
    IO.inspect(ordered, label: "in order")
    IO.inspect(Process.info(self(), :message_queue_len))
    send(me, :done)
  end)

Enum.each(1..n, &send(sink, &1))
send(sink, :filled)
receive do: (:done -> :ok)
