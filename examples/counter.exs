# A counter: a process that keeps state between messages.

defmodule Counter do
  def start(initial), do: spawn(fn -> loop(initial) end)

  def add(pid, n), do: send(pid, {:add, n})

  def value(pid) do
    ref = make_ref()
    send(pid, {:value, self(), ref})

    receive do
      {^ref, value} -> value
    after
      1_000 -> raise "the counter does not answer"
    end
  end

  defp loop(n) do
    receive do
      {:add, k} ->
        loop(n + k)

      {:value, from, ref} ->
        send(from, {ref, n})
        loop(n)
    end
  end
end

counter = Counter.start(10)
for n <- 1..100, do: Counter.add(counter, n)
IO.puts("the counter stands at #{Counter.value(counter)}")
