# A pool of workers that take jobs from one queue.

defmodule Pool do
  def run(jobs, size) do
    parent = self()
    queue = spawn_link(fn -> queue(jobs) end)
    for id <- 1..size, do: spawn_link(fn -> worker(id, queue, parent) end)
    collect(length(jobs), [])
  end

  defp queue([]), do: queue_empty()

  defp queue([job | rest]) do
    receive do
      {:next, worker} ->
        send(worker, {:job, job})
        queue(rest)
    end
  end

  defp queue_empty do
    receive do
      {:next, worker} ->
        send(worker, :done)
        queue_empty()
    end
  end

  defp worker(id, queue, parent) do
    send(queue, {:next, self()})

    receive do
      {:job, n} ->
        send(parent, {:result, n, fib(n)})
        worker(id, queue, parent)

      :done ->
        :ok
    end
  end

  defp collect(0, results), do: Enum.sort(results)

  defp collect(left, results) do
    receive do
      {:result, n, value} -> collect(left - 1, [{n, value} | results])
    end
  end

  defp fib(n) when n < 2, do: n
  defp fib(n), do: fib(n - 1) + fib(n - 2)
end

for {n, value} <- Pool.run(Enum.to_list(10..20), 4) do
  IO.puts("fib(#{n}) = #{value}")
end
