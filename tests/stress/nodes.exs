# Three nodes that deal with each other (tests/stress/nodes/node.ex) while their connections are cut and nodes are killed.
#
#     nodes.exs SECONDS SEED KIND,KIND,KIND     a kind is "purlin" (the command in STRESS_PURLIN) or "beam" (elixir)
#
# This program runs on the real BEAM and is none of the nodes. They connect by way of its proxies, which cut connections
# wherever in a packet that is, delay bytes, and reset. The first node lives through all; the others are killed now and
# then, and come back under their names.
defmodule Storm.Proxy do
  # Takes connections for a node.
  def start(from, to) do
    {:ok, listener} = :gen_tcp.listen(from, [:binary, active: false, reuseaddr: true, ip: {127, 0, 0, 1}, backlog: 50])
    spawn_link(fn -> accept(listener, to) end)
  end

  defp accept(listener, to) do
    {:ok, near} = :gen_tcp.accept(listener)

    case :gen_tcp.connect({127, 0, 0, 1}, to, [:binary, active: false, nodelay: true]) do
      {:ok, far} ->
        :inet.setopts(near, nodelay: true)
        pair = spawn(fn -> receive(do: (:go -> pair(near, far))) end)
        for s <- [near, far], do: :gen_tcp.controlling_process(s, pair)
        send(pair, :go)
        Agent.update(__MODULE__, &[pair | &1])

      {:error, _} ->
        :gen_tcp.close(near)
    end

    accept(listener, to)
  end

  defp pair(near, far) do
    for s <- [near, far], do: :inet.setopts(s, active: :once)
    pass(near, far)
  end

  defp pass(near, far) do
    receive do
      {:tcp, from, data} ->
        to = if from == near, do: far, else: near
        :ok = :inet.setopts(from, active: :once)
        if :gen_tcp.send(to, data) == :ok, do: pass(near, far), else: close(near, far)

      {:stall, time} -> Process.sleep(time) && pass(near, far)
      {:cut, resets} -> reset(near, far, resets)
      _ -> close(near, far)
    end
  end

  defp reset(near, far, resets) do
    for s <- [near, far], resets, do: :inet.setopts(s, linger: {true, 0})
    close(near, far)
  end

  defp close(near, far), do: for(s <- [near, far], do: :gen_tcp.close(s))

  def connections, do: Agent.get_and_update(__MODULE__, fn all -> all |> Enum.filter(&Process.alive?/1) |> then(&{&1, &1}) end)
end

