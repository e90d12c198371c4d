# A timer that is cancelled may have fired: its message is in the mailbox then. Found with --early-timers alone.
defmodule CancelledTimerTest do
  use ExUnit.Case

  defp ticks(cancel) do
    timer = Process.send_after(self(), :tick, 100)
    worker = Task.async(fn -> :done end)
    Task.await(worker)
    cancel.(timer)
    receive(do: (:tick -> :late), after: (500 -> :none))
  end

  test "race" do
    assert ticks(&Process.cancel_timer/1) == :none
  end

  test "right" do
    cancel = fn timer ->
      if Process.cancel_timer(timer) == false, do: receive(do: (:tick -> :ok))
    end

    assert ticks(cancel) == :none
  end
end
