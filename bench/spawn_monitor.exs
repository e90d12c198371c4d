defmodule SpawnMonitor do
  def bench, do: {150_000, fn -> go(150_000) end}
  defp go(0), do: :ok

  defp go(n) do
    {pid, ref} = spawn_monitor(fn -> exit(:normal) end)
    receive do: ({:DOWN, ^ref, :process, ^pid, :normal} -> go(n - 1))
  end
end
