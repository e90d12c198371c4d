# Loops of jumps, as the compiler never writes them but beam_validator accepts them: they can be left at any time, and
# what they hold in registers, stack slots, float registers and reserved heap stays whole.
defmodule Jumps do
  def load(name, functions) do
    exports = for {:function, f, a, _, _} <- functions, do: {f, a}
    last = functions |> List.last() |> elem(4)
    labels = for({:label, n} <- last, do: n) |> Enum.max()
    code = {name, exports, [], functions, labels + 1}
    # Straight to the assembler: the passes before it do not expect such code, and may loop themselves.
    {:ok, binary} = :beam_asm.module(code, [], [], [:no_error_module])
    {:module, ^name} = :code.load_binary(name, ~c"none", binary)
    name
  end

  # A function whose entry is the second of its labels.
  def function(name, module, arity, label, body) do
    head = [{:label, label}, {:func_info, {:atom, module}, {:atom, name}, arity}, {:label, label + 1}]
    {:function, name, arity, label + 1, head ++ body}
  end

  def minus(live, from, to), do: {:gc_bif, :-, {:f, 0}, live, [from, {:integer, 1}], to}
  def plus(live, from, n, to), do: {:gc_bif, :+, {:f, 0}, live, [from, n], to}

  # What runs until it has ended, while others collect it, ask it, and suspend it.
  def disturbed(module, function, args) do
    me = self()
    pid = spawn(fn -> send(me, {self(), apply(module, function, args)}) end)
    disturb(pid)
    receive do: ({^pid, value} -> value)
  end

  def disturb(pid) do
    if Process.alive?(pid) do
      :erlang.garbage_collect(pid)
      Process.info(pid, [:current_function, :heap_size, :messages])
      # It may have ended meanwhile.
      try do
        :erlang.suspend_process(pid)
        :erlang.garbage_collect(pid)
        :erlang.resume_process(pid)
      rescue
        ArgumentError -> :ended
      end

      disturb(pid)
    end
  end

  # The real BEAM never gets the thread back from such a process: for it, what should come is printed.
  def ended(name, start) do
    if real_beam?(), do: IO.inspect({name, :enough}), else: end_it(name, start)
  end

  def real_beam?, do: not String.contains?(to_string(:erlang.system_info(:system_version)), "purlin")

  def end_it(name, start) do
    {pid, ref} = spawn_monitor(start)
    Process.sleep(20)
    Process.exit(pid, :enough)
    receive do: ({:DOWN, ^ref, _, _, reason} -> IO.inspect({name, reason}))
  end

  def run do
    [x0, x1, x2, x3, x5] = for n <- [0, 1, 2, 3, 5], do: {:x, n}
    y0 = {:y, 0}
    rounds = 300_000

    load(:endless, [
      function(:jump, :endless, 0, 1, [{:jump, {:f, 2}}]),
      function(:test, :endless, 1, 3, [{:test, :is_atom, {:f, 4}, [x0]}, {:jump, {:f, 4}}]),
      function(:select, :endless, 1, 5, [
        {:select_val, x0, {:f, 6}, {:list, [{:integer, 1}, {:f, 6}, {:integer, 2}, {:f, 6}]}}
      ]),
      function(:arity, :endless, 1, 7, [
        {:select_tuple_arity, x0, {:f, 8}, {:list, [1, {:f, 8}, 2, {:f, 8}]}}
      ]),
      function(:frame, :endless, 1, 9, [
        {:allocate, 2, 1},
        {:move, x0, y0},
        {:init_yregs, {:list, [{:y, 1}]}},
        {:label, 11},
        {:jump, {:f, 11}}
      ]),
      function(:caught, :endless, 1, 12, [
        {:allocate, 1, 1},
        {:init_yregs, {:list, [y0]}},
        {:label, 14},
        {:try, y0, {:f, 15}},
        {:badmatch, {:atom, :x}},
        {:label, 15},
        {:try_case, y0},
        {:jump, {:f, 14}}
      ])
    ])

    for {f, args} <- [jump: [], test: [:a], test: [1], select: [1], select: [3], arity: [{1}], arity: [:a], frame: [[1]], caught: [1]] do
      ended({f, args}, fn -> apply(:endless, f, args) end)
    end

    # Down to zero with a tuple, a list and a number that grows in other registers.
    load(:counts, [
      function(:down, :counts, 3, 1, [
        {:move, {:integer, 0}, x5},
        {:label, 3},
        {:test, :is_ne_exact, {:f, 4}, [x0, {:integer, 0}]},
        plus(6, x5, {:integer, 3}, x5),
        minus(6, x0, x0),
        {:jump, {:f, 3}},
        {:label, 4},
        {:test_heap, 5, 6},
        {:put_tuple2, x0, {:list, [x0, x1, x2, x5]}},
        :return
      ] |> List.insert_at(0, {:move, {:atom, :c}, {:x, 4}}) |> List.insert_at(0, {:move, {:atom, :b}, x3})),
      function(:conses, :counts, 2, 5, [
        {:label, 7},
        {:test, :is_ne_exact, {:f, 8}, [x0, {:integer, 0}]},
        {:test_heap, 2, 2},
        {:put_list, x0, x1, x1},
        minus(2, x0, x0),
        {:jump, {:f, 7}},
        {:label, 8},
        {:move, x1, x0},
        :return
      ]),
      function(:floats, :counts, 1, 9, [
        {:fmove, {:literal, 0.5}, {:fr, 0}},
        {:fmove, {:literal, 1.25}, {:fr, 1}},
        {:label, 11},
        {:test, :is_ne_exact, {:f, 12}, [x0, {:integer, 0}]},
        {:fadd, {:f, 0}, {:fr, 0}, {:fr, 1}, {:fr, 0}},
        minus(1, x0, x0),
        {:jump, {:f, 11}},
        {:label, 12},
        {:test_heap, {:alloc, [{:words, 0}, {:floats, 1}, {:funs, 0}]}, 0},
        {:fmove, {:fr, 0}, x0},
        :return
      ]),
      function(:slots, :counts, 2, 13, [
        {:allocate, 3, 2},
        {:move, x1, y0},
        {:init_yregs, {:list, [{:y, 1}, {:y, 2}]}},
        {:label, 15},
        {:test, :is_ne_exact, {:f, 16}, [x0, {:integer, 0}]},
        {:test_heap, 3, 1},
        {:put_tuple2, {:y, 1}, {:list, [x0, y0]}},
        minus(1, x0, x0),
        {:jump, {:f, 15}},
        {:label, 16},
        {:move, {:y, 1}, x0},
        {:deallocate, 3},
        :return
      ]),
      function(:natives, :counts, 2, 17, [
        {:allocate, 2, 2},
        {:move, x0, y0},
        {:move, x1, {:y, 1}},
        {:label, 19},
        {:test, :is_ne_exact, {:f, 20}, [y0, {:integer, 0}]},
        {:move, {:y, 1}, x0},
        {:call_ext, 1, {:extfunc, :erlang, :list_to_tuple, 1}},
        {:call_ext, 1, {:extfunc, :erlang, :tuple_to_list, 1}},
        {:move, x0, {:y, 1}},
        minus(0, y0, y0),
        {:jump, {:f, 19}},
        {:label, 20},
        {:move, {:y, 1}, x0},
        {:deallocate, 2},
        :return
      ])
    ])

    boxed = fn -> {self() == nil, [1, "abc", make_ref() == nil]} end
    IO.inspect(disturbed(:counts, :down, [rounds, boxed.(), [boxed.(), Bitwise.bsl(1, 70)]]))
    IO.inspect(:erlang.phash2(disturbed(:counts, :conses, [rounds, [boxed.()]])))
    IO.inspect(disturbed(:counts, :floats, [rounds]))
    IO.inspect(disturbed(:counts, :slots, [rounds, boxed.()]))
    IO.inspect(disturbed(:counts, :natives, [20_000, [boxed.(), :b, 3]]))

    # Nobody else is held up meanwhile, and the program ends though the loop goes on.
    unless real_beam?(), do: for(_ <- 1..3, do: spawn(:endless, :jump, []))
    Process.sleep(10)
    IO.inspect(Enum.sum(1..1000))
  end
end

Jumps.run()
