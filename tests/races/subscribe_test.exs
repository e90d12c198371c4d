# An event that is published before somebody has subscribed is never seen.
defmodule SubscribeTest do
  use ExUnit.Case

  defp seen(start) do
    {:ok, _} = Registry.start_link(keys: :duplicate, name: SubscribeTest.Bus)
    start.()
  end

  defp publish, do: Registry.dispatch(SubscribeTest.Bus, :events, &for({pid, _} <- &1, do: send(pid, :event)))

  test "race" do
    start = fn ->
      subscriber = Task.async(fn ->
        {:ok, _} = Registry.register(SubscribeTest.Bus, :events, nil)
        receive(do: (:event -> :seen), after: (1000 -> :missed))
      end)

      publisher = Task.async(fn -> publish() end)
      Task.await(publisher)
      Task.await(subscriber)
    end

    assert seen(start) == :seen
  end

  test "right" do
    start = fn ->
      me = self()

      subscriber = Task.async(fn ->
        {:ok, _} = Registry.register(SubscribeTest.Bus, :events, nil)
        send(me, :subscribed)
        receive(do: (:event -> :seen), after: (1000 -> :missed))
      end)

      receive(do: (:subscribed -> :ok))
      publish()
      Task.await(subscriber)
    end

    assert seen(start) == :seen
  end
end
