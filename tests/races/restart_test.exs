# Between the end of a server and its restart its name is nobody's.
defmodule Restart.Server do
  use GenServer
  def start_link(_), do: GenServer.start_link(__MODULE__, nil, name: __MODULE__)
  def init(state), do: {:ok, state}
  def handle_call(:ping, _from, state), do: {:reply, :pong, state}
end

defmodule RestartTest do
  use ExUnit.Case

  setup do
    start_supervised!(Restart.Server)
    old = Process.whereis(Restart.Server)
    ref = Process.monitor(old)
    Process.exit(old, :kill)
    assert_receive {:DOWN, ^ref, _, _, _}
    %{old: old}
  end

  test "race", %{old: old} do
    # It may be there again, or not yet.
    assert Process.whereis(Restart.Server) != old
    assert GenServer.call(Restart.Server, :ping) == :pong
  end

  test "right" do
    assert ping(100) == :pong
  end

  defp ping(0), do: :gone

  defp ping(n) do
    GenServer.call(Restart.Server, :ping)
  catch
    :exit, _ ->
      Process.sleep(1)
      ping(n - 1)
  end
end
