# A pause is no promise that others have come to an end by then. Found with --early-timers alone.
defmodule EarlyTimerTest do
  use ExUnit.Case

  defp stored(wait) do
    table = :ets.new(:results, [:public])
    task = Task.async(fn -> :ets.insert(table, {:result, 42}) end)
    wait.(task)
    result = :ets.lookup(table, :result)
    Task.await(task)
    result
  end

  test "race" do
    assert stored(fn _ -> Process.sleep(50) end) == [result: 42]
  end

  test "right" do
    wait = fn %{pid: pid} ->
      ref = Process.monitor(pid)
      receive(do: ({:DOWN, ^ref, _, _, _} -> :ok))
    end

    assert stored(wait) == [result: 42]
  end
end
