# Errors of what is applied: in code, by `apply` as a function, and where a process begins; the frames that they name.
defmodule Applied do
  def id(x), do: x

  def caught(name, f) do
    IO.inspect({name, f.()})
  catch
    kind, reason ->
      frames = for {m, f, a, info} <- Enum.take(__STACKTRACE__, 3), do: {m, f, a, info[:line]}
      IO.inspect({name, kind, reason, frames})
  end

  def run do
    {one, none} = {id(fn x -> x end), id(fn -> 1 end)}
    [erlang, applied, two, three] = id([:erlang, :apply, &:erlang.apply/2, &:erlang.apply/3])

    caught("last", fn -> apply(one, id([])) end)
    caught("not last", fn -> {apply(one, id([]))} end)
    caught("no fun", fn -> {apply(id(:none), id([1]))} end)
    caught("no list", fn -> {apply(none, id(:x))} end)
    caught("no list, last", fn -> apply(none, id([1 | 2])) end)
    caught("apply applied", fn -> {apply(erlang, applied, id([one, []]))} end)
    caught("apply applied, last", fn -> apply(erlang, applied, id([one, []])) end)
    caught("apply applied to no list", fn -> {apply(erlang, applied, id([none, :x]))} end)
    caught("a fun", fn -> {two.(one, [])} end)
    caught("a fun, last", fn -> two.(one, []) end)
    caught("a fun of no fun", fn -> {two.(:x, [])} end)
    caught("a fun of no list", fn -> {two.(one, :x)} end)
    caught("a fun of three", fn -> {three.(Applied, :id, :x)} end)
    caught("a fun of three, no name", fn -> {three.(Applied, 1, [])} end)
    caught("a fun of three, undefined", fn -> {three.(Applied, :none, [])} end)
    caught("inside", fn -> :lists.foldl(two, [], [one]) end)
    caught("inside, no list", fn -> :lists.foldl(two, :x, [one]) end)
    caught("twice", fn -> {apply(erlang, applied, id([erlang, applied, [one, []]]))} end)
    caught("an external fun", fn -> {two.(&:lists.map/2, [1])} end)
    caught("what is applied fails", fn -> {two.(&:erlang.hd/1, [[]])} end)

    for depth <- [0, 1, 2] do
      before = :erlang.system_flag(:backtrace_depth, depth)
      caught(depth, fn -> {two.(one, [])} end)
      caught(depth, fn -> {two.(one, :x)} end)
      caught(depth, fn -> {apply(one, id([]))} end)
      :erlang.system_flag(:backtrace_depth, before)
    end

    :logger.set_primary_config(:level, :none)

    for {m, f, a} <- [
          {:erlang, :apply, [one, []]},
          {:erlang, :apply, [none, [1, 2]]},
          {:erlang, :apply, [:none, []]},
          {:erlang, :apply, [one, :x]},
          {:erlang, :apply, [&:lists.map/2, [1]]},
          {:erlang, :apply, [&Applied.none/0, []]},
          {:erlang, :apply, [:lists, :none, []]},
          {:erlang, :apply, [:lists, 1, []]},
          {:erlang, :apply, [1]},
          {:erlang, :hd, [[]]},
          {:erlang, :throw, [1]},
          {Applied, :none, [1]},
          {:lists, :map, [1, 2]}
        ] do
      {pid, monitor} = spawn_monitor(m, f, a)
      receive do: ({:DOWN, ^monitor, _, ^pid, reason} -> IO.inspect({f, reason}))
    end

    # `exit/2` gives something back, other than the functions whose name it shares.
    other = spawn(fn -> Process.sleep(:infinity) end)
    IO.inspect(last(:erlang, :exit, [other, :kill]))
    {pid, monitor} = spawn_monitor(fn -> last(:erlang, :exit, [other, :kill]) end)
    receive do: ({:DOWN, ^monitor, _, ^pid, reason} -> IO.inspect({:exit, reason}))
  end

  def last(module, function, args), do: apply(module, function, args)
end

Applied.run()
