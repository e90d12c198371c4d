# Suspending processes: counts, options, answers, and what ends a suspension.
defmodule Suspension do
  def run do
    p = spawn(fn -> loop() end)
    IO.inspect(counts: for(_ <- 1..3, do: :erlang.suspend_process(p)), info: info(self(), p), status: status(p))
    IO.inspect(again: :erlang.suspend_process(p, [:unless_suspending]), info: info(self(), p))
    IO.inspect(later: :erlang.suspend_process(p, [:unless_suspending, :asynchronous]), info: info(self(), p))
    IO.inspect(asynchronous: :erlang.suspend_process(p, [:asynchronous]), info: info(self(), p))
    IO.inspect(tagged: :erlang.suspend_process(p, asynchronous: {:tag, [1, "two"]}), answer: next())
    IO.inspect(resumed: for(_ <- 1..5, do: :erlang.resume_process(p)), info: info(self(), p), status: status(p))
    IO.inspect(too_often: attempt(fn -> :erlang.resume_process(p) end))

    IO.puts("-- several at a time")
    others = for _ <- 1..3, do: other(p)
    :erlang.suspend_process(p)
    :erlang.resume_process(p)
    IO.inspect(others: for(o <- others, do: info(o, p)), status: status(p))
    for o <- others, do: end_it(o)
    IO.inspect(status: status(p))

    IO.puts("-- still on its way")

    for _ <- 1..50 do
      :erlang.suspend_process(p, [:asynchronous])
      {:erlang.suspend_process(p, [:unless_suspending]), info(self(), p), :erlang.resume_process(p), status(p)}
    end
    |> Enum.uniq()
    |> IO.inspect()

    IO.puts("-- the end of the suspended")
    :erlang.suspend_process(p)
    end_it(p)
    IO.inspect(:erlang.process_info(self(), :suspending))
    IO.inspect(resume: attempt(fn -> :erlang.resume_process(p) end))
    IO.inspect(suspend: attempt(fn -> :erlang.suspend_process(p) end))
    IO.inspect(asynchronous: :erlang.suspend_process(p, [:asynchronous]))
    IO.inspect(:erlang.process_info(self(), :suspending))

    IO.puts("-- bad arguments")
    q = spawn(fn -> wait() end)

    for {pid, options} <- [{self(), []}, {:p, []}, {q, [:fast]}, {q, :asynchronous}] do
      IO.inspect(attempt(fn -> :erlang.suspend_process(pid, options) end))
    end
  end

  # A process that suspends `p` twice and waits.
  defp other(p) do
    me = self()

    o =
      spawn(fn ->
        :erlang.suspend_process(p)
        :erlang.suspend_process(p)
        send(me, :done)
        wait()
      end)

    receive do: (:done -> o)
  end

  defp end_it(p) do
    ref = Process.monitor(p)
    Process.exit(p, :kill)
    receive do: ({:DOWN, ^ref, _, _, _} -> :ok)
  end

  defp info(suspender, p) do
    {:suspending, all} = :erlang.process_info(suspender, :suspending)
    for {^p, active, outstanding} <- all, do: {active, outstanding}
  end

  defp status(p) do
    case :erlang.process_info(p, :status) do
      {:status, :suspended} -> :suspended
      {:status, s} when s in [:running, :runnable] -> :runs
    end
  end

  defp attempt(f) do
    f.()
  rescue
    e -> e
  end

  defp next, do: receive(do: (m -> m), after: (5000 -> :nothing))
  defp wait, do: receive(do: (:never -> :ok))
  defp loop, do: loop()
end

Suspension.run()
