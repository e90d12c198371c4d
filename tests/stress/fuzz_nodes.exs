# Damaged handshakes and packets for a node, by its port.
#
#     fuzz_nodes.exs SECONDS SEED     as scripts/fuzz-nodes starts it: the node n2 on the real BEAM
#
# The node n1 (the command in FUZZ_TARGET) is what is tried. Each seed is one connection: a handshake, somewhere in it
# damaged or left, or a sound one and packets behind it: control messages of all kinds, right and damaged, atom caches,
# fragments. All the while this program is connected with n1 as a node, too: n1 has to answer by that connection, which
# never ends, and its memory stays bounded. SECONDS 0 tries the one seed.
defmodule Fuzz.Bytes do
  def below(n), do: :rand.uniform(max(n, 1)) - 1
  def chance(percent), do: :rand.uniform(100) <= percent
  def pick(list), do: Enum.at(list, below(length(list)))

  @edges [0, 1, 0x7F, 0x80, 0xFF, 0x100, 0xFFFF, 0x10000, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF]

  # Damages bytes in one to four places.
  def damage(bytes), do: Enum.reduce(1..:rand.uniform(4), bytes, fn _, b -> once(b, below(byte_size(b))) end)

  defp once(<<>>, _), do: :rand.bytes(3)

  defp once(bytes, at) do
    <<before::binary-size(at), byte, rest::binary>> = bytes

    case :rand.uniform(8) do
      1 -> before <> <<Bitwise.bxor(byte, Bitwise.bsl(1, below(8)))>> <> rest
      2 -> before <> <<below(256)>> <> rest
      3 -> before <> <<pick(@edges)::32>> <> binary_part(rest, min(3, byte_size(rest)), max(byte_size(rest) - 3, 0))
      4 -> before
      5 -> before <> rest
      6 -> before <> :rand.bytes(:rand.uniform(9)) <> bytes
      7 -> before <> binary_part(bytes, 0, at) <> rest
      8 -> bytes <> :rand.bytes(:rand.uniform(40))
    end
  end
end

