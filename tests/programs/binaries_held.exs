# Processes that receive, copy and drop large binaries hold few dead ones.
defmodule Held do
  def drop do
    receive do
      {:b, from, b} ->
        send(from, {:size, byte_size(b)})
        drop()
    end
  end

  # Gives the binary back, and forgets it.
  def pass do
    receive do
      {:b, from, b} ->
        send(from, {:back, b})
        pass()
    end
  end

  # Keeps the last three.
  def keep(list) do
    receive do
      {:b, from, b} ->
        send(from, {:size, byte_size(b)})
        keep(Enum.take([b | list], 3))
    end
  end

  def make do
    receive do
      {:b, from, b} ->
        send(from, {:size, byte_size(:binary.copy(b))})
        make()
    end
  end

  def look(table) do
    receive do
      {:b, from, b} ->
        :ets.insert(table, {:key, b})
        [{:key, found}] = :ets.lookup(table, :key)
        send(from, {:size, byte_size(found)})
        look(table)
    end
  end

  def bytes(pid) do
    {:binary, list} = Process.info(pid, :binary)
    list |> Enum.map(&elem(&1, 1)) |> Enum.sum()
  end
end

table = :ets.new(:held, [:public])
options = [[], [min_bin_vheap_size: 1000], [min_bin_vheap_size: 1_000_000]]

for {name, run, living} <- [
      drop: {&Held.drop/0, 0},
      pass: {&Held.pass/0, 0},
      keep: {fn -> Held.keep([]) end, 3},
      make: {&Held.make/0, 0},
      look: {fn -> Held.look(table) end, 0}
    ] |> Enum.map(fn {n, {r, l}} -> {n, r, l} end),
    option <- options do
  pid = :erlang.spawn_opt(run, option)

  most =
    for i <- 1..100 do
      send(pid, {:b, self(), :binary.copy(<<i>>, 100_000)})
      receive do: (m when elem(m, 0) in [:size, :back] -> :ok)
      Held.bytes(pid)
    end
    |> Enum.max()

  {_, info} = Process.info(pid, :garbage_collection_info)
  least = Keyword.get(option, :min_bin_vheap_size, 46_422)

  IO.inspect({
    name,
    option,
    # What lives, and the limits of both generations with what was just made.
    most <= 2 * (8 * max(least, 46_422) + 400_000) + 100_000 * living,
    info[:bin_vheap_block_size] >= min(least, 46_422),
    info[:bin_vheap_size] <= info[:bin_vheap_block_size] + 30_000
  })
end
