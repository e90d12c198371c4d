# What happens while a message is looked at: evaluated code calls functions there, by prim_eval:receive/2.
defmodule Looks do
  def eval(source, bindings \\ []) do
    {:ok, tokens, _} = :erl_scan.string(String.to_charlist(source <> "."))
    {:ok, expressions} = :erl_parse.parse_exprs(tokens)
    {:value, value, _} = :erl_eval.exprs(expressions, bindings)
    value
  end

  def flush(list \\ []) do
    receive do
      m -> flush([m | list])
    after
      0 -> Enum.reverse(list)
    end
  end

  # What a process of its own gives.
  def alone(fun), do: result(start(fun))

  def start(fun), do: spawn_monitor(fn -> exit({:value, fun.()}) end)

  def result({pid, ref}) do
    receive do
      {:DOWN, ^ref, _, ^pid, {:value, value}} -> value
      {:DOWN, ^ref, _, ^pid, other} -> {:ended, other}
    after
      100_000 -> Process.info(pid, [:messages, :current_stacktrace])
    end
  end

  def caught(f) do
    f.()
  rescue
    e -> e.__struct__
  catch
    x -> x
  end

  # Much of what code can do, with parts of a message in hand.
  def work(m) do
    list = Enum.to_list(1..3000)
    errors = for i <- 1..10, do: caught(fn -> hd(Enum.at([[], 1], rem(i, 2))) end)
    thrown = for i <- 1..10, do: caught(fn -> throw({i, m}) end)
    :erlang.garbage_collect()
    {length(list), Enum.uniq(errors), Enum.all?(thrown, fn {_, t} -> t === m end)}
  end
end

IO.puts("# unwanted messages in front of evaluated receives")

for unwanted <- 0..3, wanted <- ["{I, {s, 0}}", "[I, $a | <<1, 2>>]", "\#{k => I}", "<<I:32, 5>>"] do
  source = """
  [self() ! {x, N, [N]} || N <- lists:seq(1, #{unwanted})],
  F = fun(I) ->
    self() ! #{wanted},
    receive
      {I, _} when is_integer(I) -> pair;
      [I, A | _] when A > $b; hd(A) =:= 1; A =:= $a -> list;
      \#{k := I} -> map;
      <<I:32, R/bits>> when bit_size(R) > hd([7]) -> bits
    end
  end,
  L = [F(I) || I <- lists:seq(1, 30)],
  {lists:usort(L), process_info(self(), message_queue_len)}
  """

  IO.inspect(Looks.alone(fn -> {Looks.eval(source), Looks.flush()} end))
end

IO.puts("# timeouts of evaluated receives, with unwanted messages")

IO.inspect(
  Looks.alone(fn ->
    send(self(), {:a, [1]})
    send(self(), {:b, [2]})
    r = Looks.eval("[receive {c, X} when hd(X) > 1 -> X after T -> {none, T} end || T <- [0, 1, 20]]")
    {r, Looks.flush()}
  end)
)

IO.puts("# functions that allocate, catch and collect")

IO.inspect(
  Looks.alone(fn ->
    for i <- 1..6, do: send(self(), {i, [i, "text", 1.5 * i], String.duplicate("b", 20 * i)})

    r =
      :prim_eval.receive(
        fn m = {i, parts, binary} ->
          done = Looks.work(m)
          if i == 4, do: {done, parts, byte_size(binary), m}, else: :nomatch
        end,
        :infinity
      )

    {r, Looks.flush()}
  end)
)

IO.puts("# much that dies at once does not stay")

IO.inspect(
  Looks.alone(fn ->
    for i <- 1..3, do: send(self(), {i, [i]})
    churn = fn _ -> Enum.each(1..30, fn _ -> Enum.to_list(1..20_000) end) end

    r =
      :prim_eval.receive(
        fn {i, rest} ->
          churn.(i)
          if i == 3, do: {i, rest}, else: :nomatch
        end,
        1000
      )

    {r, Looks.flush()}
  end)
)

IO.puts("# an exception leaves the look")

for class <- [:error, :exit, :throw] do
  IO.inspect(
    Looks.alone(fn ->
      send(self(), {:first, [:part, 1]})
      send(self(), :second)

      r =
        try do
          :prim_eval.receive(fn {:first, parts} -> :erlang.raise(class, {:left, parts}, []) end, 500)
        catch
          c, reason -> {c, reason}
        end

      :erlang.garbage_collect()
      {r, Looks.flush(), r}
    end)
  )
end

