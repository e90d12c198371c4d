# What runs on each of the nodes of tests/stress/nodes.exs: rounds of processes that deal with processes of the other nodes while
# connections are cut and nodes are killed. Each process is a model of what it may see. Arguments of main/1: SEED LIFE PEER...;
# "quiet" on standard input ends the rounds, "check" looks whether anything is left over.
defmodule Storm.Server do
  use GenServer
  def init(n), do: {:ok, n}
  def handle_call({:add, id}, _, n), do: {:reply, {:added, id}, n + 1}
  def handle_info(:ghost, _), do: Storm.Node.broken("a message to a process of an earlier life has reached its server")

  def handle_info({:twice, to, id}, n) do
    send(to, {to, id, 1})
    send(to, {to, id, 2})
    {:noreply, n}
  end

  def handle_info({:many, to, id, k}, n) do
    for i <- 1..k, do: send(to, {:alias, id, i})
    {:noreply, n}
  end
end

defmodule Storm.Node do
  @stuck 90_000
  @workers 24

  # ---- what a far process does

  def far(parent, kind) do
    Process.put(:storm, kind)
    if kind == :traps, do: Process.flag(:trap_exit, true)
    far(parent, Process.monitor(parent), {0, 0})
  end

  defp far(parent, monitor, {last, count}) do
    receive do
      {:number, i, payload, hash} ->
        if i <= last, do: exit({:broken, {:order, last, i}})
        if :erlang.phash2(payload) != hash, do: exit({:broken, {:payload, i}})
        send(parent, {:got, self(), i})
        far(parent, monitor, {i, count + 1})

      {:finish, reason} ->
        send(parent, {:finished, self(), count})
        exit(reason)

      {:go, reason} -> exit(reason)
      {:DOWN, ^monitor, _, _, _} -> exit(:parent_down)
      {:EXIT, ^parent, _} -> exit(:parent_down)
      other -> exit({:broken, {:stray, other}})
    end
  end

  # Starts it; `nil`: there is no connection.
  defp start(far, kind, options) do
    request = :erlang.spawn_request(far, __MODULE__, :far, [self(), kind], options)

    receive do
      {:spawn_reply, ^request, :ok, pid} ->
        note(pid)
        {pid, request}

      {:spawn_reply, ^request, :error, :noconnection} -> nil
      {:spawn_reply, ^request, _, _} = other -> promise(false, {:spawn, other})
    after
      @stuck -> promise(false, :no_spawn_reply)
    end
  end

  # ---- what the processes here do

  def storms, do: [order: &order/1, links: &links/1, monitors: &monitors/1, spawns: &spawns/1, aliases: &aliases/1, calls: &calls/1, ghosts: &ghosts/1]

  # Small messages and long ones, which go in fragments, arrive whole and in order; all of them, if there is no cut.
  defp order(far) do
    with {pid, monitor} <- start(far, :sink, [:monitor]) do
      n = :rand.uniform(60)
      for i <- 1..n, do: number(pid, i)
      send(pid, {:finish, {:done, n}})
      gather(pid, monitor, n, 0, 0, nil)
    end
  end

  defp number(pid, i) do
    payload =
      case :rand.uniform(12) do
        1 -> :binary.copy(<<i>>, :rand.uniform(400_000))
        2 -> Enum.to_list(1..(:rand.uniform(20_000)))
        3 -> %{pid: self(), ref: make_ref(), atom: :"an atom", fun: &number/2, bits: <<5::3>>}
        _ -> {i, 1.5}
      end

    send(pid, {:number, i, payload, :erlang.phash2(payload)})
  end

  defp gather(pid, monitor, n, last, count, finished) do
    receive do
      {:got, ^pid, i} ->
        promise(i > last, {:echoes, last, i})
        gather(pid, monitor, n, i, count + 1, finished)

      {:finished, ^pid, arrived} ->
        promise(finished == nil, :finished_twice)
        gather(pid, monitor, n, last, count, arrived)

      {:DOWN, ^monitor, :process, ^pid, {:done, ^n}} ->
        promise({finished, count} == {n, n}, {:lost_without_a_cut, finished, count, n})

      {:DOWN, ^monitor, :process, ^pid, reason} ->
        promise(reason in [:noconnection, :parent_down], {:ended, reason})
        strays(pid, last)
    after
      @stuck -> promise(false, {:waits, pid, count})
    end
  end

  # What comes by the next connection is in order, too.
  defp strays(pid, last) do
    receive do
      {:got, ^pid, i} -> promise(i > last, {:echoes_after_a_cut, last, i}) && strays(pid, i)
      {:finished, ^pid, _} -> strays(pid, last)
    after
      30 -> :ok
    end
  end

  # Each link ends once, and not at all when it was taken back.
  defp links(far) do
    Process.flag(:trap_exit, true)
    kind = pick([:traps, :dies])
    unlinks = chance(40)

    with {pid, monitor} <- start(far, kind, [:link, :monitor]) do
      if chance(30), do: Process.sleep(:rand.uniform(40))

      if unlinks do
        Process.unlink(pid)
        receive do: ({:EXIT, ^pid, reason} -> promise(reason in [:noconnection, :parent_down], {:early, reason})), after: (0 -> :ok)
      end

      send(pid, {:go, :went})
      promise(down(pid, monitor) in [:went, :noconnection, :parent_down], :reason)

      if not unlinks do
        receive do
          {:EXIT, ^pid, reason} -> promise(reason in [:went, :noconnection, :parent_down], {:exit, reason})
        after
          @stuck -> promise(false, {:no_exit, pid})
        end
      end
    end
  end

  # Each monitor ends once, and not at all when it was taken back.
  defp monitors(far) do
    with {pid, first} <- start(far, :dies, [:monitor]) do
      others = for _ <- 1..3, do: Process.monitor(pid)
      named = Process.monitor({Storm.Server, far})
      {back, others} = List.pop_at(others, :rand.uniform(3) - 1)
      Process.demonitor(back, [:flush])
      send(pid, {:go, :went})

      for monitor <- [first | others] do
        reason = down(pid, monitor)
        promise(reason in [:went, :noconnection, :noproc, :parent_down], {:down, reason})
      end

      receive do
        {:DOWN, ^named, :process, {Storm.Server, ^far}, reason} -> promise(reason in [:noconnection, :noproc], {:named, reason})
      after
        0 -> Process.demonitor(named, [:flush])
      end
    end
  end

  defp down(pid, monitor) do
    receive do
      {:DOWN, ^monitor, :process, ^pid, reason} -> reason
    after
      @stuck -> promise(false, {:no_down, pid})
    end
  end

  # Each request is answered once, many at a time.
  defp spawns(far) do
    requests = for _ <- 1..20, do: :erlang.spawn_request(far, __MODULE__, :far, [self(), :dies], [:monitor])

    for request <- requests do
      receive do
        {:spawn_reply, ^request, :ok, pid} ->
          send(pid, {:go, :went})
          promise(down(pid, request) in [:went, :noconnection, :parent_down], :spawned)

        {:spawn_reply, ^request, :error, reason} ->
          promise(reason == :noconnection, {:spawn, reason})
      after
        @stuck -> promise(false, :no_spawn_reply)
      end
    end
  end

  # An alias delivers one reply, or the monitor ends: never both; and nothing once it is taken back.
  defp aliases(far) do
    for id <- 1..10 do
      ref = :erlang.monitor(:process, {Storm.Server, far}, alias: :reply_demonitor)
      send({Storm.Server, far}, {:twice, ref, id})

      receive do
        {^ref, ^id, _} -> :ok
        {:DOWN, ^ref, _, _, reason} -> promise(reason in [:noconnection, :noproc], {:down, reason})
      after
        @stuck -> promise(false, {:no_answer, id})
      end
    end

    own = :erlang.alias()
    send({Storm.Server, far}, {:many, own, :own, 50})
    Process.sleep(:rand.uniform(5))
    :erlang.unalias(own)
    flush_alias(0)
  end

  defp flush_alias(last) do
    receive do
      {:alias, :own, i} -> promise(i > last, {:alias, last, i}) && flush_alias(i)
    after
      0 -> :ok
    end
  end

  # A call is answered with its own answer, or the node is down.
  defp calls(far) do
    for id <- 1..20 do
      try do
        promise(GenServer.call({Storm.Server, far}, {:add, id}, @stuck) == {:added, id}, {:answer, id})
      catch
        :exit, {{:nodedown, ^far}, _} -> :ok
        :exit, {reason, _} when reason in [:noproc, :noconnection] -> :ok
      end
    end
  end

  # Nothing reaches a process of this life of a node by a pid of an earlier one.
  defp ghosts(far) do
    Process.flag(:trap_exit, true)

    with {pid, monitor} <- start(far, :dies, [:monitor]) do
      now = creation(pid)

      for {^far, id, old} <- :ets.tab2list(:pids), old != now do
        ghost = pid_of(far, id, old)
        send(ghost, :ghost)
        Process.exit(ghost, :kill)
        Process.link(ghost)
        ref = Process.monitor(ghost)

        receive do: ({:EXIT, ^ghost, reason} -> promise(reason in [:noproc, :noconnection], {:ghost, reason})),
                after: (@stuck -> promise(false, {:no_exit_of_a_ghost, ghost}))

        receive do: ({:DOWN, ^ref, _, _, reason} -> promise(reason in [:noproc, :noconnection], {:ghost, reason})),
                after: (@stuck -> promise(false, {:no_down_of_a_ghost, ghost}))
      end

      send(pid, {:go, :went})
      promise(down(pid, monitor) in [:went, :noconnection, :parent_down], :reason)
    end
  end

  # The last pids of each life, without their node's help.
  defp note(pid) do
    <<131, 88, _::binary>> = binary = :erlang.term_to_binary(pid, minor_version: 2)
    <<id::32, _serial::32, creation::32>> = binary_part(binary, byte_size(binary), -12)
    if chance(5), do: :ets.insert(:pids, {node(pid), id, creation})
  end

  defp creation(pid) do
    binary = :erlang.term_to_binary(pid)
    <<creation::32>> = binary_part(binary, byte_size(binary), -4)
    creation
  end

  defp pid_of(node, id, creation) do
    name = Atom.to_string(node)
    :erlang.binary_to_term(<<131, 88, 119, byte_size(name), name::binary, id::32, 0::32, creation::32>>)
  end

  # ---- rounds

  def pick(list), do: Enum.at(list, :rand.uniform(length(list)) - 1)
  def chance(percent), do: :rand.uniform(100) <= percent
  def promise(true, _), do: true
  def promise(false, what), do: exit({:broken, what})

  def broken(text) do
    IO.puts("BROKEN #{node()}: #{text}")
    Process.sleep(200)
    System.halt(1)
  end

  def main([seed, life | peers]) do
    :logger.set_primary_config(:level, :none)
    [seed, life] = Enum.map([seed, life], &String.to_integer/1)
    peers = Enum.map(peers, &String.to_atom/1)
    :ets.new(:pids, [:public, :named_table, :bag])
    {:ok, _} = GenServer.start(Storm.Server, 0, name: Storm.Server)
    IO.puts("up")
    me = self()
    tables = length(:ets.all())
    rounds = spawn(fn -> rounds(me, peers, {seed, life, :erlang.phash2(node())}, 1, []) end)
    "quiet\n" = IO.gets("")
    send(rounds, :quiet)

    {n, memory} = receive(do: ({:rounds, n, memory} -> {n, Enum.reverse(memory)}), after: (2 * @stuck -> broken("rounds go on")))
    IO.puts("quiet")
    "check\n" = IO.gets("")
    check(tables, 100)

    with true <- life == 0, {:grew, before, now} <- Storm.Memory.check(memory, 32),
         do: broken("memory grew from #{before} to #{now} kB")

    IO.puts("ok #{n} rounds")
    "end\n" = IO.gets("")
    System.halt(0)
  end

  defp rounds(main, peers, seed, n, memory) do
    round(peers, seed, n)
    memory = if rem(n, 8) == 0, do: [Storm.Memory.now() | memory], else: memory

    receive do
      :quiet -> send(main, {:rounds, n, memory})
    after
      0 -> rounds(main, peers, seed, n + 1, memory)
    end
  end

  defp round(peers, {seed, life, me}, n) do
    running =
      for i <- 1..@workers, into: %{} do
        {name, storm} = Enum.at(storms(), rem(i, length(storms())))
        {pid, ref} = spawn_monitor(fn -> worker(name, storm, peers, {seed, life * 100_003 + n, me + i}) end)
        {ref, {name, pid}}
      end

    :rand.seed(:exsss, {seed, life * 100_003 + n, me})
    for _ <- 1..:rand.uniform(3), chance(60) do
      Process.sleep(:rand.uniform(120))
      Node.disconnect(pick(peers))
    end

    join(running, n)
  end

  defp worker(name, storm, peers, seed) do
    Process.put(:storm, name)
    :rand.seed(:exsss, seed)
    Process.sleep(:rand.uniform(60))
    storm.(pick(peers))
    nothing_comes()
  end

  # Nothing comes that was not expected, and nothing twice.
  defp nothing_comes do
    receive do
      # From a process that does not know of a cut yet.
      {what, _, _} when what in [:got, :finished] -> nothing_comes()
      stray -> promise(false, {:stray, stray})
    after
      20 -> :ok
    end
  end

  defp join(running, _) when running == %{}, do: :ok

  defp join(running, n) do
    receive do
      {:DOWN, ref, :process, _, reason} when is_map_key(running, ref) ->
        {{name, _}, running} = Map.pop(running, ref)
        if reason != :normal, do: broken("round #{n}, #{name}: #{inspect(reason, limit: 40) |> String.slice(0, 1500)}")
        join(running, n)
    after
      2 * @stuck -> broken("round #{n} is stuck: #{inspect(for {_, {name, pid}} <- running, do: {name, Process.info(pid, [:current_stacktrace, :messages])})}")
    end
  end

  # ---- the end

  defp check(tables, tries) do
    left = for pid <- Process.list(), {:dictionary, d} <- [Process.info(pid, :dictionary)], d[:storm], do: {pid, d[:storm]}
    server = Process.info(Process.whereis(Storm.Server), [:links, :monitors, :monitored_by, :message_queue_len])
    server = Enum.reject(server, fn {_, v} -> v in [[], 0] end)
    tables_left = length(:ets.all()) - tables

    cond do
      left == [] and server == [] and tables_left <= 0 -> :ok
      tries > 0 -> Process.sleep(100) && check(tables, tries - 1)
      true -> broken("left over: #{inspect(for {pid, s} <- left, do: {pid, s, Process.info(pid, [:current_stacktrace, :links, :monitors, :messages])})} #{inspect(server)} #{tables_left} tables")
    end
  end
end
