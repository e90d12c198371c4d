# What a process asks others is answered with its own priority: one of priority max does not wait for processes of
# normal and low priority that starve behind busy ones of priority high.
# no-stress: the busy ones slow down everything else of the program for the whole time.
defmodule Priorities do
  def start do
    me = self()
    :erlang.process_flag(:priority, :max)
    # Whoever is not through by then has to tell so itself: nothing of normal priority runs.
    guard = :erlang.spawn_opt(fn -> guard() end, priority: :max)

    asked = [
      waiting: spawned(:normal, fn -> wait() end),
      low: spawned(:low, fn -> wait() end),
      hibernating: spawned(:normal, fn -> :erlang.hibernate(__MODULE__, :wait, []) end),
      suspended: spawned(:normal, fn -> wait() end),
      busy: spawned(:normal, fn -> loop() end),
      busy_low: spawned(:low, fn -> loop() end)
    ]

    :erlang.suspend_process(asked[:suspended])
    # All code is loaded once it was asked without load.
    for {_, p} <- asked, do: questions(p, me)
    busy = for _ <- 1..(2 * :erlang.system_info(:schedulers)), do: spawned(:high, fn -> loop() end)
    receive do: (:never -> :ok), after: (300 -> :ok)
    answers = for _ <- 1..20, {what, p} <- asked, do: {what, questions(p, me)}
    # Those that are about to end say so, too.
    ended =
      for {what, p} <- asked do
        :erlang.exit(p, :kill)
        {what, :erlang.is_process_alive(p), :erlang.process_info(p, :status)}
      end

    for p <- busy, do: :erlang.exit(p, :kill)
    :erlang.exit(guard, :kill)
    IO.inspect(answers |> :lists.usort(), limit: :infinity)
    IO.inspect(ended)
  end

  def wait, do: receive(do: (:never -> :ok))

  defp loop, do: loop()

  defp spawned(priority, fun), do: :erlang.spawn_opt(fun, priority: priority)

  defp guard do
    receive do
      :never -> :ok
    after
      60_000 ->
        :erlang.display(:starved)
        :erlang.halt(1, flush: false)
    end
  end

  defp questions(p, me) do
    [
      :erlang.process_info(p, :priority),
      :erlang.is_process_alive(p),
      :erlang.group_leader(me, p),
      :erlang.process_info(p, :group_leader) == {:group_leader, me},
      :erlang.garbage_collect(p),
      :erlang.check_process_code(p, :lists),
      :erlang.process_flag(p, :save_calls, 0),
      :erlang.suspend_process(p),
      :erlang.resume_process(p)
    ]
  end
end

Priorities.start()
