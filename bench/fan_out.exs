defmodule FanOut do
  @receivers 200
  @each 1_500
  def bench, do: {@receivers * @each, &run/0}

  defp run do
    me = self()
    pids = for _ <- 1..@receivers, do: spawn_link(fn -> take(me, @each) end)
    for i <- 1..@each, pid <- pids, do: send(pid, {:item, i})
    for _ <- pids, do: receive(do: (:done -> :ok))
  end

  defp take(owner, 0), do: send(owner, :done)
  defp take(owner, n), do: receive(do: ({:item, _} -> take(owner, n - 1)))
end
