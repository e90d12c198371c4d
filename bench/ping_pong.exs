defmodule PingPong do
  def bench, do: {300_000, fn -> run(300_000) end}

  defp run(rounds) do
    me = self()
    ponger = spawn_link(fn -> pong(me, rounds) end)
    ping(ponger, rounds)
  end

  defp ping(_, 0), do: :ok

  defp ping(ponger, n) do
    send(ponger, {:ping, n})
    receive do: ({:pong, ^n} -> ping(ponger, n - 1))
  end

  defp pong(_, 0), do: :ok

  defp pong(pinger, n) do
    receive do: ({:ping, i} -> send(pinger, {:pong, i}))
    pong(pinger, n - 1)
  end
end
