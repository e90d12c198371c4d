# 100,000 timers: none early, none lost, none twice, in the order of their times; as many are cancelled at once.
n = 100_000
now = fn -> System.monotonic_time(:millisecond) end
start = now.()
for i <- 1..n, do: :erlang.start_timer(start + 1000 + rem(i * 7919, 1000), self(), i, abs: true)
got = for _ <- 1..n, do: receive(do: ({:timeout, _, i} -> {i, now.()}))
IO.inspect(length(Enum.uniq_by(got, &elem(&1, 0))), label: "fired")
due = fn i -> start + 1000 + rem(i * 7919, 1000) end
IO.inspect(Enum.all?(got, fn {i, t} -> t >= due.(i) end), label: "none early")
late = Enum.max(Enum.map(got, fn {i, t} -> t - due.(i) end))
IO.puts(:stderr, "latest: #{late} ms late")
refs = for _ <- 1..n, do: :erlang.send_after(600_000, self(), :never)
IO.inspect(Enum.all?(refs, &is_integer(:erlang.cancel_timer(&1))), label: "cancelled")
IO.inspect(Enum.all?(refs, &(:erlang.cancel_timer(&1) == false)), label: "only once")
receive do: (x -> IO.inspect(x)), after: (0 -> IO.puts("nothing more"))
