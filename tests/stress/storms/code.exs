defmodule Storm.Code do
  # New code is seen by every full call made after its loading, never older code again; a soft purge refuses while a
  # process is in the old code.
  import Storm
  @module :storm_versions
  @compile {:no_warn_undefined, @module}
  @loads 8

  def run do
    newest = :counters.new(2, [:atomics])
    load(newest, 1)
    callers = for _ <- 1..4, do: spawn_watched(fn -> call(newest, 0) end)
    for n <- 2..@loads, do: load(newest, n)
    :counters.put(newest, 2, 1)
    join(Map.new(callers, fn {p, r} -> {r, p} end))
    inside()
    :code.purge(@module)
    :code.delete(@module)
    :code.purge(@module)
  end

  defp beam(n) do
    case :persistent_term.get({@module, n}, nil) do
      nil ->
        beam = compile(n)
        :persistent_term.put({@module, n}, beam)
        beam
      beam -> beam
    end
  end

  defp compile(n) do
    number = {:integer, 1, n}
    waiting = {:receive, 1, [{:clause, 1, [{:atom, 1, :go}], [], [number]}]}
    forms = [
      {:attribute, 1, :module, @module},
      {:attribute, 1, :export, [version: 0, wait: 0]},
      {:function, 1, :version, 0, [{:clause, 1, [], [], [number]}]},
      {:function, 1, :wait, 0, [{:clause, 1, [], [], [waiting]}]}
    ]
    {:ok, _, beam} = :compile.forms(forms, [])
    beam
  end

  # Callers may be suspended in the old code.
  defp load(newest, n) do
    until(fn -> :code.soft_purge(@module) end)
    {:module, @module} = :code.load_binary(@module, 'storm_versions.beam', beam(n))
    :counters.put(newest, 1, n)
    Process.sleep(3)
  end

  defp until(f), do: f.() || until(f)

  defp call(newest, last) do
    loaded = :counters.get(newest, 1)
    v = @module.version()
    promise(v >= loaded and v >= last, {:older_code, v, loaded: loaded, seen: last})
    if :counters.get(newest, 2) == 0, do: call(newest, v)
  end

  defp inside do
    {p, ref} = spawn_watched(fn -> @module.wait() end)
    Process.sleep(5)
    :code.purge(@module)
    {:module, @module} = :code.load_binary(@module, 'storm_versions.beam', beam(1))
    promise(not :code.soft_purge(@module), :soft_purge_of_used_code)
    send(p, :go)
    join(%{ref => p})
    promise(:code.soft_purge(@module), :soft_purge_of_unused_code)
  end
end
