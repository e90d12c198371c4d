# Calls the C interface with odd arguments (odd.c), many times with many seeds: nothing may break. The arguments are where the
# library is and how often; a third one is the first seed.
[dir | rest] = System.argv()
{times, first} = case Enum.map(rest, &String.to_integer/1) do
  [] -> {300, 0}
  [times] -> {times, 0}
  [times, first] -> {times, first}
end

defmodule Odd do
  @on_load :load
  def load, do: :erlang.load_nif(Path.join(hd(System.argv()), "odd") |> String.to_charlist(), 0)
  def odd(_, _, _), do: :erlang.nif_error(:not_loaded)
  def odd_cpu(_, _, _), do: :erlang.nif_error(:not_loaded)
  def odd_io(_, _, _), do: :erlang.nif_error(:not_loaded)
end

sink = spawn(fn -> Stream.repeatedly(fn -> receive do _ -> :ok end end) |> Stream.run() end)
{:ok, port} = :gen_udp.open(0)
part = binary_part(String.duplicate("0123456789", 30), 7, 200)
<<_::5, odd::binary-size(70), _::bits>> = part

terms = fn ->
  [0, 1, -1, 1.5, :a, :"", nil, [], {}, %{}, "", "abc", part, odd, <<1::3>>, <<0::77>>, Bitwise.bsl(1, 200), [1 | 2], ~c"text",
   {0, [0], %{0 => 0}}, Map.new(1..50, &{&1, {&1}}), Enum.to_list(1..300), ["io", ?l, ["ist" | part]], sink, spawn(fn -> :ok end),
   make_ref(), &Enum.map/2, fn -> part end, port, [part, "x", odd]]
end

for seed <- first..(first + times - 1) do
  f = case rem(seed, 9) do
    7 -> &Odd.odd_cpu/3
    8 -> &Odd.odd_io/3
    _ -> &Odd.odd/3
  end
  Task.await(Task.async(fn ->
    result = try do f.(seed, 400, terms.()) catch kind, reason -> {kind, reason} end
    # What came back is whole: copied, compared, written and read.
    true = :erlang.phash2(result) >= 0
    true = is_binary(:erlang.term_to_binary(result))
    send(sink, result)
    :erlang.garbage_collect()
    result == result
  end), 60_000)
end
IO.puts("done")
