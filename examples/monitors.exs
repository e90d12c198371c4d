# Monitors: asking a server that may be slow, crash, or not exist.

defmodule Ask do
  def ask(server, question, timeout) do
    ref = Process.monitor(server)
    send(server, {question, self(), ref})

    receive do
      {^ref, answer} ->
        Process.demonitor(ref, [:flush])
        {:ok, answer}

      {:DOWN, ^ref, :process, _, reason} ->
        {:error, reason}
    after
      timeout ->
        Process.demonitor(ref, [:flush])
        {:error, :timeout}
    end
  end
end

server =
  spawn(fn ->
    loop = fn loop ->
      receive do
        {:hello, from, ref} -> send(from, {ref, "hello"})
        {:sleep, _, _} -> Process.sleep(200)
        {:stop, _, _} -> exit(:asked_to_stop)
      end

      loop.(loop)
    end

    loop.(loop)
  end)

IO.inspect(Ask.ask(server, :hello, 1_000))
IO.inspect(Ask.ask(server, :sleep, 50))
IO.inspect(Ask.ask(server, :stop, 1_000))
IO.inspect(Ask.ask(server, :hello, 1_000))
