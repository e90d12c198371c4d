# Long binaries between two nodes: whole ones, parts of others, several in a message, those that funs hold, and what
# becomes of them on either side. The name of the other node is the first argument.
{:module, module, code, _} =
  defmodule Binaries do
    def next do
      receive do
        m -> m
      after
        20_000 -> :nothing
      end
    end

    def bytes(n, seed), do: for(i <- 1..n, into: <<>>, do: <<rem(i * i + seed * div(i, 7), 256)>>)

    # Takes messages and answers with their sums, and keeps them.
    def keeper(kept \\ []) do
      receive do
        {:sum, from, t} ->
          send(from, sum(t))
          keeper([t | kept])

        {:kept, from} ->
          send(from, Enum.map(kept, &sum/1))
          keeper(kept)

        {:shares, from} ->
          send(from, kept |> hd() |> List.wrap() |> Enum.map(&shares/1))
          keeper(kept)

        {:append, from} ->
          send(from, kept |> Enum.filter(&is_binary/1) |> Enum.map(&appended/1))
          keeper(kept)
      end
    end

    def sum(f) when is_function(f), do: sum(f.())
    def sum(t) when is_bitstring(t), do: {bit_size(t), :erlang.md5(<<t::bits, 0::size(rem(8 - rem(bit_size(t), 8), 8))>>)}
    def sum(t) when is_list(t), do: Enum.map(t, &sum/1)
    def sum(t), do: :erlang.phash2(t)

    # Whether a binary keeps more than a little besides itself.
    def shares(b), do: :binary.referenced_byte_size(b) > byte_size(b) + 1000

    def appended(b) do
      longer = b <> "one"
      other = b <> "two"
      {byte_size(longer), binary_part(longer, byte_size(b), 3), binary_part(other, byte_size(b), 3), sum(b)}
    end

    def holding(b), do: fn -> b end

    def run(far) do
      keeper = Node.spawn_link(far, Binaries, :keeper, [])
      long = bytes(300_000, 3)

      terms = [
        long,
        bytes(65_530, 1),
        bytes(70_000, 2),
        binary_part(long, 0, 200_000),
        binary_part(long, 7, 100_000),
        binary_part(long, 299_000, 1000),
        [binary_part(long, 10, 5000), binary_part(long, 3, 4096), binary_part(long, 3, 4095), binary_part(long, 1, 64)],
        [long, long, binary_part(long, 1, 299_999)],
        for(i <- 0..40, do: binary_part(long, i * 7000, 7000 + i)),
        [:an_atom, [long], {long, "short"}, %{long => long}],
        holding(long),
        [holding(binary_part(long, 5, 250_000)), holding(holding(long))],
        for(n <- [0, 1, 3, 8, 13], do: (<<_::size(n), t::bits-size(800_003), _::bits>> = long; t)),
        for(n <- [0, 1, 5, 8], do: (<<_::size(n), t::bits-size(80_000), _::bits>> = long; t)),
        :binary.copy("x", 3_000_000)
      ]

      for {t, i} <- Enum.with_index(terms) do
        send(keeper, {:sum, self(), t})
        IO.inspect({i, next() == sum(t)})
      end

      send(keeper, {:kept, self()})
      IO.inspect(next() == Enum.map(Enum.reverse(terms), &sum/1), label: "kept")
      send(keeper, {:append, self()})
      appended = next()
      IO.inspect(Enum.map(appended, &Tuple.delete_at(&1, 3)), label: "appended")
      IO.inspect(appended == terms |> Enum.reverse() |> Enum.filter(&is_binary/1) |> Enum.map(&appended/1))

      # What is much of a message keeps all of it; what is little of it does not.
      for parts <- [[290_000], [200_000, 90_000], [100_000, 100_000, 90_000], [270_000, 10_000, 5000, 100]] do
        t = for n <- parts, do: binary_part(long, 300_000 - n, n)
        send(keeper, {:sum, self(), t})
        true = next() == sum(t)
        send(keeper, {:shares, self()})
        IO.inspect({parts, next()})
      end

      # A binary that grows while what it was is on its way.
      grown =
        Enum.reduce(1..200, bytes(100_000, 5), fn i, b ->
          send(keeper, {:sum, self(), b})
          b <> <<i::size(512)>>
        end)

      sums = for _ <- 1..200, do: next()
      IO.inspect(sums == for(i <- 0..199, do: sum(binary_part(grown, 0, 100_000 + i * 64))), label: "grown")

      # Exit reasons and arguments.
      Process.flag(:trap_exit, true)
      p = Node.spawn_link(far, :erlang, :exit, [{long, "why"}])
      IO.inspect(match?({:EXIT, ^p, {^long, "why"}}, next()), label: "exit")
      IO.inspect(:erpc.call(far, Binaries, :sum, [long]) == sum(long), label: "call")
      IO.inspect(:rpc.call(far, :binary, :copy, [long, 2]) == long <> long, label: "result")
      :rpc.cast(far, :erlang, :halt, [0])
    end
  end

[far] = Enum.map(System.argv(), &String.to_atom/1)
true = Node.connect(far)
{:module, _} = :rpc.call(far, :code, :load_binary, [module, 'binaries', code])
Binaries.run(far)
