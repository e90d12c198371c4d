# Code that is loaded and purged, and persistent terms that are replaced, many times over: what is still referred to
# stays whole, and memory does not grow.
defmodule Memory do
  def resident do
    [_, kb] = Regex.run(~r/VmRSS:\s+(\d+) kB/, File.read!("/proc/self/status"))
    div(String.to_integer(kb), 1024)
  end

  def grown(label, f, warm, full) do
    f.(warm)
    Process.sleep(300)
    before = resident()
    {us, :ok} = :timer.tc(fn -> f.(full) end)
    Process.sleep(300)
    IO.puts(:stderr, "#{label}: #{div(us, 1000)} ms, #{before} MB before, #{resident()} MB after")
    IO.inspect(resident() - before < 24, label: label)
  end
end

defmodule Holder do
  # Keeps what it gets; answers whether all of it is as it should be.
  def loop(kept) do
    receive do
      {:keep, term} -> loop([term | kept])
      {:check, from, f} -> send(from, {self(), Enum.all?(kept, f)}) && loop(kept)
    end
  end
end

code = fn n ->
  clause = fn body -> [{:clause, 1, [], [], body}] end
  text = {:string, 1, 'a literal of some length'}
  big = {:integer, 1, 123_456_789_012_345_678_901_234_567_890}
  bin = {:bin, 1, [{:bin_element, 1, {:string, 1, List.duplicate(?b, 100)}, :default, :default}]}

  {:ok, :purged, binary} =
    :compile.forms([
      {:attribute, 1, :module, :purged},
      {:attribute, 1, :export, [literal: 0, closure: 1]},
      {:function, 1, :literal, 0, clause.([{:tuple, 1, [{:integer, 1, n}, text, big, bin]}])},
      {:function, 1, :closure, 1,
       [{:clause, 1, [{:var, 1, :X}], [], [{:fun, 1, {:clauses, clause.([{:tuple, 1, [{:var, 1, :X}, text]}])}}]}]}
    ])

  binary
end

versions = for n <- 1..10, do: {n, code.(n)}
whole? = fn {n, text, big, bin} ->
  n in 1..10 and text == 'a literal of some length' and big == 123_456_789_012_345_678_901_234_567_890 and
    bin == String.duplicate("b", 100)
end

holder = spawn_link(fn -> Holder.loop([]) end)

load = fn times ->
  for i <- 1..times do
    {n, binary} = Enum.at(versions, rem(i, 10))
    {:module, :purged} = :erlang.load_module(:purged, binary)
    literal = :purged.literal()
    {^i, _} = :purged.closure(i).()
    if rem(i, 100) == 0, do: send(holder, {:keep, literal})
    true = :erlang.delete_module(:purged)
    true = :erlang.purge_module(:purged)
    {^n, _, _, _} = literal
  end

  :ok
end

put = fn times ->
  for i <- 1..times, do: :persistent_term.put(:changing, {i, Enum.to_list(1..20), :binary.copy("x", 1000)})
  :ok
end

Memory.grown("modules", load, 1000, 10_000)
send(holder, {:check, self(), whole?})
receive do: ({^holder, all} -> IO.inspect(all, label: "kept"))

readers =
  for _ <- 1..4 do
    Task.async(fn ->
      for _ <- 1..20_000 do
        {i, list, bin} = :persistent_term.get(:changing, {0, Enum.to_list(1..20), :binary.copy("x", 1000)})
        true = is_integer(i) and list == Enum.to_list(1..20) and byte_size(bin) == 1000
      end
    end)
  end

Memory.grown("persistent terms", put, 100_000, 100_000)
Task.await_many(readers, :infinity)
IO.inspect(:persistent_term.get(:changing) |> elem(0))
IO.inspect(:persistent_term.erase(:changing))
