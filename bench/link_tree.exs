defmodule LinkTree do
  # A binary tree of linked processes; each waits for its children and reports how many there are below it.
  def bench, do: {131_071, fn -> 131_071 = grow(16) end}

  defp grow(0), do: 1

  defp grow(depth) do
    me = self()
    for _ <- 1..2, do: spawn_link(fn -> send(me, {:count, grow(depth - 1)}) end)
    1 + take() + take()
  end

  defp take, do: receive(do: ({:count, n} -> n))
end
