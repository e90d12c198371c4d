# Exit signals with priority, which OTP has since 28: to an alias that was made for them, and through links; also terms that are
# made persistent unless there are some.

defmodule Signals do
  def show(label, f) do
    told =
      try do
        f.()
      rescue
        e in ArgumentError -> {:badarg, Exception.message(e)}
      catch
        kind, reason -> {kind, reason}
      end

    IO.inspect(mask(told), label: label)
  end

  def all, do: Process.info(self(), :messages) |> elem(1)
  def flush, do: (receive do _ -> flush() after 0 -> :ok end)

  def mask(t) when is_reference(t), do: :ref
  def mask(t) when is_pid(t), do: if(t == self(), do: :me, else: :pid)
  def mask(t) when is_port(t), do: :port
  def mask(t) when is_tuple(t), do: t |> Tuple.to_list() |> Enum.map(&mask/1) |> List.to_tuple()
  def mask(t) when is_list(t), do: Enum.map(t, &mask/1)
  def mask(t), do: t

  # What is in the mailbox behind a message that was there before.
  def told(label, f) do
    flush()
    send(self(), :before)
    show(label, f)
    Process.sleep(10)
    IO.inspect(mask(all()))
    flush()
  end

  def ended(f) do
    {pid, monitor} = spawn_monitor(fn -> receive do: (:end -> exit(:ended)) end)
    f.(pid)
    send(pid, :end)
    receive(do: ({:DOWN, ^monitor, _, _, _} -> pid))
  end

  # How a process ends that gets such a signal, or sends it to itself, and does not trap exits.
  def outcome(reason, to, options) do
    me = self()

    {pid, monitor} =
      spawn_monitor(fn ->
        alias = :erlang.alias([:priority])
        send(me, {:alias, alias})
        if to == :itself, do: :erlang.exit(self(), reason, options)
        if to == :own_alias, do: :erlang.exit(alias, reason, options)
        if to == :signal_itself, do: apply(:erlang, :exit_signal, [self(), reason, options])
        receive(do: (:never -> :ok), after: (40 -> exit({:survived, Process.info(self(), :message_queue_len)})))
      end)

    alias = receive(do: ({:alias, alias} -> alias))
    if to == :alias, do: :erlang.exit(alias, reason, options)
    if to == :pid, do: :erlang.exit(pid, reason, options)
    receive(do: ({:DOWN, ^monitor, _, _, ended} -> {reason, to, options, ended}))
  end

  def run do
    Process.flag(:trap_exit, true)
    priority = :erlang.alias([:priority])
    plain = :erlang.alias([])
    {dead, _} = spawn_monitor(fn -> :ok end)
    receive(do: ({:DOWN, _, _, _, _} -> :ok))

    for {name, to} <- [priority: priority, plain: plain, me: self(), dead: dead, reference: make_ref(), name: :nobody],
        options <- [[], [:priority], [:priority, :priority], [:other], :none, [:priority | :priority]] do
      told("exit/3 #{name} #{inspect(options)}", fn -> :erlang.exit(to, :why, options) end)
      if function_exported?(:erlang, :exit_signal, 3), do: told("exit_signal/3", fn -> apply(:erlang, :exit_signal, [to, :why, options]) end)
    end

    for to <- [priority, plain], reason <- [:why, :normal] do
      told("exit/2", fn -> :erlang.exit(to, reason) end)
      told("exit/3", fn -> :erlang.exit(to, reason, [:priority]) end)
    end

    # Such a signal does not end an alias for one reply.
    for options <- [[], [:priority]] do
      reply = :erlang.alias([:reply, :priority])
      told("reply", fn -> {:erlang.exit(reply, :one, options), length(all()), :erlang.exit(reply, :two, options), length(all())} end)
      show("unalias", fn -> {:erlang.unalias(reply), :erlang.unalias(reply)} end)
      told("ended alias", fn -> :erlang.exit(reply, :three, options) end)
    end

    for reason <- [:normal, :boom, :kill], to <- [:alias, :pid, :itself, :own_alias], options <- [[], [:priority]] do
      IO.inspect(outcome(reason, to, options))
    end

    if function_exported?(:erlang, :exit_signal, 3), do: IO.inspect(outcome(:normal, :signal_itself, [:priority]))

    # ---- links

    :erlang.unalias(priority)
    info = fn -> Process.info(self(), :priority_messages) end
    show("none", info)

    for options <- [[], [:priority], [:priority, :priority], [:other], :none] do
      told("link/2 #{inspect(options)}", fn ->
        ended(fn pid ->
          show("linked", fn -> :erlang.link(pid, options) end)
          show("takes", info)
        end)
      end)
    end

    for calls <- [[[], [:priority]], [[:priority], []], [[:priority], :plain], [:plain, [:priority]], [[:priority], :unlink], [[:priority], :unlink, []]] do
      told("links #{inspect(calls)}", fn ->
        ended(fn pid ->
          for call <- calls do
            case call do
              :plain -> :erlang.link(pid)
              :unlink -> :erlang.unlink(pid)
              options -> :erlang.link(pid, options)
            end
          end

          show("takes", info)
        end)
      end)
    end

    told("the other side's", fn ->
      me = self()
      {pid, monitor} = spawn_monitor(fn -> :erlang.link(me, [:priority]); exit(:ended) end)
      receive(do: ({:DOWN, ^monitor, _, _, reason} -> {is_pid(pid), reason}))
    end)

    told("nobody", fn -> :erlang.link(dead, [:priority]) end)
    told("nobody, plain", fn -> :erlang.link(dead, []) end)
    told("itself", fn -> {:erlang.link(self(), [:priority]), info.()} end)
    told("no process", fn -> :erlang.link(:name, [:priority]) end)
    told("nothing right", fn -> :erlang.link(:name, [:other]) end)
    port = Port.open({:spawn, "cat"}, [])
    told("port", fn -> {:erlang.link(port, [:priority]), info.(), Port.close(port)} end)
    port = Port.open({:spawn, "cat"}, [])
    told("port by an exit signal", fn -> {:erlang.link(port, [:priority]), :erlang.exit(port, :ended, [:priority])} end)
    told("closed port", fn -> {:erlang.link(port, [:priority]), :erlang.exit(port, :ended, [:priority])} end)
    Process.flag(:trap_exit, false)
    told("nobody", fn -> :erlang.link(dead, [:priority]) end)
    show("none", info)

    # ---- persistent terms

    for {key, value} <- [a: 1, a: 1, a: 2, a: 1.0] ++ [{{:b}, "x"}, {{:b}, "x"}, {{:b}, "y"}, {1.0, 1}, {1, 1}, {1, 1.0}] do
      show("put_new #{inspect({key, value})}", fn -> :persistent_term.put_new(key, value) end)
    end

    show("kept", fn -> {:persistent_term.get(:a), :persistent_term.get({:b}), :persistent_term.get(1)} end)
    :persistent_term.erase(:a)
    show("again", fn -> {:persistent_term.put_new(:a, [2]), :persistent_term.get(:a)} end)

    # Of many at once one wins.
    me = self()

    for n <- 1..20 do
      spawn(fn -> send(me, {:put, try do :persistent_term.put_new(:raced, {n, "some data"}) rescue ArgumentError -> :late end}) end)
    end

    results = for _ <- 1..20, do: receive(do: ({:put, result} -> result))
    show("raced", fn -> {Enum.frequencies(results), elem(:persistent_term.get(:raced), 1)} end)
  end
end

if String.to_integer(System.otp_release()) < 28 do
  IO.inspect(for {f, a} <- [exit: 3, exit_signal: 3, link: 2], do: function_exported?(:erlang, f, a))
  for ref <- [make_ref(), :erlang.alias([])], do: Signals.show("no destination", fn -> :erlang.exit(ref, :why) end)
else
  Signals.run()
end
