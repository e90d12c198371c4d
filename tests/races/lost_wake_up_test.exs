# Who waits for an event has to say so before he looks whether it has happened.
defmodule LostWakeUpTest do
  use ExUnit.Case

  defp waits(wait) do
    table = :ets.new(:event, [:public])
    waiter = Task.async(fn -> wait.(table) end)

    notifier =
      Task.async(fn ->
        :ets.insert(table, {:happened, true})
        for {:waiter, pid} <- :ets.lookup(table, :waiter), do: send(pid, :wake_up)
      end)

    Task.await(notifier)
    Task.await(waiter, :infinity)
  end

  test "race" do
    wait = fn table ->
      if :ets.lookup(table, :happened) == [] do
        :ets.insert(table, {:waiter, self()})
        receive(do: (:wake_up -> :ok), after: (1000 -> :lost))
      else
        :ok
      end
    end

    assert waits(wait) == :ok
  end

  test "right" do
    wait = fn table ->
      :ets.insert(table, {:waiter, self()})

      if :ets.lookup(table, :happened) == [] do
        receive(do: (:wake_up -> :ok), after: (1000 -> :lost))
      else
        :ok
      end
    end

    assert waits(wait) == :ok
  end
end
