# options: +S 1
# Integers of a million digits: right, and no other process waits for them long, even on one scheduler.
defmodule Watch do
  # The longest that a process which wakes each millisecond was kept waiting meanwhile.
  def pause(name, f) do
    me = self()
    ticker = spawn_link(fn -> tick(me, now(), 0) end)
    receive do: (:ticking -> :ok)
    {us, result} = :timer.tc(f)
    send(ticker, :stop)
    longest = receive(do: ({:longest, l} -> l))
    IO.puts(:stderr, "#{name}: took #{div(us, 1000)} ms, longest pause #{div(longest, 1000)} ms")
    # The real BEAM pauses much longer here.
    if System.get_env("LIMITS_ENGINE") == "purlin" and longest > 250_000,
      do: IO.puts("#{name} kept another process waiting for #{div(longest, 1000)} ms")
    result
  end

  defp tick(me, last, longest) do
    if longest == 0, do: send(me, :ticking)
    receive do
      :stop -> send(me, {:longest, max(longest, now() - last)})
    after
      1 -> tick(me, now(), max(longest, now() - last))
    end
  end

  defp now, do: System.monotonic_time(:microsecond)
end

n = 1_000_000
a = Watch.pause("power", fn -> Integer.pow(7, 1_183_294) end)
b = Watch.pause("power", fn -> Integer.pow(3, 1_000_000) end)
text = Watch.pause("print", fn -> Integer.to_string(a) end)
IO.inspect({byte_size(text) >= n, binary_part(text, 0, 20), binary_part(text, byte_size(text) - 20, 20)})
IO.inspect(Watch.pause("parse", fn -> String.to_integer(text) end) == a)
IO.inspect(Watch.pause("parse list", fn -> :erlang.list_to_integer(:binary.bin_to_list(text)) end) == a)
c = Watch.pause("multiply", fn -> a * a end)
IO.inspect(:erlang.phash2(c))
IO.inspect(Watch.pause("divide", fn -> div(c, a) end) == a)
q = Watch.pause("divide uneven", fn -> div(c, b) end)
r = Watch.pause("remainder", fn -> rem(c, b) end)
IO.inspect(Watch.pause("check", fn -> q * b + r end) == c)
hex = Watch.pause("hexadecimal", fn -> Integer.to_string(c, 16) end)
IO.inspect(Watch.pause("parse hexadecimal", fn -> String.to_integer(hex, 16) end) == c)
IO.inspect(Watch.pause("shift", fn -> (:erlang.bsl(c, 1_000_003) |> :erlang.bsr(1_000_003)) == c end))
IO.inspect(Watch.pause("logic", fn -> :erlang.bxor(:erlang.bor(a, b), :erlang.band(a, b)) == :erlang.bxor(a, b) end))
IO.inspect(Watch.pause("external", fn -> :erlang.binary_to_term(:erlang.term_to_binary(c)) == c end))
