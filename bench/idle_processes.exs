defmodule IdleProcesses do
  # Look at the resident size: 200,000 processes that wait.
  def bench, do: {200_000, &run/0}

  defp run do
    pids = for _ <- 1..200_000, do: spawn(fn -> receive(do: (:stop -> :ok)) end)
    Enum.each(pids, &send(&1, :stop))
  end
end
