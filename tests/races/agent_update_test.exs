# Reading an agent and updating it are two steps.
defmodule AgentUpdateTest do
  use ExUnit.Case

  defp list(add) do
    {:ok, agent} = Agent.start_link(fn -> [] end)
    tasks = for n <- 1..3, do: Task.async(fn -> add.(agent, n) end)
    Task.await_many(tasks)
    Enum.sort(Agent.get(agent, & &1))
  end

  test "race" do
    add = fn agent, n ->
      list = Agent.get(agent, & &1)
      Agent.update(agent, fn _ -> [n | list] end)
    end

    assert list(add) == [1, 2, 3]
  end

  test "right" do
    assert list(fn agent, n -> Agent.update(agent, &[n | &1]) end) == [1, 2, 3]
  end
end
