# Receives that pass over many messages of all kinds, and what they must not pass over.
defmodule Junk do
  def values do
    big = 123_456_789_012_345_678_901_234_567_890
    fun = &String.length/1
    ref = :erlang.list_to_ref('#Ref<0.1.2.3>')

    [:a, :b, 1, -1, 1.0, 2.5, big, big + 1, "bytes", String.duplicate("long", 30), <<5::3>>, [], [1], [1, 2]] ++
      [{}, {1}, {:a, 1}, %{}, %{k: 1}, fun, ref, self(), nil, true, "", 0, 0.0, -0.0, [:a | :b], {:a, :b, :c}]
  end

  def messages do
    vs = values()

    vs ++
      for(v <- vs, do: {v}) ++
      for(v <- vs, w <- [:x, v], do: {v, w}) ++
      for(v <- vs, w <- [:x, 1.0, "bytes"], do: {:tag, v, w}) ++
      for(v <- vs, do: {:tag, v}) ++ for(v <- vs, do: {v, :tag, 1, 2})
  end

  # What each shape of receive takes first, and that the rest is left in order.
  def first(shape, v) do
    for m <- messages(), do: send(self(), m)
    taken = take(shape, v)
    {taken, :erlang.phash2(rest([]))}
  end

  def rest(list) do
    receive do
      m -> rest([m | list])
    after
      0 -> list
    end
  end

  def take(:second, v), do: receive(do: ({:tag, ^v} = m -> m), after: (0 -> nil))
  def take(:middle, v), do: receive(do: ({:tag, ^v, "bytes"} = m -> m), after: (0 -> nil))
  def take(:first, v), do: receive(do: ({^v, x} = m when x != 1 -> m), after: (0 -> nil))
  def take(:last, v), do: receive(do: ({_, _, ^v} = m -> m), after: (0 -> nil))
  def take(:atom, _), do: receive(do: ({_, :tag, _, _} = m -> m), after: (0 -> nil))
  def take(:float, _), do: receive(do: ({:tag, 2.5, _} = m -> m), after: (0 -> nil))
  def take(:list, _), do: receive(do: ({:tag, [1, 2], _} = m -> m), after: (0 -> nil))
  def take(:size, v), do: receive(do: ({_, _, _} = m when elem(m, 1) == v -> m), after: (0 -> nil))
  def take(:two, v), do: receive(do: ({:tag, ^v} = m -> m; {^v} = m -> m), after: (0 -> nil))
  def take(:twice, v), do: receive(do: ({^v, ^v} = m -> m), after: (0 -> nil))
  def take(:bare, v), do: receive(do: (^v -> v), after: (0 -> nil))
end

for shape <- [:second, :middle, :first, :last, :atom, :float, :list, :size, :two, :twice, :bare] do
  IO.inspect({shape, :erlang.phash2(for(v <- tl(tl(Junk.values())), not is_pid(v), do: Junk.first(shape, v)))})
end

# More than a turn's worth, with others at work meanwhile.
for i <- 1..20_000, do: send(self(), {:later, i, "x"})
beats = spawn(fn -> Enum.each(Stream.cycle([1]), fn _ -> receive(do: (:stop -> exit(:normal)), after: (1 -> :ok)) end) end)

for i <- 1..20 do
  me = self()
  spawn(fn -> send(me, {:now, i, "x"}) end)
  receive do: ({:now, ^i, _} -> :ok)
end

send(beats, :stop)
IO.inspect(for i <- [20_000, 1, 777], do: receive(do: ({:later, ^i, _} -> i)))
IO.inspect(Process.info(self(), :message_queue_len))

# A process that scans again and again is killed.
{pid, ref} =
  spawn_monitor(fn ->
    for i <- 1..20_000, do: send(self(), {:later, i})
    scan = fn scan -> receive(do: ({:later, :never} -> :ok), after: (0 -> scan.(scan))) end
    scan.(scan)
  end)

Process.sleep(20)
Process.exit(pid, :kill)
IO.inspect(receive do: ({:DOWN, ^ref, _, _, reason} -> reason))
