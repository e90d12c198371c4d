# Selective receive, timeouts, timers, names, exits.
send(self(), {:low, 1})
send(self(), {:high, 2})
send(self(), {:low, 3})

IO.inspect(receive do: ({:high, n} -> n))
IO.inspect(Process.info(self(), :messages))
IO.inspect(receive do: ({:low, n} -> n))
IO.inspect(receive(do: (:never -> :never), after: (0 -> :timeout)))
IO.inspect(receive do: ({:low, n} -> n))

timer = Process.send_after(self(), :late, 10_000)
IO.inspect(Process.cancel_timer(timer) > 9_000)
Process.send_after(self(), :second, 40)
Process.send_after(self(), :first, 10)
for _ <- 1..2, do: IO.inspect(receive(do: (m -> m)))

Process.register(self(), :me)
send(:me, :by_name)
IO.inspect(receive(do: (m -> m), after: (100 -> :none)))
IO.inspect(Process.whereis(:me) == self())

for reason <- [:normal, :boom, :kill] do
  {pid, ref} = spawn_monitor(fn -> Process.sleep(:infinity) end)
  Process.exit(pid, reason)

  IO.inspect(
    receive do
      {:DOWN, ^ref, _, _, r} -> {reason, r}
    after
      50 -> {reason, :alive}
    end
  )
end

IO.inspect(catch_exit = try(do: exit({:shutdown, 3}), catch: (:exit, r -> r)))
_ = catch_exit
exit({:shutdown, 3})
