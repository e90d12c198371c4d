# bytes.exs KIND: makes many of one kind, keeps them, and prints the bytes that one of them takes of resident memory.
# Without KIND: prints the kinds.

defmodule Bytes do
  @kinds %{
    "idle process" => {100_000, :processes},
    "message of one atom" => {500_000, :atoms_sent},
    "message of a small tuple" => {500_000, :tuples_sent},
    "timer" => {300_000, :timers},
    "row of a set" => {300_000, :set},
    "row of an ordered set" => {300_000, :ordered_set},
    "atom of 11 characters" => {200_000, :atoms},
    "binary of 100 bytes" => {200_000, :binaries},
    "loaded module" => {nil, :modules}
  }

  def print([]), do: @kinds |> Map.keys() |> Enum.each(&IO.puts/1)

  def print([kind]) do
    {count, make} = Map.fetch!(@kinds, kind)
    # What is needed once is there before it counts.
    keep(make, 1..10)
    before = resident()
    made = keep(make, if(count, do: 1..count, else: modules()))
    IO.puts(div(resident() - before, count || length(made)))
  end

  defp keep(:processes, numbers), do: each(numbers, fn _ -> spawn(fn -> receive(do: (:end -> :ok)) end) end)
  defp keep(:atoms_sent, numbers), do: sent(numbers, fn _ -> :message end)
  defp keep(:tuples_sent, numbers), do: sent(numbers, &{:message, &1})
  defp keep(:timers, numbers), do: each(numbers, fn _ -> :erlang.start_timer(3_600_000, :nobody, :x) end)
  defp keep(:set, numbers), do: table(:set, numbers)
  defp keep(:ordered_set, numbers), do: table(:ordered_set, numbers)
  defp keep(:atoms, numbers), do: each(numbers, &:erlang.binary_to_atom("atom_" <> String.pad_leading("#{&1}", 6, "0")))
  defp keep(:binaries, numbers), do: Enum.map(numbers, &:binary.copy(<<&1::800>>))
  defp keep(:modules, _.._ = _none), do: []
  defp keep(:modules, modules), do: Enum.filter(modules, &match?({:module, _}, :code.load_file(&1)))

  # What `make` gives is not kept: only what it makes counts.
  defp each(numbers, make), do: Enum.each(numbers, make)

  defp sent(numbers, message) do
    me = self()
    receiver = spawn(fn -> receive(do: ({:end, ^me} -> :ok)) end)
    Enum.each(numbers, &send(receiver, message.(&1)))
  end

  defp table(type, numbers) do
    table = :ets.new(:table, [type, :public])
    Enum.each(numbers, &:ets.insert(table, {&1, :value, &1}))
    table
  end

  # Those of two applications that nothing here needs.
  defp modules do
    for app <- [:syntax_tools, :parsetools, :tools, :xmerl],
        path <- Path.wildcard("#{:code.lib_dir(app)}/ebin/*.beam"),
        module = path |> Path.basename(".beam") |> String.to_atom(),
        do: module
  end

  defp resident do
    :erlang.garbage_collect()
    [pages] = Regex.run(~r/^\d+ (\d+)/, File.read!("/proc/self/statm"), capture: :all_but_first)
    String.to_integer(pages) * 4096
  end
end

Bytes.print(System.argv())
