# A library made with Rustler: run by scripts/test-native on Purlin and on the BEAM, and compared.
defmodule RustProbe do
  @on_load :load
  def load, do: :erlang.load_nif(Path.join(hd(System.argv()), "rustler_probe") |> String.to_charlist(), 0)

  for {name, arity} <- [counter: 1, add: 2, watch: 2, mirror: 1, swap: 1, reverse: 1, sum_of_squares: 1, sleep: 1, count_in_thread: 1, kind: 1, fails: 1] do
    args = Macro.generate_arguments(arity, __MODULE__)
    def unquote(name)(unquote_splicing(args)) do
      _ = [unquote_splicing(args)]
      :erlang.nif_error(:not_loaded)
    end
  end
end

defmodule RustProbe.Point do
  defstruct x: 0, y: 0.0, names: []
end

caught = fn f ->
  try do f.() rescue e -> e catch kind, reason -> {kind, reason} end
end

c = RustProbe.counter(5)
IO.inspect({RustProbe.add(c, 0), RustProbe.add(c, -7), is_reference(c)})
IO.inspect(Task.async_stream(1..100, fn _ -> RustProbe.add(c, 1) end) |> Enum.count())
IO.inspect(RustProbe.add(c, 0))
p = spawn(fn -> receive do :stop -> :ok end end)
IO.inspect(RustProbe.watch(c, p))
send(p, :stop)
receive do {:down, mine} -> IO.inspect({:down, mine}) after 2000 -> IO.puts("no down") end
IO.inspect(RustProbe.watch(c, p))
spawn(fn -> RustProbe.add(RustProbe.counter(1), 0) end)
c = nil
:erlang.garbage_collect()
receive do {:dropped, n} -> IO.inspect({:dropped, n}) after 2000 -> IO.puts("not dropped") end
_ = c

IO.inspect(RustProbe.mirror(struct(RustProbe.Point, x: 3, y: 1.25, names: ["a", "ö"])))
IO.inspect(caught.(fn -> RustProbe.mirror(%{x: 1}) end))
IO.inspect(RustProbe.swap(%{"a" => 1, "b" => 0, "c" => -1}))
IO.inspect(RustProbe.swap(Map.new(1..100, &{"#{&1}", &1})) |> length())
IO.inspect({RustProbe.reverse("abc"), RustProbe.reverse(""), byte_size(RustProbe.reverse(String.duplicate("xy", 5000)))})
IO.inspect(RustProbe.sum_of_squares(1_000_000))
IO.inspect(Task.await_many(for i <- 1..8, do: Task.async(fn -> RustProbe.sleep(20 * i) end)))
RustProbe.count_in_thread(1000)
IO.inspect(for(_ <- 1..1000, do: receive(do: ({:counted, i} -> i))) == Enum.to_list(0..999))
for t <- [0, 1.5, :a, "b", [], [1], {}, %{}, self(), make_ref(), fn -> 1 end, <<1::3>>, -1], do: IO.puts(RustProbe.kind(t))
for i <- 0..4, do: IO.inspect(caught.(fn -> RustProbe.fails(i) end))
IO.inspect(caught.(fn -> RustProbe.fails(-1) end))
IO.puts("done")
