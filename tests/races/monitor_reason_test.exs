# A monitor of a process that has ended tells `:noproc`, not its reason.
defmodule MonitorReasonTest do
  use ExUnit.Case

  defp reason(start) do
    {pid, ref} = start.(fn -> exit(:broken) end)
    receive(do: ({:DOWN, ^ref, :process, ^pid, reason} -> reason))
  end

  test "race" do
    start = fn f ->
      pid = spawn(f)
      {pid, Process.monitor(pid)}
    end

    assert reason(start) == :broken
  end

  test "right" do
    assert reason(&spawn_monitor/1) == :broken
  end
end
