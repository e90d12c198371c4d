# A process that was alive may have ended when it is asked.
defmodule EndedProcessTest do
  use ExUnit.Case

  defp asked(ask) do
    {:ok, agent} = Agent.start(fn -> 7 end)
    stopper = Task.async(fn -> Process.exit(agent, :kill) end)
    answer = ask.(agent)
    Task.await(stopper)
    answer
  end

  test "race" do
    ask = fn agent -> if Process.alive?(agent), do: Agent.get(agent, & &1), else: nil end
    assert asked(ask) in [7, nil]
  end

  test "right" do
    ask = fn agent ->
      try do
        Agent.get(agent, & &1)
      catch
        :exit, _ -> nil
      end
    end

    assert asked(ask) in [7, nil]
  end
end
