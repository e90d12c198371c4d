# Tokens of sequential tracing that go with messages and exit signals to another node and back, and the events that each
# node's tracer gets. The name of the other node is the first argument.
{:module, module, code, _} =
  defmodule Tokens do
    # What is the same whatever the node's pids and references are called.
    def plain(t) when is_pid(t), do: if(to_string(node(t)) =~ "near", do: :near_pid, else: :far_pid)
    def plain(t) when is_reference(t), do: :ref
    def plain(t) when is_function(t), do: :fun
    def plain(t) when is_tuple(t), do: t |> Tuple.to_list() |> plain() |> List.to_tuple()
    def plain([h | t]), do: [plain(h) | plain(t)]
    def plain(t) when is_atom(t), do: if(to_string(t) =~ ~r/^far\d*@/, do: :far_node, else: t)
    def plain(t), do: t

    def show(label, t), do: IO.puts("#{label}: #{inspect(plain(t), limit: :infinity)}")

    # Keeps what a tracer gets.
    def keep(events) do
      receive do
        {:events, to} -> send(to, {:events, Enum.reverse(events)}) && keep([])
        event -> keep([event | events])
      end
    end

    def start_tracer do
      tracer = spawn(fn -> keep([]) end)
      Process.register(tracer, :tracer)
      :seq_trace.set_system_tracer(tracer)
      :ok
    end

    # Answers each message with the token that came with it.
    def answer do
      Process.flag(:trap_exit, true)

      receive do
        {:alias, to} -> send(to, {:alias, :erlang.alias()})
        {from, message} -> send(from, {message, :seq_trace.get_token()})
        {:EXIT, _, {reason, reply}} -> send(reply, {:exit, reason, :seq_trace.get_token()})
      end

      answer()
    end

    def next do
      receive do
        m -> m
      after
        2000 -> :nothing
      end
    end

    # The events of both nodes since the last time.
    def events(label, far) do
      token = :seq_trace.set_token([])
      Process.sleep(100)

      for {side, to} <- [near: :tracer, far: {:tracer, far}] do
        send(to, {:events, self()})
        receive do: ({:events, list} -> for(e <- list, do: show("#{label} #{side}", e)))
      end

      :seq_trace.set_token(token)
    end

    def run(far) do
      # What is called while it is traced is loaded before.
      show("terms", {self(), [make_ref(), far], {1, "text", &next/0}})
      :ok = start_tracer()
      :ok = :rpc.call(far, __MODULE__, :start_tracer, [])
      there = Node.spawn(far, __MODULE__, :answer, [])
      true = :rpc.call(far, Process, :register, [there, :answerer])
      send(there, {:alias, self()})
      {:alias, to_alias} = next()

      for flag <- [:send, :receive, :print], do: :seq_trace.set_token(flag, true)

      for label <- [17, {:any, "term", [self()]}] do
        :seq_trace.set_token(:label, label)

        for {kind, to} <- [pid: there, name: {:answerer, far}, alias: to_alias] do
          send(to, {self(), kind})
          show("#{kind} to and fro", next())
          show("here", {:seq_trace.get_token(:label), :seq_trace.get_token(:serial)})
        end

        :seq_trace.print(label, "printed")
        events("messages", far)
      end

      # A message without a token ends the receiver's.
      token = :seq_trace.set_token([])
      send(there, {self(), :without})
      show("without", next())
      show("here", :seq_trace.get_token())
      :seq_trace.set_token(token)

      me = self()

      spawn(fn ->
        Process.link(there)
        send(there, {self(), :linked})
        {:linked, _} = next()
        :seq_trace.set_token(:label, 99)
        :seq_trace.set_token(:send, true)
        exit({:ended, me})
      end)

      exit = next()
      events("exit", far)
      :seq_trace.set_token([])
      show("exit", exit)
    end
  end

[far] = Enum.map(System.argv(), &String.to_atom/1)
true = Node.connect(far)
{:module, _} = :rpc.call(far, :code, :load_binary, [module, ~c"tokens", code])
Tokens.run(far)
:rpc.cast(far, :erlang, :halt, [0])
