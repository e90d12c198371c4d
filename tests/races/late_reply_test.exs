# A reply that comes behind its timeout is taken for that of the next request.
defmodule LateReplyTest do
  use ExUnit.Case

  defp store do
    spawn_link(fn -> serve(%{a: 1, b: 2}) end)
  end

  defp serve(map) do
    receive do
      {from, ref, key} ->
        # The first answer takes as long as a client waits.
        if key == :a, do: Process.sleep(100)
        send(from, {:value, ref, Map.get(map, key)})
        serve(map)
    end
  end

  defp ask(store, key, reply) do
    ref = make_ref()
    send(store, {self(), ref, key})
    reply.(ref)
  end

  defp asks(reply) do
    store = store()
    first = ask(store, :a, reply)
    second = ask(store, :b, reply)
    {first, second}
  end

  test "race" do
    reply = fn _ -> receive(do: ({:value, _, v} -> v), after: (100 -> :late)) end
    assert {first, second} = asks(reply)
    assert first in [1, :late] and second == 2
  end

  test "right" do
    reply = fn ref -> receive(do: ({:value, ^ref, v} -> v), after: (200 -> :late)) end
    assert {1, 2} == asks(reply)
  end
end
