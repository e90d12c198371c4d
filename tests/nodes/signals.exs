# Signals between two nodes: messages, links, monitors, exits, starting processes, and what is left when the connection goes.
# The name of the other node is the first argument.
{:module, module, code, _} =
  defmodule Signals do
    def next(time \\ 2000) do
      receive do
        m -> m
      after
        time -> :nothing
      end
    end

    # What is the same whatever the node's pids and references are called.
    def plain(t) when is_pid(t), do: if(node(t) == node(), do: :near_pid, else: :far_pid)
    def plain(t) when is_reference(t), do: if(node(t) == node(), do: :near_ref, else: :far_ref)
    def plain(t) when is_port(t), do: :port
    def plain(t) when is_function(t), do: :fun
    def plain(t) when is_tuple(t), do: t |> Tuple.to_list() |> plain() |> List.to_tuple()
    def plain([h | t]), do: [plain(h) | plain(t)]
    def plain(%{} = m), do: Map.new(m, fn {k, v} -> {k, plain(v)} end)
    def plain(t) when t == node(), do: :near_node

    def plain(t) when is_atom(t),
      do: if(Atom.to_string(t) =~ ~r/^far\d*@/, do: :far_node, else: t)

    def plain(t), do: t

    def show(label, t),
      do: IO.puts("#{label}: #{inspect(plain(t), limit: :infinity, printable_limit: 200)}")

    def attempt(f) do
      f.()
    catch
      kind, reason -> {kind, reason}
    end

    def run(far) do
      show("connect", Node.connect(far))
      show("nodes", {Node.list(), Node.list(:hidden), Node.list(:connected), Node.alive?()})

      # ---- messages

      send({:echo, far}, {self(), :hello})
      show("by name", next())
      echo = :rpc.call(far, Process, :whereis, [:echo])
      show("pid", {echo, node(echo) == far})

      terms = [
        1,
        -1,
        1_000_000_000_000,
        -123_456_789_012_345_678_901_234_567_890,
        1.5,
        -0.0,
        :atom,
        :"ünïcode_☃",
        "text",
        <<1, 2, 3::size(5)>>,
        "",
        [],
        [1, 2 | 3],
        'string',
        List.duplicate(7, 70_000),
        {},
        {1, {2, {3}}},
        %{},
        %{"b" => [2], a: 1},
        Map.new(1..100, &{&1, &1 * &1}),
        self(),
        echo,
        make_ref(),
        &Enum.map/2,
        true,
        nil,
        String.duplicate("x", 100),
        Range.new(1, 10),
        ~r/a/.source,
        for(i <- 1..300, do: :"atom_#{i}")
      ]

      for {t, i} <- Enum.with_index(terms) do
        send(echo, {self(), t})

        case next() do
          {:echo, back} when back == t -> :ok
          other -> show("term #{i}", {t, other})
        end
      end

      for size <- [65_000, 65_536, 200_000, 3_000_000] do
        binary = :binary.copy("0123456789", div(size, 10))
        send(echo, {self(), {size, binary}})
        show("binary of #{size}", match?({:echo, {^size, ^binary}}, next(10_000)))
      end

      # Long and short messages of one process come in their order.
      keep = Node.spawn(far, Far, :keep, [[]])

      for i <- 1..200,
          do: send(keep, if(rem(i, 7) == 0, do: {i, :binary.copy("y", 100_000)}, else: {i, ""}))

      send(keep, {:get, self()})
      {:kept, kept} = next(10_000)
      show("order", Enum.map(kept, &elem(&1, 0)) == Enum.to_list(1..200))

      send({:no_such_name, far}, :lost)
      send(spawn(fn -> :ok end), :lost)

      show(
        "send options",
        for(o <- [[], [:noconnect], [:nosuspend]], do: :erlang.send(echo, {self(), :x}, o))
      )

      show("their answers", for(_ <- 1..3, do: next()))

      alias_of_mine = :erlang.alias([:reply])
      send(echo, {alias_of_mine, 1})
      send(echo, {alias_of_mine, 2})
      show("alias that answers once", {next(), next(300)})
      far_alias = :rpc.call(far, :erlang, :alias, [])
      send(far_alias, :to_nobody)

      # ---- links

      linked = fn f -> Node.spawn_link(far, f) end
      waits = fn -> receive(do: (r -> exit(r))) end

      for reason <- [
            :normal,
            :other,
            :kill,
            :killed,
            {:a, [1, "b"]},
            String.duplicate("z", 100_000)
          ] do
        p = linked.(waits)
        send(p, reason)
        {:EXIT, ^p, got} = next()
        show("link, #{String.slice(inspect(reason), 0, 20)}", got == reason)
      end

      p = linked.(waits)
      Process.unlink(p)
      send(p, :unseen)
      show("after unlink", next(300))
      p = Node.spawn(far, waits)

      for _ <- 1..5,
          do:
            (
              Process.link(p)
              Process.unlink(p)
            )

      Process.link(p)

      show(
        "links",
        {Process.info(self(), :links) |> elem(1) |> Enum.member?(p),
         :rpc.call(far, Process, :info, [p, :links])}
      )

      send(p, :seen)
      show("after linking again", next())
      dead = Node.spawn(far, fn -> :ok end)
      Process.sleep(100)
      show("link with the dead", {Process.link(dead), next()})

      for {reason, traps} <- [normal: true, normal: false, kill: true, other: true, other: false] do
        parent = self()

        p =
          Node.spawn(far, fn ->
            Process.flag(:trap_exit, traps)
            send(parent, :ready)

            receive do
              m -> send(parent, {:survived, m})
            end
          end)

        :ready = next()
        m = Process.monitor(p)
        Process.exit(p, reason)

        case next(500) do
          {:DOWN, ^m, _, _, why} -> show("exit #{reason}, traps #{traps}", {:down, why})
          other -> show("exit #{reason}, traps #{traps}", other)
        end

        Process.demonitor(m, [:flush])
        Process.exit(p, :kill)
      end

      # ---- monitors

      p = Node.spawn(far, waits)
      m = Process.monitor(p)

      show(
        "monitors",
        {Process.info(self(), :monitors), :rpc.call(far, Process, :info, [p, :monitored_by])}
      )

      send(p, {:down, "reason"})
      show("down", next())
      show("of the dead", {Process.monitor(dead), next()})
      show("of no name", {Process.monitor({:nobody, far}), next()})
      m2 = Process.monitor({:echo, far})

      show(
        "by name",
        {Process.info(self(), :monitors), Process.demonitor(m2, [:info]),
         Process.demonitor(m2, [:info])}
      )

      p = Node.spawn(far, waits)
      m3 = :erlang.monitor(:process, p, tag: {:tag, 1}, alias: :demonitor)
      send(p, :tagged)
      show("tagged", next())
      send(echo, {m3, :late})
      show("its alias is gone", next(200))
      _ = m

      # ---- starting

      show("spawn", Node.spawn(far, Kernel, :self, []) |> node() == far)
      {p, m} = Node.spawn_monitor(far, fn -> exit({:bye, node()}) end)
      show("spawn_monitor", {next(), is_pid(p), is_reference(m)})

      {p, _} =
        :erlang.spawn_opt(far, :erlang, :exit, [:opt], [
          :monitor,
          {:priority, :high},
          {:min_heap_size, 1000}
        ])

      show("spawn_opt", {next(), is_pid(p)})
      show("bad option", attempt(fn -> :erlang.spawn_opt(far, :erlang, :self, [], [:bad]) end))

      show(
        "bad module",
        attempt(fn -> Node.spawn_monitor(far, :no_such_module, :f, []) |> is_tuple() end)
      )

      show("its end", next() |> elem(4) |> elem(0))

      for options <- [
            [],
            [reply: :no],
            [reply: :error_only],
            [reply_tag: {:my, "tag"}],
            [:monitor, :link],
            [monitor: [tag: :over], reply: :success_only],
            [:bad],
            [reply: :bad],
            [:bad, reply: :no]
          ] do
        r = :erlang.spawn_request(far, :erlang, :exit, [:requested], options)

        show(
          "spawn_request #{inspect(options)}",
          {is_reference(r), for(_ <- 1..3, do: next(150))}
        )
      end

      r = :erlang.spawn_request(far, Process, :sleep, [1000], [:link])

      show(
        "abandoned",
        {:erlang.spawn_request_abandon(r), :erlang.spawn_request_abandon(r), next(200)}
      )

      # A parent that ends before the answer takes the child along.
      parent = self()
      lives = fn -> send(parent, {:child, self()}) && Process.sleep(:infinity) end

      spawn(fn ->
        :erlang.spawn_request(far, :erlang, :apply, [lives, []], [:link])
        exit(:parent_left)
      end)

      child = next(500)
      lives = child != :nothing and :rpc.call(far, Process, :alive?, [elem(child, 1)])
      show("child of a parent that left", lives)

      Node.spawn(far, fn -> IO.puts("printed here") end)
      Process.sleep(200)

      show(
        "group leader",
        {:rpc.call(far, Process, :group_leader, []) == Process.group_leader(),
         Process.group_leader(echo, Process.group_leader())}
      )

      # ---- calls

      show(
        "rpc",
        {:rpc.call(far, :erlang, :+, [1, 2]),
         :rpc.call(far, :erlang, :error, [:bad]) |> elem(1) |> elem(1) |> elem(0)}
      )

      show("rpc timeout", :rpc.call(far, Process, :sleep, [1000], 50))

      show(
        "erpc",
        {:erpc.call(far, fn -> node() end) == far,
         attempt(fn -> :erpc.call(far, :erlang, :error, [:bad]) end) |> elem(1) |> elem(0)}
      )

      show("multicall", :erpc.multicall([far, node()], :erlang, :length, [[1, 2]]))
      show("no server", attempt(fn -> GenServer.call({:nobody, far}, :x) end))

      {:ok, agent} =
        :rpc.call(far, Agent, :start, [fn -> 1 end]) |> case(do: ({:ok, a} -> {:ok, a}))

      show(
        "agent",
        {Agent.get_and_update(agent, &{&1, &1 + 1}), Agent.get(agent, & &1), Agent.stop(agent)}
      )

      show(
        "global",
        {:global.register_name(:here, self()), :global.sync(),
         :rpc.call(far, :global, :whereis_name, [:here]) == self()}
      )

      {:ok, _} = :pg.start(:nodes_test)
      :rpc.call(far, :pg, :start, [:nodes_test])
      :pg.join(:nodes_test, :group, self())
      Process.sleep(300)
      show("pg", :rpc.call(far, :pg, :get_members, [:nodes_test, :group]))

      # ---- the end of the connection

      :net_kernel.monitor_nodes(true)
      :net_kernel.monitor_nodes(true, [:nodedown_reason, node_type: :all])
      Node.monitor(far, true)
      Node.monitor(far, true)
      p = linked.(waits)
      m = Process.monitor(p)
      m2 = Process.monitor({:echo, far})

      show(
        "links and monitors",
        {Process.info(self(), :monitors) |> elem(1) |> length(), is_reference(m),
         is_reference(m2)}
      )

      show("disconnect", Node.disconnect(far))
      gone = for _ <- 1..7, do: next()
      show("what went", Enum.sort(plain(gone)))
      show("nodes", Node.list())
      show("send, not connecting", :erlang.send({:echo, far}, {self(), :x}, [:noconnect]))
      send({:echo, far}, {self(), :again})
      show("connected anew", Enum.sort(plain(for _ <- 1..3, do: next())))
      show("the linked one", :rpc.call(far, Process, :alive?, [p]))
      show("self", {Node.disconnect(node()), Node.monitor(node(), true), Node.ping(node())})
      show("nobody", {Node.ping(:no@such_host), :rpc.call(:no@such_host, :erlang, :node, [])})
      show("link with nobody", {Process.monitor({:x, :no@such_host}), next()})

      :net_kernel.monitor_nodes(false)
      :rpc.cast(far, :erlang, :halt, [0])
      show("halted", next())
      show("last", {next(500), Node.list()})
    end
  end

[far] = Enum.map(System.argv(), &String.to_atom/1)
:logger.set_primary_config(:level, :none)
Process.flag(:trap_exit, true)
true = Node.connect(far)
# Functions of this module run there, too.
{:module, _} = :rpc.call(far, :code, :load_binary, [module, 'signals', code])
Signals.run(far)