defmodule Storm.Nodes do
  def main([seconds, seed, kinds]) do
    [seconds, seed] = Enum.map([seconds, seed], &String.to_integer/1)
    :rand.seed(:exsss, {seed, 0, 0})
    {:ok, _} = Agent.start_link(fn -> [] end, name: Storm.Proxy)
    first = 22_000 + rem(:erlang.phash2(:os.getpid()), 9_000)
    dir = compile()
    kinds = kinds |> String.split(",") |> Enum.with_index(1)
    for {_, i} <- kinds, do: Storm.Proxy.start(first + 100 + i, first + i)
    all = %{first: first, dir: dir, seed: seed, kinds: Map.new(kinds, fn {k, i} -> {i, k} end)}
    nodes = for {_, i} <- kinds, into: %{}, do: {i, start(all, i, 0)}
    {nodes, cuts} = storm(all, nodes, now() + seconds * 1000, %{cuts: 0, stalls: 0, kills: 0})
    tell(nodes, "quiet")
    for {_, node} <- nodes, do: expect(node, "quiet", 240_000)
    tell(nodes, "check")
    rounds = for {_, node} <- nodes, do: expect(node, "ok", 60_000)
    tell(nodes, "end")
    for {_, node} <- nodes, do: ended(node)
    File.rm_rf(dir)
    IO.puts("#{Enum.join(rounds, ", ")}; #{cuts.cuts} cuts, #{cuts.stalls} stalls, #{cuts.kills} nodes killed: all promises held")
  end

  # The nodes have the code from their beginning: others do not wait until a script is compiled.
  defp compile do
    dir = Path.join(System.tmp_dir!(), "stress_nodes_#{:os.getpid()}")
    File.mkdir_p!(dir)

    for file <- ~w(memory nodes/stress_epmd nodes/node), {module, code} <- Code.compile_file(Path.join(__DIR__, "#{file}.ex")) do
      File.write!(Path.join(dir, "#{module}.beam"), code)
    end

    dir
  end

  defp start(all, i, life) do
    [command | args] = if all.kinds[i] == "beam", do: ["elixir"], else: String.split(System.fetch_env!("STRESS_PURLIN"))
    {:ok, host} = :inet.gethostname()
    peers = for j <- Map.keys(all.kinds), j != i, do: "n#{j}@#{host}"
    erl = "-start_epmd false -epmd_module stress_epmd -pa #{all.dir} -kernel prevent_overlapping_partitions false"
    args = args ++ ["--sname", "n#{i}", "--cookie", "storm", "--erl", erl, "-e", "Storm.Node.main(System.argv())", "--", "#{all.seed}", "#{life}" | peers]
    env = [{'STRESS_PORTS', '#{all.first}'}]
    port = Port.open({:spawn_executable, System.find_executable(command)}, [:binary, :exit_status, :stderr_to_stdout, line: 4096, args: args, env: env])
    {:os_pid, os_pid} = Port.info(port, :os_pid)
    node = %{i: i, life: life, port: port, os_pid: os_pid}
    Process.put(i, os_pid)
    expect(node, "up", 60_000)
    node
  end

  defp storm(all, nodes, ends, counts) do
    Process.sleep(:rand.uniform(250))
    look(nodes)

    cond do
      now() > ends -> {nodes, counts}
      :rand.uniform(60) == 1 -> kill(all, nodes, ends, counts)
      :rand.uniform(3) == 1 -> storm(all, nodes, ends, disturb(counts, :stalls, {:stall, :rand.uniform(150)}))
      true -> storm(all, nodes, ends, disturb(counts, :cuts, {:cut, :rand.uniform(2) == 1}))
    end
  end

  defp disturb(counts, what, order) do
    case Storm.Proxy.connections() do
      [] -> counts
      list -> send(Enum.random(list), order) && Map.update!(counts, what, &(&1 + 1))
    end
  end

  defp kill(all, nodes, ends, counts) do
    i = 1 + :rand.uniform(map_size(nodes) - 1)
    node = nodes[i]
    System.cmd("kill", ["-9", "#{node.os_pid}"])
    receive do: ({port, {:exit_status, _}} when port == node.port -> :ok)
    storm(all, %{nodes | i => start(all, i, node.life + 1)}, ends, %{counts | kills: counts.kills + 1})
  end

  # Whatever a node says unasked is a fault.
  defp look(nodes) do
    receive do
      {port, {:data, {_, line}}} -> fail(name(nodes, port), port, line)
      {port, {:exit_status, status}} -> fail(name(nodes, port), port, "ended with #{status}")
    after
      0 -> :ok
    end
  end

  defp tell(nodes, what), do: for({_, n} <- nodes, do: Port.command(n.port, what <> "\n"))

  defp expect(%{port: port} = node, what, time) do
    receive do
      {^port, {:data, {:eol, "resident" <> _ = line}}} ->
        IO.puts("n#{node.i}: #{line}")
        expect(node, what, time)

      {^port, {:data, {_, line}}} ->
        if String.starts_with?(line, what), do: String.trim_leading(line, "ok "), else: fail(node.i, port, line)

      {^port, {:exit_status, status}} -> fail(node.i, port, "ended with #{status}")
    after
      time -> fail(node.i, port, "waited for #{what}")
    end
  end

  defp ended(%{port: port}), do: receive(do: ({^port, {:exit_status, _}} -> :ok), after: (20_000 -> fail("?", port, "does not end")))

  defp name(nodes, port), do: Enum.find_value(nodes, "?", fn {i, n} -> n.port == port && i end)

  defp fail(i, port, line) do
    IO.puts("FAILED: n#{i}: #{line}")
    rest = fn rest -> receive(do: ({^port, {:data, {_, more}}} -> IO.puts(more) && rest.(rest)), after: (1000 -> :ok)) end
    rest.(rest)
    for {i, pid} when is_integer(i) <- Process.get(), do: System.cmd("kill", ["-9", "#{pid}"], stderr_to_stdout: true)
    System.halt(1)
  end

  defp now, do: System.monotonic_time(:millisecond)
end

Storm.Nodes.main(System.argv())
