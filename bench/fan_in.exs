defmodule FanIn do
  @senders 20
  @each 15_000
  def bench, do: {@senders * @each, &run/0}

  defp run do
    me = self()
    for s <- 1..@senders, do: spawn_link(fn -> for i <- 1..@each, do: send(me, {s, i}) end)
    count(@senders * @each)
  end

  defp count(0), do: :ok
  defp count(n), do: receive(do: ({_, _} -> count(n - 1)))
end
