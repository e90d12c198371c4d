defmodule Ring do
  @members 1_000
  def bench, do: {@members * 300, fn -> run(300) end}

  defp run(laps) do
    me = self()
    first = Enum.reduce(2..@members, me, fn _, next -> spawn(fn -> pass(next) end) end)
    lap(first, laps)
    send(first, :stop)
    receive do: (:stop -> :ok)
  end

  defp lap(_, 0), do: :ok

  defp lap(first, n) do
    send(first, n)
    receive do: (^n -> lap(first, n - 1))
  end

  defp pass(next) do
    receive do
      :stop -> send(next, :stop)
      token -> send(next, token) && pass(next)
    end
  end
end
