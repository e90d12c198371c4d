defmodule ReceiveRef do
  # Calls with a fresh reference while a long mailbox waits: the receive starts behind it.
  @waiting 10_000
  @rounds 100_000
  def bench, do: {@rounds, &run/0}

  defp run do
    server = spawn_link(&serve/0)
    for i <- 1..@waiting, do: send(self(), {:later, i})
    for i <- 1..@rounds, do: call(server, i)
  end

  defp call(server, i) do
    ref = make_ref()
    send(server, {self(), ref, i})
    receive do: ({^ref, answer} -> answer)
  end

  defp serve do
    receive do: ({from, ref, i} -> send(from, {ref, i + 1}))
    serve()
  end
end
