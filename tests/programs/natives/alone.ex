# A native called in a process of its own, with arguments that stand for what each run has anew (`:self` for the process,
# `:table` for a table of its own, ...), and what it gave, with these names put back in place. A file that
# natives_alone.exs and natives_options.exs share.

defmodule Alone do
  # Prints a digest of what each call of a native gave, or each call when the native is `chosen`.
  def report(native, calls, chosen) when chosen in [nil, native] do
    digest =
      Enum.reduce(calls, :erlang.md5_init(), fn {module, name, shape}, digest ->
        seen = {shape, call(module, name, shape)}
        if chosen, do: IO.puts(inspect(seen, limit: :infinity, printable_limit: :infinity))
        :erlang.md5_update(digest, :erlang.term_to_binary(seen))
      end)

    IO.puts("#{native} #{digest |> :erlang.md5_final() |> Base.encode16()}")
  end

  def report(_, _, _), do: :ok

  def call(module, name, shape) do
    {pid, monitor} = spawn_monitor(fn -> exit({:seen, in_process(module, name, shape)}) end)

    receive do
      {:DOWN, ^monitor, _, _, {:seen, seen}} -> seen
      {:DOWN, ^monitor, _, _, other} -> {:ended, hide(other, %{})}
    after
      10_000 ->
        Process.exit(pid, :kill)
        :waits
    end
  end

  defp in_process(module, name, shape) do
    world = Enum.reduce(Enum.uniq(atoms(shape)), %{self: self(), node: node()}, &with_own/2)
    names = Map.new(world, fn {name, own} -> {own, name} end)
    seen = attempt(module, name, real(shape, world), names)
    if world[:other], do: Process.exit(world[:other], :kill)
    seen
  end

  defp attempt(module, name, arguments, names) do
    {:ok, hide(apply(module, name, arguments), names)}
  catch
    kind, reason -> {kind, hide(reason, names), said(kind, reason, Enum.take(__STACKTRACE__, 1))}
  end

  # What the shell would say, without identifiers and without the line breaks that their width makes.
  defp said(kind, reason, stack) do
    text = :erl_error.format_exception(kind, reason, stack) |> IO.chardata_to_string()
    text = Regex.replace(~r/\n +(?!called|in |\*)/, text, "")
    Regex.replace(~r/<\d+\.\d+\.\d+>|#Ref<[\d.]+>|#Port<[\d.]+>|#Fun<[^>]*>/, text, "?")
  catch
    kind, reason -> {kind, reason}
  end

  defp with_own(:other, w), do: Map.put(w, :other, sleeper())
  defp with_own(:dead, w), do: Map.put(w, :dead, ended())
  defp with_own(:ref, w), do: Map.put(w, :ref, make_ref())
  defp with_own(:alias, w), do: Map.put(w, :alias, :erlang.alias())
  defp with_own(:monitor, w), do: Map.put(w, :monitor, Process.monitor(spawn_link(fn -> Process.sleep(5000) end)))
  defp with_own(:timer, w), do: Map.put(w, :timer, :erlang.send_after(1_000_000, self(), :late))
  defp with_own(:fun, w), do: Map.put(w, :fun, &:erlang.abs/1)
  defp with_own(:table, w), do: Map.put(w, :table, :ets.new(:natives_table, []))
  defp with_own(:port, w), do: Map.put(w, :port, port())
  defp with_own(:no_name, w), do: Map.put(w, :no_name, :natives_no_name)
  defp with_own(:elsewhere, w), do: Map.put(w, :elsewhere, :elsewhere@nowhere)
  defp with_own(:foreign_pid, w), do: foreign(w, :foreign_pid, <<88, 100, 3::16, "a@b", 5::32, 0::32, 1::32>>)

  defp with_own(:foreign_ref, w),
    do: foreign(w, :foreign_ref, <<90, 3::16, 100, 3::16, "a@b", 1::32, 1::32, 2::32, 3::32>>)

  defp with_own(:foreign_port, w), do: foreign(w, :foreign_port, <<89, 100, 3::16, "a@b", 7::32, 1::32>>)

  defp with_own(:closed, w) do
    port = port()
    :erlang.port_close(port)
    Map.put(w, :closed, port)
  end

  defp with_own(:name, w) do
    free_name()
    other = sleeper()
    Process.register(other, :natives_name)
    Map.merge(w, %{name: :natives_name, other: other})
  end

  defp with_own(_, w), do: w

  # The process of the call before, which was killed or sleeps on, may end between any two of our steps.
  defp free_name do
    Process.unregister(:natives_name)
  rescue
    ArgumentError -> :ok
  end

  defp sleeper, do: spawn(fn -> Process.sleep(5000) end)
  defp port, do: :erlang.open_port({:spawn, 'ram_file_drv'}, [])
  defp foreign(w, name, bytes), do: Map.put(w, name, :erlang.binary_to_term(<<131, bytes::binary>>))

  defp ended do
    {pid, monitor} = spawn_monitor(fn -> :ok end)
    receive do: ({:DOWN, ^monitor, _, _, _} -> pid)
  end

  defp atoms(t) when is_atom(t), do: [t]
  defp atoms([head | tail]), do: atoms(head) ++ atoms(tail)
  defp atoms(t) when is_tuple(t), do: t |> Tuple.to_list() |> atoms()
  defp atoms(_), do: []

  defp real(t, world) when is_atom(t), do: Map.get(world, t, t)
  defp real([head | tail], world), do: [real(head, world) | real(tail, world)]
  defp real(t, world) when is_tuple(t), do: t |> Tuple.to_list() |> real(world) |> List.to_tuple()
  defp real(t, _), do: t

  defp hide(t, names) when is_pid(t) or is_reference(t) or is_port(t), do: Map.get(names, t, :hidden)
  defp hide([head | tail], names), do: [hide(head, names) | hide(tail, names)]
  defp hide(t, names) when is_tuple(t), do: t |> Tuple.to_list() |> hide(names) |> List.to_tuple()
  defp hide(t, names) when is_map(t), do: Map.new(t, fn {k, v} -> {hide(k, names), hide(v, names)} end)
  defp hide(t, _) when is_function(t), do: :fun
  defp hide(t, _), do: t
end