defmodule Fuzz.Peer do
  import Fuzz.Bytes
  import Bitwise
  @cookie "fuzz"
  @known 0x4 ||| 0x10 ||| 0x80 ||| 0x100 ||| 0x200 ||| 0x400 ||| 0x800 ||| 0x4000 ||| 0x10000 ||| 0x20000 |||
           0x40000 ||| 0x80000 ||| 0x400000 ||| 0x1000000 ||| 0x2000000 ||| 0x4000000 ||| 1 <<< 32 ||| 1 <<< 34 ||| 1 <<< 35
  @cache 0x2000
  @fragments 0x800000

  # One connection, all of which follows from the seed (and from the pids that n1 has just now).
  def run(seed, target) do
    :rand.seed(:exsss, {seed, 0, 0})
    Process.put(:name, pick(["n#{10 + rem(seed, 8)}@#{target.host}", "n#{10 + rem(seed, 8)}@#{target.host}", "x#{below(1 <<< 20)}@#{target.host}"]))
    Process.put(:damage, pick([0, 0, 0, 15, 40]))

    case :gen_tcp.connect({127, 0, 0, 1}, target.port, [:binary, packet: :raw, active: false, nodelay: true], 5000) do
      {:ok, socket} ->
        Process.put(:socket, socket)
        result = catch_end(fn -> talk(target) end)
        :gen_tcp.close(socket)
        result

      {:error, reason} -> {:refused, reason}
    end
  end

  defp catch_end(f) do
    f.()
  catch
    :over -> :over
  end

  defp send_all(bytes), do: if(:gen_tcp.send(Process.get(:socket), bytes) != :ok, do: throw(:over))

  defp read(n) do
    case :gen_tcp.recv(Process.get(:socket), n, 700) do
      {:ok, bytes} -> bytes
      {:error, _} -> throw(:over)
    end
  end

  # ---- the handshake

  defp talk(target) do
    caps = @known ||| pick([0, @cache, @fragments, @cache ||| @fragments, @cache ||| @fragments])
    put(hello(caps))
    status(get())
    <<kind, rest::binary>> = get() |> sound()
    challenge = challenge(kind, rest)
    digest = :erlang.md5(@cookie <> Integer.to_string(challenge))
    put(<<?r, below(1 <<< 32)::32, digest::binary>>)
    _ = get()
    :counters.add(target.shaken, 1, 1)
    Process.put(:damage, pick([0, 10, 30]))
    for _ <- 1..pick([1, 5, 20, 60]), do: packet(target, caps)
    # What is still on its way is carried out before the connection goes, as a rule.
    if chance(60), do: :gen_tcp.recv(Process.get(:socket), 0, pick([0, 1, 5]))
  end

  defp hello(caps) do
    name = Process.get(:name)
    caps = if chance(10), do: Bitwise.bxor(caps, 1 <<< below(64)), else: caps

    case :rand.uniform(8) do
      1 -> <<?n, 5::16, caps::32, name::binary>>
      2 -> <<?n, 6::16, caps::32, name::binary>>
      3 -> <<?N, caps::64, below(1 <<< 32)::32, byte_size(name) + below(3) - 1::16, name::binary>>
      4 -> <<?N, caps::64, 0::32, 0::16>>
      _ -> <<?N, caps::64, below(1 <<< 32)::32, byte_size(name)::16, name::binary>>
    end
  end

  defp status("salive"), do: put(pick(["strue", "sfalse", "s"]))
  defp status("s" <> _), do: :ok
  defp status(_), do: throw(:over)

  defp challenge(?N, <<_::64, challenge::32, _::binary>>), do: challenge
  defp challenge(?n, <<_::16, _::32, challenge::32, _::binary>>), do: challenge
  defp challenge(_, _), do: throw(:over)

  defp sound(<<_, _::binary>> = bytes), do: bytes
  defp sound(_), do: throw(:over)

  # A packet of the handshake, its length right or not; or there is an end to it.
  defp put(bytes) do
    case Process.get(:damage) > below(100) && :rand.uniform(7) do
      false -> send_all(<<byte_size(bytes)::16, bytes::binary>>)
      1 -> throw(:over)
      2 -> send_all(<<byte_size(bytes) + below(9) - 4::16, bytes::binary>>)
      3 -> send_all(<<below(1 <<< 16)::16>>) && throw(:over)
      4 -> send_all(<<65_535::16, :rand.bytes(65_535)::binary>>)
      5 -> send_all(:rand.bytes(:rand.uniform(300)))
      _ -> damage(bytes) |> then(&send_all(<<byte_size(&1)::16, &1::binary>>))
    end
  end

  defp get do
    <<length::16>> = read(2)
    if length == 0, do: <<>>, else: read(length)
  end

  # ---- what comes behind it

  defp packet(target, caps) do
    case :rand.uniform(30) do
      1 -> send_all(<<0::32>>)
      2 -> send_all(<<pick([1, 4, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 1 <<< 27])::32, :rand.bytes(below(2000))::binary>>) && throw(:over)
      3 -> send_all(frame(:rand.bytes(below(300))))
      4 -> for _ <- 1..pick([1, 20, 300]), do: send_all(frame(fragment(message(target), caps)))
      5 -> unfinished()
      _ -> whole(target, caps)
    end
  end

  defp frame(bytes), do: <<byte_size(bytes)::32, bytes::binary>>

  defp whole(target, caps) do
    bytes = form(message(target), caps)
    send_all(frame(if(damaged?(), do: damage(bytes), else: bytes)))
  end

  defp damaged?, do: Process.get(:damage) > below(100)

  # Control tuple and message in the form that was agreed on, as a rule.
  defp form({control, message}, caps) do
    cached = (caps &&& @cache) != 0
    terms = fn mark -> Enum.map_join([control | message], fn t -> mark <> bare(t) end) end

    case if(chance(5), do: not cached, else: cached) do
      false when (caps &&& @fragments) == 0 -> <<112, terms.(<<131>>)::binary>>
      false -> <<131, 68, 0, terms.(<<>>)::binary>>
      true -> <<131, 68, header()::binary, terms.(<<>>)::binary>>
    end
  end

  defp bare(t), do: t |> :erlang.term_to_binary(minor_version: 2) |> then(fn <<131, rest::binary>> -> rest end)

  # Atoms of a header: none, or some that are new or were told.
  defp header do
    case pick([0, 0, 1, 2, 5, 255]) do
      0 ->
        <<0>>

      n ->
        long = pick([0, 0, 1])
        atoms = for _ <- 1..n, do: {pick([0, 8, 8, 8]), below(256), "a#{below(500)}"}
        halves = Enum.map(atoms, fn {new, _, _} -> new ||| below(8) end) ++ [long]
        halves = if rem(length(halves), 2) == 1, do: halves ++ [0], else: halves
        told = for {new, slot, text} <- atoms, into: <<>>, do: if(new == 8, do: <<slot, byte_size(text)::size(8 * (1 + long)), text::binary>>, else: <<slot>>)
        flags = for [low, high] <- Enum.chunk_every(halves, 2), into: <<>>, do: <<high::4, low::4>>
        <<n, flags::binary, told::binary>>
    end
  end

  # A fragment: in order or not, of a sequence that has begun or not.
  defp fragment(message, _caps) do
    {sequence, number} = {pick([1, 2, 3, below(1 <<< 64)]), pick([0, 1, 2, 3, 100, (1 <<< 64) - 1])}
    bytes = form(message, @cache ||| @fragments)

    case :rand.uniform(3) do
      1 -> <<131, 69, sequence::64, number::64, binary_part(bytes, 2, byte_size(bytes) - 2)::binary>>
      2 -> <<131, 70, sequence::64, number::64, :rand.bytes(below(500))::binary>>
      3 -> <<131, 69, sequence::64, pick([2, 3])::64, 0, bare({2, :"", self()})::binary>>
    end
  end

  # Long messages that never end.
  defp unfinished do
    {first, n, size} = {below(1 <<< 32), pick([1, 50, 2000]), pick([0, 100, 60_000])}

    for i <- 0..min(n, div(8_000_000, size + 100)) do
      send_all(frame(<<131, 69, first + i::64, pick([2, 1000, (1 <<< 64) - 1])::64, 0, bare({2, :"", self()})::binary, 0::size(8 * size)>>))
    end
  end

  # A control tuple, and what stands behind it.
  defp message(target) do
    [mine, theirs, old, ref] = [mine(), pick(target.pids), pick(target.gone), their_ref(target)]
    to = pick([theirs, theirs, old, mine])
    payload = payload(target)
    monitor = my_ref()

    case :rand.uniform(34) do
      1 -> {{1, mine, to}, []}
      2 -> {{2, :"", to}, [payload]}
      3 -> {{3, mine, to, :why}, []}
      4 -> {{4, mine, to}, []}
      5 -> {{5}, []}
      6 -> {{6, mine, :"", pick([:fuzz_echo, :nobody_of_this_name])}, [payload]}
      7 -> {{7, mine, to}, []}
      8 -> {{8, mine, to, :why}, []}
      9 -> {{12, :"", to, :token}, [payload]}
      10 -> {{13, mine, to, :token, :why}, []}
      11 -> {{16, mine, :"", :fuzz_echo, :token}, [payload]}
      12 -> {{18, mine, to, :token, :why}, []}
      13 -> {{19, mine, pick([to, :fuzz_echo, :nobody_of_this_name]), monitor}, []}
      14 -> {{20, mine, pick([to, :fuzz_echo]), monitor}, []}
      15 -> {{21, pick([mine, :name]), to, ref, :why}, []}
      16 -> {{22, mine, to}, [payload]}
      17 -> {{23, mine, to, :token}, [payload]}
      18 -> {{24, mine, to}, [payload]}
      19 -> {{25, mine, to, :token}, [payload]}
      20 -> {{26, mine, to}, [payload]}
      21 -> {{27, mine, to, :token}, [payload]}
      22 -> {{28, pick([mine, :name]), to, ref}, [payload]}
      23 -> {{29, monitor, mine, mine, pick([{:lists, :seq, 2}, {:no_module, :f, 0}, {:lists, :seq}, :no]), pick([[], [:link, :monitor], [:bad], [monitor: [{:tag, 1}]], :no])}, [pick([[1, 2], [], [1 | 2], payload])]}
      24 -> {{31, ref, to, pick([0, 1, 2, 3, -1, 1 <<< 70]), pick([mine, :badopt, 7])}, []}
      25 -> {{33, mine, ref}, [payload]}
      26 -> {{34, mine, ref, :token}, [payload]}
      27 -> {{35, pick([1, 0, -1, 1 <<< 63, 1 <<< 64, :a]), mine, to}, []}
      28 -> {{36, pick([1, 0, -1, 1 <<< 63, 1 <<< 64, :a]), mine, to}, []}
      29 -> {List.to_tuple([below(60) | for(_ <- 1..:rand.uniform(6), do: pick([mine, to, ref, monitor, :atom, 7, payload]))]), pick([[], [payload]])}
      30 -> {payload, pick([[], [payload]])}
      31 -> {{2, :"", to}, [payload, payload]}
      # What comes ends with links and monitors that are left.
      32 -> {{1, mine, pick(target.pids)}, []}
      33 -> {{19, mine, pick(target.pids), monitor}, []}
      34 -> {{2, :"", pick(target.pids)}, [:binary.copy("x", below(300_000))]}
    end
  end

  defp payload(target) do
    pick([:ok, 1, 1.5, "text", [1, 2 | 3], {:a, {:b}}, %{a: 1}, Map.new(1..40, &{&1, &1}), &Enum.map/2, fn x -> x end, mine(), my_ref(), pick(target.pids), <<5::3>>, 1 <<< 200, self(), make_ref(), :"ünïcode", List.duplicate(0, below(2000))])
  end

  # Identifiers of the node that this says to be.
  defp mine, do: identifier(88, <<below(1000)::32, 0::32, pick([0, 1, 77])::32>>)
  defp my_ref, do: reference(Process.get(:name), 77, [below(1000), 1, 2])
  defp identifier(tag, rest), do: :erlang.binary_to_term(<<131, tag, 119, byte_size(Process.get(:name)), Process.get(:name)::binary, rest::binary>>)

  defp reference(node, creation, words) do
    words = for w <- words, into: <<>>, do: <<w::32>>
    :erlang.binary_to_term(<<131, 90, div(byte_size(words), 4)::16, 119, byte_size(node), node::binary, creation::32, words::binary>>)
  end

  defp their_ref(target), do: pick([reference(target.name, target.creation, [below(1000), below(9), below(9)]), my_ref(), pick(target.refs)])
