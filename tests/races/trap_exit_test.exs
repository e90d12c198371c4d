# A child that is linked may end before its parent traps exits.
defmodule TrapExitTest do
  use ExUnit.Case

  defp survives(parent) do
    {pid, ref} = spawn_monitor(parent)
    receive(do: ({:DOWN, ^ref, :process, ^pid, reason} -> reason))
  end

  test "race" do
    parent = fn ->
      spawn_link(fn -> exit(:broken) end)
      Process.flag(:trap_exit, true)
      receive(do: ({:EXIT, _, :broken} -> :ok))
    end

    assert survives(parent) == :normal
  end

  test "right" do
    parent = fn ->
      Process.flag(:trap_exit, true)
      spawn_link(fn -> exit(:broken) end)
      receive(do: ({:EXIT, _, :broken} -> :ok))
    end

    assert survives(parent) == :normal
  end
end
