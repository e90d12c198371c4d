# What waits for a node that does not answer, and messages that are no terms. The name of the other node is the first
# argument.
{:module, module, code, _} =
  defmodule Busy do
    def next(time \\ 2000) do
      receive do
        m -> m
      after
        time -> :nothing
      end
    end

    # Sends until too much waits, and goes on waiting.
    def fill(far, data, refused \\ 0)
    def fill(_, _, 5), do: :busy

    def fill(far, data, refused) do
      case :erlang.send({:nobody, far}, data, [:nosuspend]) do
        :ok ->
          fill(far, data)

        :nosuspend ->
          Process.sleep(20)
          fill(far, data, refused + 1)
      end
    end

    # The bytes of a term, as they stand behind a header without atoms.
    def bytes(t), do: t |> :erlang.term_to_binary() |> binary_part(1, byte_size(:erlang.term_to_binary(t)) - 1)

    # Sends what is no term to processes of the other node, behind the emulator's back.
    def broken(to, n) do
      channel = :erts_debug.get_internal_state({:dist_ctrl, node(to)})

      for _ <- 1..n,
          do: :erlang.port_command(channel, [lead(), 131, 68, 0, bytes({2, :"", to}), 82, 137])

      :ok
    end

    # What the driver of sockets wants before the bytes: since OTP 27 a reference.
    def lead do
      if :erlang.system_info(:otp_release) >= [?2, ?7] do
        reference = :erlang.term_to_binary(make_ref(), [:local])
        <<byte_size(reference)::16, reference::binary>>
      else
        ""
      end
    end

    def down(far, time \\ 3000) do
      receive do
        {:nodedown, ^far} -> :down
      after
        time -> :up
      end
    end

    def run(far) do
      :erts_debug.set_internal_state(:available_internal_state, true)
      :rpc.call(far, :erts_debug, :set_internal_state, [:available_internal_state, true])

      # ---- a node that stands still

      parent = self()
      data = :binary.copy("x", 1_000_000)
      waits = fn -> receive(do: (r -> exit(r))) end
      others = for _ <- 1..4, do: Node.spawn(far, waits)
      [a, b, c, d] = others

      deeds = [
        link: fn -> Process.link(a) end,
        monitor: fn -> is_reference(Process.monitor(b)) end,
        exit: fn -> Process.exit(c, :told) end,
        send: fn -> send(d, :told) end,
        send_2: fn -> :erlang.send({:nobody, far}, :x) end,
        send_3: fn -> :erlang.send({:nobody, far}, :x, []) end,
        nosuspend: fn -> :erlang.send({:nobody, far}, :x, [:nosuspend]) end
      ]

      monitor_c = Process.monitor(c)
      :erpc.cast(far, :erts_debug, :set_internal_state, [:block, 2500])
      Process.sleep(300)
      IO.inspect(fill(far, data), label: "filled")

      doers =
        for {name, deed} <- deeds, do: {name, spawn(fn -> send(parent, {self(), deed.()}) end)}

      Process.sleep(200)

      for {name, p} <- doers do
        IO.inspect(Process.info(p, :status), label: name)
      end

      # What a process that is ended while it waits has sent goes out all the same.
      Process.exit(doers[:exit], :kill)

      for {name, p} <- doers, name != :exit do
        receive do
          {^p, answer} -> IO.inspect(answer, label: name)
        after
          5000 -> IO.puts("#{name}: nothing")
        end
      end

      receive do
        {:DOWN, ^monitor_c, _, _, why} -> IO.inspect(why, label: "exit")
      after
        3000 -> IO.puts("exit: nothing")
      end

      # ---- what is no term

      :net_kernel.monitor_nodes(true)
      count = fn p -> Process.info(p, :message_queue_len) |> elem(1) end
      p = spawn(fn -> Process.sleep(:infinity) end)
      suspended = spawn(fn -> Process.sleep(:infinity) end)
      :erlang.suspend_process(suspended)
      send(suspended, :good)
      Node.spawn(far, Busy, :broken, [suspended, 3])
      IO.inspect({down(far, 500), count.(suspended)}, label: "to a suspended process")
      IO.inspect(Process.info(suspended, [:message_queue_len, :messages]), label: "looked at")
      IO.inspect({down(far), Node.list()}, label: "then")

      true = Node.connect(far)
      Node.spawn(far, Busy, :broken, [suspended, 1])
      IO.inspect({down(far, 500), count.(suspended)}, label: "to a suspended process")
      true = Node.disconnect(far)
      :down = down(far)
      true = Node.connect(far)
      :erlang.resume_process(suspended)
      Process.exit(suspended, :kill)
      IO.inspect(down(far, 300), label: "of an earlier connection")

      Node.spawn(far, Busy, :broken, [p, 1])
      receiver = spawn(fn -> receive(do: (:never -> :ok)) end)
      _ = down(far, 300)
      true = Node.connect(far)
      Node.spawn(far, Busy, :broken, [receiver, 1])
      IO.inspect(down(far), label: "to a process that receives")
      IO.inspect(Process.info(receiver, :messages), label: "its messages")
      dead = spawn(fn -> :ok end)
      true = Node.connect(far)
      Node.spawn(far, Busy, :broken, [dead, 1])
      IO.inspect(down(far, 300), label: "to nobody")

      :rpc.cast(far, :erlang, :halt, [0])
    end
  end

[far] = Enum.map(System.argv(), &String.to_atom/1)
:logger.set_primary_config(:level, :none)
Process.flag(:trap_exit, true)
true = Node.connect(far)
{:module, _} = :rpc.call(far, :code, :load_binary, [module, 'busy', code])
Busy.run(far)
