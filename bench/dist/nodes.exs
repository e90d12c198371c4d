# What two nodes send each other. `ENGINE --sname FAR ... bench/dist/nodes.exs` is the far node, which ends with the
# near one; `ENGINE --sname NEAR ... bench/dist/nodes.exs FAR@HOST` prints what each kind of traffic is called and
# microseconds for one message or call, the best of three, with a tab between.
defmodule Dist.Server do
  use GenServer
  def init(n), do: {:ok, n}
  def handle_call(:add, _, n), do: {:reply, n, n + 1}
end

defmodule Dist do
  @small 100_000
  @maps 20_000
  @calls 10_000
  @callers 20
  @large 60
  @many 40

  # ---- the far node, which prints its name when it is up

  def far do
    {:ok, _} = GenServer.start_link(Dist.Server, 0, name: Dist.Server)
    IO.puts(node())
    :net_kernel.monitor_nodes(true)
    receive do: ({:nodedown, _} -> System.halt(0))
  end

  def echo do
    receive do: ({from, what} -> send(from, {:echo, what}))
    echo()
  end

  # Takes `n` messages, then says so.
  def sink(to, 0), do: send(to, {:took, self()})
  def sink(to, n), do: receive(do: (_ -> sink(to, n - 1)))

  # ---- the near node

  def operations(far) do
    binary = :crypto.strong_rand_bytes(1_000_000)
    map = Map.new(1..20, &{:"field_#{&1}", {&1, "value"}})
    echo = Node.spawn(far, __MODULE__, :echo, [])

    [
      {"small tuples, one way", @small, fn -> one_way(far, @small, &{:item, &1, :ok}) end},
      {"maps of 20 fields, one way", @maps, fn -> one_way(far, @maps, fn _ -> map end) end},
      {"GenServer.call", @calls, fn -> calls(far, @calls) end},
      {"GenServer.call of 20 callers", @calls, fn -> callers(far) end},
      {"binaries of 1 MB, to and fro", @large, fn -> round_trips(echo, binary, @large) end},
      {"binaries of 1 MB, one way", @large, fn -> one_way(far, @large, fn _ -> binary end) end},
      {"40 senders to 40 receivers", @many * @many * 50, fn -> many(far) end}
    ]
  end

  defp one_way(far, n, message) do
    sink = Node.spawn(far, __MODULE__, :sink, [self(), n])
    for i <- 1..n, do: send(sink, message.(i))
    receive do: ({:took, ^sink} -> :ok)
  end

  defp calls(far, n), do: for(_ <- 1..n, do: GenServer.call({Dist.Server, far}, :add))

  defp callers(far) do
    together(@callers, fn _ -> calls(far, div(@calls, @callers)) end)
  end

  defp round_trips(echo, what, n) do
    for _ <- 1..n do
      send(echo, {self(), what})
      receive do: ({:echo, back} when byte_size(back) == byte_size(what) -> :ok)
    end
  end

  defp many(far) do
    each = @many * 50
    sinks = for _ <- 1..@many, do: Node.spawn(far, __MODULE__, :sink, [self(), each])
    together(@many, fn i -> for(n <- 1..50, sink <- sinks, do: send(sink, {i, n, :ok})) end)
    for sink <- sinks, do: receive(do: ({:took, ^sink} -> :ok))
  end

  defp together(n, f) do
    running = for i <- 1..n, do: spawn_monitor(fn -> f.(i) end)
    for {_, ref} <- running, do: receive(do: ({:DOWN, ^ref, _, _, :normal} -> :ok))
  end

  def near(far, part) do
    true = Node.connect(far)

    for {name, n, run} <- operations(far), String.contains?(name, part) do
      took = for _ <- 1..3, do: run |> :timer.tc() |> elem(0)
      IO.puts("#{name}\t#{Enum.min(took) / n}")
    end
  end
end

case System.argv() do
  [] -> Dist.far()
  [far | part] -> Dist.near(String.to_atom(far), Enum.join(part))
end