IO.inspect(
  Looks.alone(fn ->
    send(self(), {:first, [:part, 1]})
    :prim_eval.receive(fn {:first, parts} -> exit({:out, parts}) end, 500)
  end)
)

IO.puts("# a receive inside a look at the first message")

inside = fn f ->
  IO.inspect(
    Looks.alone(fn ->
      send(self(), {:outer, [1, 2.5], "binary"})

      r =
        :prim_eval.receive(
          fn m = {:outer, parts, _} ->
            r = f.()
            {r, parts, m, Looks.work(m)}
          end,
          1000
        )

      :erlang.garbage_collect()
      {r, Looks.flush()}
    end)
  )
end

inside.(fn ->
  for i <- 1..3, do: send(self(), {:inner, i, [i]})
  receive do: ({:inner, 2, list} -> list)
end)

inside.(fn -> Process.sleep(5) end)
inside.(fn -> receive(do: (:never -> 1), after: (5 -> :timeout)) end)
inside.(fn -> {:memory, n} = Process.info(Process.whereis(:code_server), :memory); n > 0 end)
inside.(fn -> :erlang.garbage_collect(Process.whereis(:code_server)) end)
inside.(fn -> elem(Code.eval_string("receive do: (:never -> 1), after: (1 -> [:evaluated, 1])"), 0) end)
inside.(fn -> Task.await(Task.async(fn -> Enum.map(1..3, &[&1]) end)) end)

inside.(fn ->
  try do
    receive(do: (:never -> 1), after: (:badly -> 2))
  rescue
    e -> e
  end
end)

inside.(fn ->
  Code.ensure_loaded?(:sofs)
end)

IO.puts("# questions of other processes while one looks")

defmodule Busy do
  # Looks at a message until the key is gone, and goes on with parts of the message.
  def start(key, unwanted) do
    Looks.start(fn ->
      for i <- 1..unwanted//1, do: send(self(), {:unwanted, [i, i]})
      send(self(), {:wanted, ["part", 2.5, [3]], {4, 5}})

      r =
        :prim_eval.receive(
          fn
            {:wanted, parts, t} ->
              kept = Looks.caught(fn -> throw([t | parts]) end)
              :persistent_term.put(key, true)
              spin(key)
              {kept, parts, t}

            {:unwanted, list} ->
              Looks.caught(fn -> hd(tl([list])) end)
              :nomatch
          end,
          :infinity
        )

      :erlang.garbage_collect()
      {r, Looks.flush()}
    end)
  end

  defp spin(key), do: if(:persistent_term.get(key, false), do: spin(key))
  def await(key), do: unless(:persistent_term.get(key, false), do: await(key))
end

for unwanted <- [0, 2],
    {name, ask} <- [
      info: fn pid -> Process.info(pid, [:messages, :message_queue_len, :priority, :trap_exit]) end,
      stack: fn pid -> is_list(Process.info(pid, :current_stacktrace) |> elem(1)) end,
      memory: fn pid -> Enum.all?(Process.info(pid, [:memory, :total_heap_size, :reductions]), &(elem(&1, 1) > 0)) end,
      collect: fn pid -> for i <- 1..5, do: :erlang.garbage_collect(pid, async: i) end,
      minor: fn pid -> for i <- 1..5, do: :erlang.garbage_collect(pid, type: :minor, async: i) end,
      suspend: fn pid -> {:erlang.suspend_process(pid), :erlang.resume_process(pid)} end,
      code: fn pid -> :erlang.check_process_code(pid, Looks, async: 1) end,
      trace: fn pid -> {:erlang.trace(pid, true, [:garbage_collection]), :erlang.trace(pid, false, [:all])} end,
      send: fn pid -> for i <- 1..3, do: send(pid, {:late, i}) end,
      literals: fn _ -> for i <- 1..50, do: :persistent_term.erase({:gone, i}) end
    ] do
  for i <- 1..50, do: :persistent_term.put({:gone, i}, {i, [i]})
  key = {name, unwanted}
  started = {pid, _} = Busy.start(key, unwanted)
  Busy.await(key)
  answer = ask.(pid)
  {:message_queue_len, _} = Process.info(pid, :message_queue_len)
  :persistent_term.erase(key)
  result = Looks.result(started)
  # The BEAM collects when the look is over.
  told = for m <- Looks.flush(), do: if(is_tuple(m), do: put_elem(m, 2, :any), else: m)
  IO.inspect({name, answer, result, told})
end

IO.puts("# an exit signal ends it")
{pid, _} = started = Busy.start(:killed, 1)
Busy.await(:killed)
Process.exit(pid, :enough)
IO.inspect(Looks.result(started))
:persistent_term.erase(:killed)
