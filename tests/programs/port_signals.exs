# no-stress: it waits for what others do, sixty processes at once
# Ports as receivers of signals: each action on each kind of port, by its owner and by others, and what the owner, a
# linked process and a watcher get to know of it. Answers that another process sends are waited for.

defmodule PortSignals do
  @kinds [
    ram: {{:spawn, 'ram_file_drv'}, []},
    cat: {{:spawn, 'cat'}, [:binary]},
    framed: {{:spawn, 'cat'}, [:exit_status, packet: 1]},
    silent: {{:spawn_executable, '/bin/sleep'}, [:exit_status, :eof, args: ['2']]},
    reader: {{:spawn, 'cat > /dev/null'}, [:out]}
  ]

  # Who acts: the owner, a process that is linked to the port, one that is not.
  @actors [:owner, :linked, :stranger]

  @reasons [:normal, :kill, :killed, :shutdown, :other]

  defp actions do
    exits = for r <- @reasons, do: {{:exit, r}, fn w -> Process.exit(w.port, r) end}

    sent =
      for m <- [
            :hello,
            {1, 2, 3},
            {},
            [],
            {:owner, :close},
            {:self, :close},
            {:owner, :bad},
            {:owner, {:bad, 1}},
            {:owner, {}},
            {:owner, {:command, "data"}},
            {:self, {:command, "data"}},
            {:owner, {:command, ["li", [?s], "t" | "x"]}},
            {:owner, {:command, :atom}},
            {:owner, {:command, [300]}},
            {:owner, {:command, String.duplicate("x", 300)}},
            {:owner, {:command, 1, 2}},
            {:owner, {:connect, :self}},
            {:owner, {:connect, :linked}},
            {:owner, {:connect, :dead}},
            {:owner, {:connect, 1}},
            {:owner, {:connect, :port}},
            {:self, {:connect, :self}},
            {:dead, :close},
            {1, :close}
          ],
          do: {{:send, m}, fn w -> send(w.port, real(m, w)) end}

    called =
      for {name, f} <- [
            port_close: &:erlang.port_close(&1.port),
            connect_self: &:erlang.port_connect(&1.port, self()),
            connect_linked: &:erlang.port_connect(&1.port, &1.linked),
            connect_dead: &:erlang.port_connect(&1.port, &1.dead),
            connect_number: &:erlang.port_connect(&1.port, 1),
            unlink: &Process.unlink(&1.port),
            link: &Process.link(&1.port),
            unlink_and_exit: fn w -> {Process.unlink(w.port), exit(:left)} end,
            end_normally: fn _ -> exit(:normal) end,
            end_badly: fn _ -> exit(:crash) end,
            command: &:erlang.port_command(&1.port, "text"),
            command_atom: &:erlang.port_command(&1.port, :a),
            command_long: fn w -> {:erlang.port_command(w.port, String.duplicate("x", 256)), Process.sleep(100)} end,
            command_nosuspend: &:erlang.port_command(&1.port, "y", [:nosuspend]),
            command_force: &:erlang.port_command(&1.port, "y", [:force]),
            control: &:erlang.port_control(&1.port, 99, ""),
            control_large: &:erlang.port_control(&1.port, 4_294_967_296, ""),
            call: &:erlang.port_call(&1.port, 1, :term),
            info: fn w ->
              items = [:registered_name, :connected, :monitored_by, :monitors, :name, :parallelism]
              # While another port of this driver is at work, the BEAM never answers a question it does not know.
              unknown = if w.kind == :ram, do: [], else: [:bad, 1]
              for i <- items ++ unknown, do: {i, attempt(fn -> :erlang.port_info(w.port, i) end)}
            end,
            data: fn w ->
              {attempt(fn -> :erlang.port_get_data(w.port) end), :erlang.port_set_data(w.port, {:x, [1]}),
               :erlang.port_get_data(w.port)}
            end,
            twice: fn w ->
              {:erlang.port_close(w.port), attempt(fn -> :erlang.port_close(w.port) end),
               attempt(fn -> :erlang.port_info(w.port) end), send(w.port, {self(), :close}),
               attempt(fn -> :erlang.port_command(w.port, "x") end), attempt(fn -> Process.exit(w.port, :x) end)}
            end,
            named: fn w ->
              n = w.name

              {attempt(fn -> :erlang.register(n, w.port) end),
               attempt(fn -> :erlang.port_info(n, :registered_name) end),
               attempt(fn -> :erlang.port_command(n, "z") end),
               attempt(fn -> :erlang.register(:"#{n}_more", w.port) end), send(n, :bad_message)}
            end,
            named_close: fn w ->
              n = w.name

              {attempt(fn -> :erlang.register(n, w.port) end), attempt(fn -> :erlang.port_close(n) end),
               :erlang.whereis(n), attempt(fn -> :erlang.port_info(n) end), attempt(fn -> send(n, :x) end),
               attempt(fn -> Process.unregister(n) end)}
            end,
            named_owner: fn w ->
              n = w.name
              :erlang.register(n, w.port)
              send(n, {w.owner, {:command, "named"}})
              send({n, node()}, {w.owner, :close})
            end,
            watched: fn w ->
              r = :erlang.monitor(:port, w.port)
              a = :erlang.demonitor(r, [:info])
              r2 = :erlang.monitor(:port, w.port)
              :erlang.port_close(w.port)

              receive do
                {:DOWN, ^r2, k, p, why} -> {a, k, p, why}
              after
                2000 -> :none
              end
            end,
            watched_name: fn w ->
              n = w.name
              :erlang.register(n, w.port)
              r = :erlang.monitor(:port, n)
              send(w.port, {w.owner, :close})

              receive do
                {:DOWN, ^r, k, p, why} -> {k, p, why}
              after
                2000 -> :none
              end
            end,
            monitor_closed: fn w ->
              :erlang.port_close(w.port)
              r = :erlang.monitor(:port, w.port)

              receive do
                {:DOWN, ^r, k, p, why} -> {k, p, why}
              after
                2000 -> :none
              end
            end
          ],
          do: {name, f}

    exits ++ sent ++ called
  end

  def run do
    cases =
      for {kind, _} <- @kinds,
          {name, _} <- actions(),
          actor <- @actors,
          kind in [:ram, :cat] or actor == :owner,
          traps <- [true, false],
          do: {kind, name, actor, traps}

    cases
    |> Enum.chunk_every(80)
    |> Enum.each(fn chunk ->
      tasks = Enum.map(chunk, fn c -> Task.async(fn -> one(c) end) end)

      Enum.zip(chunk, Task.await_many(tasks, 60_000))
      |> Enum.each(fn {c, seen} ->
        IO.puts(inspect({c, seen}, limit: :infinity, printable_limit: 40, width: :infinity) |> scrub())
      end)
    end)
  end

  defp scrub(t), do: Regex.replace(~r/_\d+|#Port<[\d.]+>/, t, "")

  defp one({kind, name, actor, traps}) do
    me = self()
    name_atom = :"port_signals_#{:erlang.unique_integer([:positive])}"
    {dead, m} = spawn_monitor(fn -> :ok end)

    receive do
      {:DOWN, ^m, _, _, _} -> :ok
    end

    [owner, linked, stranger] =
      for _ <- 1..3,
          do:
            spawn(fn ->
              if(traps, do: Process.flag(:trap_exit, true))
              loop([])
            end)

    {command, options} = @kinds[kind]
    port = call(owner, fn -> :erlang.open_port(command, options) end)
    true = call(linked, fn -> Process.link(port) end)
    watch = :erlang.monitor(:port, port)
    ends = for p <- [owner, linked, stranger], do: {p, Process.monitor(p)}
    world = %{port: port, owner: owner, linked: linked, stranger: stranger, dead: dead, name: name_atom, kind: kind}
    names = Map.new(world, fn {k, v} -> {v, k} end) |> Map.put(me, :watcher)
    {_, action} = List.keyfind(actions(), name, 0)
    acting = world[actor]
    answer = call(acting, fn -> attempt(fn -> action.(world) end) end)

    settle(fn ->
      {:erlang.port_info(port, :links), :erlang.port_info(port, :connected),
       Enum.map([owner, linked, stranger], &Process.info(&1, :message_queue_len))}
    end)

    inboxes = for {p, m} <- ends, do: {names[p], inbox(p, m)}

    left =
      {sorted(:erlang.port_info(port, :links), names), :erlang.port_info(port, :connected),
       receive do
         {:DOWN, ^watch, k, p, r} -> {k, p, r}
       after
         0 -> :open
       end}

    for {p, _} <- ends, do: Process.exit(p, :kill)

    try do
      :erlang.port_close(port)
    catch
      _, _ -> :ok
    end

    hide({answer, inboxes, left}, names)
  end

  defp sorted({:links, l}, names), do: l |> Enum.map(&names[&1]) |> Enum.sort()
  defp sorted(other, _), do: other

  # Until nothing has changed for a while.
  defp settle(look, before \\ nil, same \\ 0)
  defp settle(_, _, 8), do: :ok

  defp settle(look, before, same) do
    Process.sleep(30)
    now = look.()
    settle(look, now, if(now == before, do: same + 1, else: 0))
  end

  defp inbox(p, monitor) do
    receive do
      {:DOWN, ^monitor, _, _, reason} -> {:ended, reason}
    after
      0 ->
        case call(p, fn -> :inbox end) do
          {:got, messages} -> data(messages)
          other -> other
        end
    end
  end

  # When output comes back, and how it is cut into messages, depends on time.
  defp data(messages), do: Enum.reject(messages, &match?({_, {:data, _}}, &1))

  defp call(p, f) do
    m = Process.monitor(p)
    send(p, {:do, self(), m, f})

    receive do
      {^m, answer} ->
        Process.demonitor(m, [:flush])
        answer

      {:DOWN, ^m, _, _, reason} ->
        {:ended, reason}
    end
  end

  defp loop(got) do
    receive do
      {:do, from, m, f} ->
        answer = f.()
        if answer == :inbox, do: send(from, {m, {:got, Enum.reverse(got)}}), else: send(from, {m, answer})
        loop(got)

      other ->
        loop([other | got])
    end
  end

  defp attempt(f) do
    f.()
  catch
    :error, reason -> {:error, reason}
  end

  defp real(:self, _), do: self()
  defp real(t, w) when is_atom(t), do: Map.get(w, t, t)
  defp real(t, w) when is_tuple(t), do: t |> Tuple.to_list() |> Enum.map(&real(&1, w)) |> List.to_tuple()
  defp real(t, _), do: t

  defp hide(t, names) when is_pid(t) or is_port(t) or is_reference(t), do: Map.get(names, t, :hidden)
  defp hide([h | t], names), do: [hide(h, names) | hide(t, names)]
  defp hide(t, names) when is_tuple(t), do: t |> Tuple.to_list() |> Enum.map(&hide(&1, names)) |> List.to_tuple()
  defp hide(t, _), do: t
end

:logger.set_primary_config(:level, :none)
PortSignals.run()
