# What libraries of natives see and do: run by scripts/test-native on Purlin and on the BEAM, and compared.
# The argument is where the libraries are.
[dir] = System.argv()

names = [
  version: 0, keep: 0, describe: 1, compare: 2, map: 3, map_of: 3, raise_it: 1, badarg: 2, infinite: 1, new_atom: 1,
  existing: 1, grow: 2, box: 1, unbox: 1, box_bytes: 1, watch: 2, unwatch: 1, dynamic: 3, pipe_open: 2, pipe_write: 1,
  pipe_read: 1, pipe_cancel: 2, pipe_stop: 1, count_down: 2, thread: 0, thread_cpu: 0, thread_io: 0, sleep_dirty: 1,
  from_thread: 0, send_it: 2, queue: 2, times: 0
]

stubs = fn names ->
  for {name, arity} <- names do
    args = Macro.generate_arguments(arity, __MODULE__)
    quote do
      def unquote(name)(unquote_splicing(args)) do
        _ = [unquote_splicing(args)]
        :erlang.nif_error(:not_loaded)
      end
    end
  end
end

define = fn file, info, names ->
  body = quote do
    @on_load :load
    def load, do: send(unquote(:erlang.term_to_binary(self())) |> :erlang.binary_to_term(), {:loaded, :erlang.load_nif(unquote(String.to_charlist(Path.join(dir, file))), unquote(info))}) && :ok
    unquote_splicing(stubs.(names))
  end
  [{_, code}] = Code.compile_quoted({:defmodule, [context: Elixir, import: Kernel], [Probe, [do: body]]}, "probe.ex")
  code
end

Code.put_compiler_option(:ignore_module_conflict, true)
show = fn label, value -> IO.puts("#{label}: #{inspect(value, limit: :infinity, printable_limit: :infinity, charlists: :as_lists)}") end
loaded = fn label ->
  receive do {:loaded, {:error, {kind, text}}} -> show.(label, {kind, text |> to_string() |> String.replace(dir, "DIR")})
             {:loaded, other} -> show.(label, other)
  after 1000 -> show.(label, :nothing) end
end
caught = fn label, f ->
  value = try do f.() rescue e -> {e, Enum.take(__STACKTRACE__, 1)} catch kind, reason -> {kind, reason, Enum.take(__STACKTRACE__, 1)} end
  show.(label, value)