end

defmodule Fuzz.Nodes do
  @most 700 * 1024
  @workers 8
  @batch 200

  def main([seconds, seed]) do
    [seconds, seed] = Enum.map([seconds, seed], &String.to_integer/1)
    {target, port} = start()
    :net_kernel.monitor_nodes(true)
    true = Node.connect(target.node)
    before = resident(target)
    ends = now() + seconds * 1000
    tried = batches(target, port, seed, if(seconds == 0, do: 1, else: @batch), ends)
    # Nothing of it is left.
    rest = at_rest(target, before, 100)
    IO.puts("#{tried} connections from seed #{seed} on, #{:counters.get(target.shaken, 1)} of them shook hands, none breaks anything; resident #{div(before, 1024)} MB, at the end #{div(rest, 1024)} MB")
    :rpc.cast(target.node, :erlang, :halt, [0])
    System.halt(0)
  end

  defp start do
    [command | args] = String.split(System.fetch_env!("FUZZ_TARGET"))
    [_, host] = node() |> Atom.to_string() |> String.split("@")
    erl = "-start_epmd false -epmd_module stress_epmd -pa #{System.fetch_env!("FUZZ_CODE")} -kernel logger_level none +t 8000000"
    echo = "Process.register(spawn(fn -> Stream.repeatedly(fn -> receive do {f, m} when is_pid(f) -> send(f, {:echo, m}); _ -> :ok end end) |> Stream.run() end), :fuzz_echo); IO.puts(:up); Process.sleep(:infinity)"
    args = args ++ ["--sname", "n1", "--cookie", "fuzz", "--erl", erl, "-e", echo]
    port = Port.open({:spawn_executable, System.find_executable(command)}, [:binary, :exit_status, :stderr_to_stdout, line: 4096, args: args])
    receive do: ({^port, {:data, {:eol, "up"}}} -> :ok), after: (60_000 -> fail("n1 does not start"))
    {:os_pid, os_pid} = Port.info(port, :os_pid)
    Process.put(:os_pid, os_pid)
    number = String.to_integer(System.fetch_env!("STRESS_PORTS")) + 1
    {%{shaken: :counters.new(1, []), node: :"n1@#{host}", name: "n1@#{host}", host: host, port: number}, port}
  end

  defp batches(target, port, seed, n, ends) do
    target = with_pids(target)
    seeds = Enum.to_list(seed..(seed + n - 1))
    # Those of one worker say to be the same node.
    running = for w <- 0..(@workers - 1), do: spawn_monitor(fn -> for s <- seeds, rem(s, @workers) == w, do: try_one(s, target) end)
    for {_, ref} <- running, do: join(ref, port, seed, n)
    look(target, port, "seeds #{seed} to #{seed + n - 1}")
    if now() < ends, do: n + batches(target, port, seed + n, n, ends), else: n
  end

  defp try_one(seed, target) do
    case Fuzz.Peer.run(seed, target) do
      {:refused, reason} -> exit({:refused, seed, reason})
      _ -> :ok
    end
  end

  defp join(ref, port, seed, n) do
    receive do
      {:DOWN, ^ref, _, _, :normal} -> :ok
      {:DOWN, ^ref, _, _, reason} -> fail("seeds #{seed} to #{seed + n - 1}: #{inspect(reason)}")
      {^port, what} -> fail("seeds #{seed} to #{seed + n - 1}: n1: #{inspect(what)}")
    after
      120_000 -> fail("seeds #{seed} to #{seed + n - 1}: they take too long")
    end
  end

  # The connection beside is the same as ever, and answers.
  defp look(target, port, which) do
    ref = make_ref()
    send({:fuzz_echo, target.node}, {self(), ref})

    receive do
      {:echo, ^ref} -> :ok
      {:nodedown, node} when node == target.node -> fail("#{which}: the connection beside has ended")
      {^port, what} -> fail("#{which}: n1: #{inspect(what)}")
    after
      20_000 -> fail("#{which}: no answer by the connection beside")
    end

    memory = resident(target)
    if memory > @most, do: fail("#{which}: n1 takes #{div(memory, 1024)} MB")
  end

  defp resident(target) do
    status = call(target, File, :read!, ["/proc/self/status"])
    [_, kb] = Regex.run(~r/VmRSS:\s+(\d+) kB/, status)
    String.to_integer(kb)
  end

  # When all connections have ended: no process, port or memory of theirs.
  defp at_rest(target, before, tries) do
    ports = length(call(target, :erlang, :ports, []))
    nodes = call(target, :erlang, :nodes, [:connected])
    memory = resident(target)

    cond do
      nodes == [node()] and ports < 20 and memory < before + 150 * 1024 -> memory
      tries > 0 -> Process.sleep(100) && at_rest(target, before, tries - 1)
      true -> fail("left over: #{ports} ports, #{inspect(nodes)}, #{div(memory, 1024)} MB (#{div(before, 1024)} before)")
    end
  end

  defp call(target, m, f, a) do
    case :rpc.call(target.node, m, f, a, 20_000) do
      {:badrpc, reason} -> fail("n1 does not answer a call: #{inspect(reason)}")
      value -> value
    end
  end

  # Processes to send to, of which some end by that, and such that have ended.
  defp with_pids(target) do
    pids = for _ <- 1..8, do: Node.spawn(target.node, Process, :sleep, [20_000])
    gone = for _ <- 1..2, do: Node.spawn(target.node, :erlang, :self, [])
    refs = for _ <- 1..2, do: call(target, :erlang, :make_ref, [])
    bytes = :erlang.term_to_binary(hd(pids))
    <<creation::32>> = binary_part(bytes, byte_size(bytes), -4)
    Map.merge(target, %{pids: pids, gone: gone, refs: refs, creation: creation})
  end

  defp fail(text) do
    IO.puts("FAILED: #{text}")
    rest = fn rest -> receive(do: ({port, {:data, {_, more}}} when is_port(port) -> IO.puts(more) && rest.(rest)), after: (1000 -> :ok)) end
    rest.(rest)
    if pid = Process.get(:os_pid), do: System.cmd("kill", ["-9", "#{pid}"], stderr_to_stdout: true)
    System.halt(1)
  end

  defp now, do: System.monotonic_time(:millisecond)
end

Fuzz.Nodes.main(System.argv())
