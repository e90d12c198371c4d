defmodule TimersCancel do
  def bench, do: {200_000, &run/0}

  defp run do
    for i <- 1..200_000 do
      timer = :erlang.start_timer(60_000 + i, self(), i)
      left = :erlang.cancel_timer(timer)
      true = is_integer(left)
    end
  end
end
