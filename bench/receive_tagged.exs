defmodule ReceiveTagged do
  # Each wanted message stands behind those that wait in the mailbox.
  @waiting 1_000
  @rounds 5_000
  def bench, do: {@rounds, &run/0}

  defp run do
    for i <- 1..@waiting, do: send(self(), {:later, i})

    for i <- 1..@rounds do
      send(self(), {:now, i})
      receive do: ({:now, ^i} -> i)
    end

    for i <- 1..@waiting, do: receive(do: ({:later, ^i} -> i))
  end
end
