# Two that find no server both start one: the second is told that there is one already.
defmodule AlreadyStartedTest do
  use ExUnit.Case

  defp both(start) do
    tasks = for _ <- 1..2, do: Task.async(fn -> start.() end)
    Task.await_many(tasks)
  end

  defp agent, do: Agent.start(fn -> 1 end, name: AlreadyStartedTest.Agent)

  test "race" do
    start = fn ->
      case Process.whereis(AlreadyStartedTest.Agent) do
        nil ->
          {:ok, pid} = agent()
          pid

        pid ->
          pid
      end
    end

    assert [pid, pid] = both(start)
  end

  test "right" do
    start = fn ->
      case agent() do
        {:ok, pid} -> pid
        {:error, {:already_started, pid}} -> pid
      end
    end

    assert [pid, pid] = both(start)
  end
end
