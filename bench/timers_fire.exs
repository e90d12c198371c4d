defmodule TimersFire do
  def bench, do: {100_000, &run/0}

  defp run do
    for i <- 1..100_000, do: Process.send_after(self(), i, rem(i, 50))
    for _ <- 1..100_000, do: receive(do: (i when is_integer(i) -> i))
  end
end
