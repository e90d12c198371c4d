# options: +P 2000000
# A million processes at the same time: each is reached, answers, and goes.
# long: a few seconds and 2 GB.
n = 1_000_000
me = self()
before = :erlang.system_info(:process_count)

pids =
  for i <- 1..n do
    spawn(fn ->
      receive do
        {:ask, from} -> send(from, {:answer, i})
      end
    end)
  end

IO.inspect(:erlang.system_info(:process_count) - before, label: "there are")
{:memory, each} = Process.info(hd(pids), :memory)
IO.puts(:stderr, "memory of one: #{each} bytes; of all: #{div(:erlang.memory(:processes), 1_000_000)} MB")
for p <- pids, do: send(p, {:ask, me})
sum = Enum.reduce(1..n, 0, fn _, sum -> receive(do: ({:answer, i} -> sum + i)) end)
IO.inspect(sum == div(n * (n + 1), 2), label: "all answered")

wait = fn wait ->
  if :erlang.system_info(:process_count) > before, do: (Process.sleep(10); wait.(wait))
end

wait.(wait)
IO.inspect(Enum.any?(pids, &Process.alive?/1), label: "any left")
