defmodule SpawnExit do
  def bench, do: {200_000, fn -> go(200_000) end}
  defp go(0), do: :ok

  defp go(n) do
    me = self()
    spawn(fn -> send(me, :up) end)
    receive do: (:up -> go(n - 1))
  end
end
