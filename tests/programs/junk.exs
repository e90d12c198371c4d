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

# What a receive has refused is refused the next time, but only by the same code with the same values.
defmodule Again do
  def junk(n), do: for(i <- 1..n, do: send(self(), {:junk, i}))

  def fixed(t), do: receive(do: ({:answer, x} -> x), after: (t -> :none))
  def value(v, t), do: receive(do: ({:junk, ^v} -> v), after: (t -> :none))
  def both(v, w, t), do: receive(do: ({:junk, ^v} -> {1, v}; {:other, ^w, _} -> {2, w}), after: (t -> :none))
  def three(a, b, c), do: receive(do: ({:junk, ^a} -> a; {:junk, ^b} -> b; {:junk, ^c} -> c), after: (0 -> :none))
  def other(v), do: receive(do: ({:junk, x} when x != v -> x), after: (0 -> :none))

  def sizes(t) do
    receive do
      {:ok, x} -> x
      {:error, x, y} -> [x, y]
      {:down, x, y, z} -> [x, y, z]
      :stop -> :stop
    after
      t -> :none
    end
  end

  def tags(v, t) do
    receive do
      {:a, ^v} -> {:a, v}
      {:b, x} -> {:b, x}
      {:down, _, _, p, r} when is_pid(p) -> r
    after
      t -> :none
    end
  end

  def data(ref), do: receive(do: ({^ref, x} -> x), after: (0 -> :none))
  def pid(pid), do: receive(do: ({:junk, ^pid} -> true), after: (0 -> false))
  def guarded(v), do: receive(do: ({:junk, x} when x > v -> x), after: (0 -> :none))

  # A receive that is left by an exception of its body, inside another function's frame.
  def raises(v) do
    receive(do: ({:junk, ^v} -> raise("found")), after: (0 -> :none))
  rescue
    e -> {e.message, fixed(0)}
  end

  def left do
    {:message_queue_len, n} = Process.info(self(), :message_queue_len)
    n
  end
end

Junk.rest([])
Again.junk(300)

IO.inspect(for i <- 1..5, do: {Again.fixed(0), send(self(), {:answer, i}) && Again.fixed(0), Again.fixed(0)})
# Other values, also ones that messages before have, and the same again.
IO.inspect(for v <- [400, 7, 7, 299, 400, 1, 2.0, 2, 400, -1, nil], do: Again.value(v, 0))
IO.inspect(for v <- [7, 1, 2, 299, 400, 50], do: (send(self(), {:junk, v}); {Again.value(v, 0), Again.value(v, 0)}))
IO.inspect(for v <- ["s", [1], 1.5, 2 ** 70, "s"], do: (Again.value(v, 0); send(self(), {:junk, v}); {Again.value(v, 0), Again.value(v, 0)}))
IO.inspect(for {v, w} <- [{400, 1}, {400, 2}, {60, 2}, {400, 1}, {60, 60}], do: Again.both(v, w, 0))
send(self(), {:other, 2, []})
send(self(), {:junk, 400})
IO.inspect(for {v, w} <- [{401, 1}, {401, 2}, {400, 2}, {401, 2}, {61, 2}], do: Again.both(v, w, 0))
IO.inspect(for t <- [{400, 401, 402}, {400, 401, 70}, {400, 71, 70}, {72, 71, 70}, {400, 401, 402}], do: Again.three(elem(t, 0), elem(t, 1), elem(t, 2)))
IO.inspect(for m <- [:stop, {:ok, 1}, {:error, 1, 2}, {:down, 1, 2, 3}, {:down, 1, 2}], do: (Again.sizes(0); send(self(), m); {Again.sizes(0), Again.sizes(0)}))
IO.inspect(for m <- [{:a, 1}, {:a, 2}, {:b, 1}, {:down, 1, 1, self(), :r}, {:down, 1, 1, 1, :r}], v <- [1, 2], do: (send(self(), m); {Again.tags(v, 0), Again.tags(v, 0)}))
IO.inspect(for v <- [1000, 290, 1000, 280], do: Again.guarded(v))
IO.inspect(for v <- [:x, 100], do: (Again.raises(1000); Again.raises(v)))
IO.inspect({Again.other(3), Again.other(4), Again.left()})

# References by content: one that is kept while the heap is collected, and others.
ref = make_ref()

IO.inspect(
  for i <- 1..3 do
    none = {Again.data(ref), Again.data(make_ref()), Again.pid(self())}
    :erlang.garbage_collect()
    send(self(), {ref, i})
    copy = :erlang.binary_to_term(:erlang.term_to_binary(ref))
    {none, Again.data(make_ref()), Again.data(copy), Again.data(ref)}
  end
)

# Answers that come while it waits, and timeouts in between.
me = self()

IO.inspect(
  for i <- 1..20 do
    spawn(fn ->
      send(me, {:junk, {:late, i}})
      send(me, {:answer, i})
    end)

    if(rem(i, 5) == 0, do: Again.value(:none, 1))
    Again.fixed(:infinity)
  end
)

IO.inspect(for i <- 1..20, do: Again.value({:late, i}, 0) == {:late, i})

# A receive inside another one's look, in evaluated code, and the compiled ones around it.
send(me, {:answer, 1})
send(me, {:answer, 2})
code = "receive do {:answer, x} when x > 1 -> {x, Again.fixed(0), Again.fixed(0)} after 0 -> :none end"
IO.inspect({elem(Code.eval_string(code), 0), Again.fixed(0)})
code = "receive do {:junk, x} when x > 290 -> {x, Again.value(295, 0), Again.value(295, 0)} after 0 -> :none end"
IO.inspect(for _ <- 1..3, do: elem(Code.eval_string(code), 0))

# Code that takes the place of purged code.
versions =
  for i <- 1..40 do
    text = "defmodule Version do\n def run, do: receive(do: ({:junk, #{200 + rem(i * 7, 40)}} -> #{i}), after: (0 -> nil))\nend"
    Code.compiler_options(ignore_module_conflict: true)
    Code.eval_string(text)
    found = {apply(Version, :run, []), apply(Version, :run, [])}
    :code.purge(Version)
    :code.delete(Version)
    :code.purge(Version)
    found
  end

IO.inspect(versions, limit: :infinity)
IO.inspect({Again.left(), :erlang.phash2(Junk.rest([]))})

# Hibernating forgets the frames, and not the messages.
defmodule Sleeper do
  def run(n), do: receive(do: ({:wake, ^n, from} -> send(from, {:woken, n}); :proc_lib.hibernate(__MODULE__, :run, [n + 1])))
end

sleeper = spawn(fn -> for(i <- 1..100, do: send(self(), {:wake, -i, nil})) && Sleeper.run(1) end)
IO.inspect(for i <- 1..5, do: (send(sleeper, {:wake, i, me}); receive(do: ({:woken, n} -> n))))
