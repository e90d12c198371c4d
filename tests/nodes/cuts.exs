# A connection that is cut again and again, while processes link, monitor, start and send over it: each link and each
# monitor ends once, each request is answered once, messages come in order (some may be lost), and nothing comes twice.
# The name of the other node is the first argument.
:logger.set_primary_config(:level, :none)

{:module, module, code, _} =
  defmodule Cuts do
    # Sends numbers to `to`, and waits for its end.
    def far(to, n) do
      for i <- 1..n, do: send(to, {:number, self(), i})
      Process.sleep(:infinity)
    end

    def round(far, cut) do
      parent = self()

      workers =
        for i <- 1..40 do
          spawn_monitor(fn -> send(parent, {:result, self(), worker(far, i)}) end)
        end

      Process.sleep(cut)
      Node.disconnect(far)

      for {pid, monitor} <- workers, do: result(far, pid, monitor)
    end

    # A process of the other node that goes on sending connects anew: so it is cut until all have come to an end.
    defp result(far, pid, monitor) do
      receive do
        {:result, ^pid, result} -> result
        {:DOWN, ^monitor, _, _, reason} when reason != :normal -> {:worker_failed, reason}
      after
        300 ->
          Node.disconnect(far)
          result(far, pid, monitor)
      end
    end

    defp worker(far, i) do
      Process.flag(:trap_exit, true)
      request = :erlang.spawn_request(far, __MODULE__, :far, [self(), 200], [:link, :monitor])

      child =
        receive do
          {:spawn_reply, ^request, :ok, child} -> child
          {:spawn_reply, ^request, :error, :noconnection} -> nil
        end

      if child do
        other = if rem(i, 2) == 0, do: Process.monitor({:echo, far})
        for k <- 1..20, do: send({:echo, far}, {self(), k})
        wait(%{child: child, monitor: request, other: other})
      else
        :not_started
      end
    end

    # Until what there was has ended, and nothing comes after it.
    defp wait(w) do
      {exits, downs, others} = {count(w.child), 1, if(w.other, do: 1, else: 0)}

      collect(
        w,
        %{number: 0, echo: 0, exit: 0, down: 0, other: 0, bad: []},
        exits + downs + others
      )
    end

    defp count(_), do: 1

    defp collect(w, seen, 0) do
      receive do
        m -> collect(w, note(w, seen, m), 0)
      after
        100 -> verdict(w, seen)
      end
    end

    defp collect(w, seen, left) do
      receive do
        m ->
          after_it = note(w, seen, m)

          ended =
            after_it.exit + after_it.down + after_it.other - (seen.exit + seen.down + seen.other)

          collect(w, after_it, left - ended)
      after
        20_000 -> {:still_waiting, seen}
      end
    end

    defp note(w, seen, m) do
      {child, monitor, other} = {w.child, w.monitor, w.other}

      case m do
        {:number, ^child, n} when n > seen.number -> %{seen | number: n}
        {:echo, n} when n > seen.echo -> %{seen | echo: n}
        {:EXIT, ^child, :noconnection} -> %{seen | exit: seen.exit + 1}
        {:DOWN, ^monitor, :process, ^child, :noconnection} -> %{seen | down: seen.down + 1}
        {:DOWN, ^other, :process, {:echo, _}, :noconnection} -> %{seen | other: seen.other + 1}
        m -> %{seen | bad: [m | seen.bad]}
      end
    end

    defp verdict(w, seen) do
      others = if w.other, do: 1, else: 0

      if {seen.exit, seen.down, seen.other, seen.bad} == {1, 1, others, []},
        do: :ok,
        else: {:broken, seen}
    end
  end

[far] = Enum.map(System.argv(), &String.to_atom/1)

load = fn ->
  true = Node.connect(far)
  {:module, _} = :rpc.call(far, :code, :load_binary, [module, ~c"cuts", code])
end

load.()

for round <- 1..25 do
  results = Cuts.round(far, rem(round * 7, 60))
  bad = Enum.reject(results, &(&1 in [:ok, :not_started]))

  IO.puts(
    "round #{round}: #{if bad == [], do: "kept", else: inspect(bad, limit: 5) |> String.slice(0, 300)}"
  )
end

IO.inspect({Node.connect(far), Node.list() == [far]})
:rpc.cast(far, :erlang, :halt, [0])