end
events = fn label, n -> show.(label, Enum.sort(for _ <- 1..n//1 do receive do {e, k} when is_atom(e) -> {e, k} after 2000 -> :missing end end)) end

# ---- loading
for {label, file, info, names} <- [
      {"no file", "nothing", 0, names}, {"no library", "garbage", 0, names}, {"no init", "plain", 0, names},
      {"no entry", "null", 0, names}, {"a later version", "later", 0, names}, {"an old version", "old", 0, names},
      {"another machine", "variant", 0, names}, {"another module", "other", 0, names},
      {"a function that is not there", "probe1", 0, Keyword.delete(names, :times)},
      {"a bad flag", "flag", 0, [one: 0]}, {"a function twice", "twice", 0, [one: 0]}, {"refused by load", "probe1", 7, names}
    ] do
  define.(file, info, names)
  loaded.(label)
  :code.purge(Probe)
  :code.delete(Probe)
  :code.purge(Probe)
end

define.("probe1", 0, names)
loaded.("loads")
show.("version", Probe.version())
Probe.keep()
show.("nifs", Enum.sort(Probe.module_info(:nifs)) == Enum.sort(names))

# ---- terms
{:ok, port} = :gen_udp.open(0)
dead = spawn(fn -> :ok end)
Process.sleep(50)
big = Bitwise.bsl(1, 80)
for t <- [
      0, 1, -1, 2_147_483_647, 2_147_483_648, -2_147_483_649, 4_294_967_296, Bitwise.bsl(1, 59), -Bitwise.bsl(1, 63),
      Bitwise.bsl(1, 63), Bitwise.bsl(1, 64) - 1, Bitwise.bsl(1, 64), big, -big, 0.0, -0.0, 1.5, :a, :"", :"äö", :"λ", nil, [], [0], [1, 2 | 3],
      ~c"abc", ~c"abcdefgh", ~c"äö", [955], [0, 1, 300], {}, {0}, {0, 1, 2}, {[], {}}, "", "abc", String.duplicate("x", 100), <<1::3>>, <<1, 2, 3::4>>,
      ["a", ?b, ["c" | "d"]], ["a", 300], %{}, %{a: 0, b: 1}, Map.new(1..40, &{&1, 0}), &Enum.map/2, dead
    ] do
  show.("describe #{inspect(t, charlists: :as_lists) |> String.slice(0, 40) |> String.replace(~r/#PID<.*>/, "pid")}",
    Probe.describe(t) |> Enum.reject(fn {k, _} -> is_pid(t) and k in [:phash2, :external] end))
end
for t <- [make_ref(), self(), port, fn -> :ok end] do
  show.("describe another", Probe.describe(t) |> Keyword.take([:type, :is, :same, :alive, :open]))
end
sub = binary_part(String.duplicate("0123456789", 20), 3, 100)
<<_::3, odd::binary-size(9), _::bits>> = sub
show.("part", Probe.describe(sub)[:binary] == sub)
show.("odd part", {Probe.describe(odd)[:binary] == odd, Probe.describe(odd)[:iolist] == odd})
for {a, b} <- [{1, 1.0}, {0, 0}, {1, 2}, {:a, 1}, {[], {}}, {"b", "a"}, {%{a: 1}, %{a: 1.0}}, {0.0, -0.0}], do: show.("compare", Probe.compare(a, b))

for m <- [%{}, %{a: 1}, %{0 => 0, a: %{b: 0}}], key <- [:a, 0] do
  show.("map", Probe.map(m, key, 0))
end
large = Map.new(1..100, &{&1, &1 * &1})
{forth, back, put, update, removed, value} = Probe.map(large, 50, :new)
show.("large map", {Map.new(forth) == large, Enum.reverse(back) == forth, put[50], update == put, map_size(removed), value})
show.("maps of arrays", {Probe.map_of(0, :b, "c"), Probe.map_of(1, 1, 2)})
caught.("no map", fn -> Probe.map(:no, 1, 2) end)

# ---- exceptions
caught.("badarg", fn -> Probe.badarg(0, [1]) end)
caught.("raise", fn -> Probe.raise_it({:why, 0}) end)
caught.("infinite", fn -> Probe.infinite(1) end)
caught.("long atom", fn -> Probe.new_atom(256) end)
show.("atom", Probe.new_atom(255) |> Atom.to_string() |> byte_size())
show.("existing", {Probe.existing(~c"version"), Probe.existing(~c"surely_nobody_has_this")})

# ---- binaries
for n <- [0, 1, 10, 64, 65, 1000], m <- [0, 5, 100] do
  b = String.duplicate("q", n)
  {whole, part, copy} = Probe.grow(b, m)
  show.("grow #{n} #{m}", {byte_size(whole), part == binary_part(whole, div(n, 2), m), copy == b, whole == b <> String.duplicate(".", m)})
end

# ---- resources
show.("box", Probe.unbox(Probe.box(7)))
b = Probe.box(8)
show.("the same", {b == b, is_reference(b), Probe.box(9) == b, send(self(), b) == (receive do r when is_reference(r) -> r end)})
caught.("no box", fn -> Probe.unbox(:no_box) end)
show.("bytes", Probe.box_bytes(b))
spawn(fn -> Probe.box(21) end)
spawn(fn -> bytes = Probe.box_bytes(Probe.box(22)); :erlang.garbage_collect(); send(dead, byte_size(bytes)) end)
:erlang.garbage_collect()
events.("gone", 4)
show.("dynamic", {Probe.dynamic(Probe, :boxes, b), Probe.dynamic(Probe, :other, b), Probe.dynamic(:x, :boxes, b), Probe.dynamic(Probe, :boxes, make_ref())})

p = spawn(fn -> receive do :stop -> :ok end end)
show.("watch", Probe.watch(b, p))
{:monitored_by, by} = Process.info(p, :monitored_by)
show.("monitored by", by == [b])
send(p, :stop)
events.("down", 1)
show.("unwatch too late", Probe.unwatch(b) != 0)
p = spawn(fn -> receive do :stop -> :ok end end)
show.("watch and unwatch", {Probe.watch(b, p), Probe.unwatch(b), Probe.unwatch(b) != 0, Process.info(p, :monitored_by)})
send(p, :stop)
show.("watch the dead", Probe.watch(b, dead) > 0)

# ---- descriptors
r = make_ref()
show.("select", Probe.pipe_open(b, r))
show.("write", Probe.pipe_write(b))
ready = receive do {:select, _, _, _} = x -> x after 2000 -> nil end
show.("ready", ready == {:select, b, r, :ready_input})
show.("read", Probe.pipe_read(b))
show.("cancel", Probe.pipe_cancel(b, r))
show.("write", Probe.pipe_write(b))
receive do x -> show.("told though cancelled", x) after 100 -> :ok end
show.("stop", Probe.pipe_stop(b))
events.("stopped", 1)

# ---- time slices and other threads
show.("count down", Probe.count_down(20, []))
caught.("count down wrongly", fn -> Probe.count_down(:x, []) end)
show.("threads", {Probe.thread(), Probe.thread_cpu(), Probe.thread_io()})
me = self()
show.("dirty", Enum.map(1..8, fn i -> Task.async(fn -> Probe.sleep_dirty({i, [0, 1.5, "x"]}) end) end) |> Task.await_many())
{p, m} = spawn_monitor(fn -> send(me, :in); Probe.sleep_dirty(:x) end)
receive do :in -> :ok end
Process.sleep(20)
Process.exit(p, :kill)
receive do {:DOWN, ^m, _, _, why} -> show.("killed", why) end

# ---- messages
show.("from a thread", Probe.from_thread())
show.("in order", for(_ <- 1..100, do: receive(do: ({:from_thread, i} -> i))) == Enum.to_list(0..99))
show.("send", {Probe.send_it(self(), {:msg, [0, String.duplicate("y", 100)]}), for(_ <- 1..2, do: receive(do: ({:msg, x} -> x)))})
show.("send to the dead", Probe.send_it(dead, 0))

show.("queue", Probe.queue(["abc", String.duplicate("z", 70), binary_part(sub, 1, 80)], 2))
show.("queue of nothing", Probe.queue([], 0))
caught.("queue of no binaries", fn -> Probe.queue(["a", 1], 0) end)
{later, seconds, {mega, _, _}, unique} = Probe.times()
show.("times", {later, seconds, mega > 1000, unique > 0})

# ---- another version
define.("probe2", 0, names)
loaded.("upgrade")
show.("version", Probe.version())
show.("box of before", Probe.unbox(b))
Probe.keep()
show.("purge", :code.purge(Probe))
events.("unload", 1)
show.("version", Probe.version())
b = nil
:erlang.garbage_collect()
events.("gone", 1)
:code.delete(Probe)
:code.purge(Probe)
events.("unload", 1)
caught.("unloaded", fn -> Probe.version() end)
_ = b
IO.puts("done")
