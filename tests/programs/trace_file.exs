# Tracing to files: one file, and a series of files of which the oldest are removed; and a profile by fprof, which
# works by such a file.
# no-stress: fprof traces collections too, and prints a dot for every so many events.
dir = Path.join(System.tmp_dir!(), "trace-#{System.pid()}")
File.mkdir_p!(dir)
path = fn name -> String.to_charlist(Path.join(dir, name)) end
me = self()

traced = fn port, calls ->
  {:ok, _} = :dbg.tracer(:port, port)
  {:ok, _} = :dbg.p(me, [:call])
  {:ok, _} = :dbg.tpl(:lists, :seq, 2, [])
  for n <- 1..calls, do: :lists.seq(1, n)
  :ok = :dbg.flush_trace_port()
  :dbg.stop_clear()
end

read = fn what ->
  :dbg.trace_client(:file, what, {fn
    {:trace, ^me, :call, call}, n -> send(me, {:call, call}) && n + 1
    :end_of_trace, n -> send(me, {:end, n})
    other, n -> send(me, {:other, other}) && n
  end, 0})

  receive do: ({:end, n} -> n)
end

traced.(:dbg.trace_port(:file, path.("one")), 5)
IO.inspect({:one, read.(path.("one"))})
IO.inspect(for _ <- 1..5, do: receive(do: ({:call, call} -> call)))

traced.(:dbg.trace_port(:file, {path.("many"), :wrap, '.log', 500, 3}), 100)
IO.inspect({:many, Enum.sort(File.ls!(dir))})
IO.inspect({:read, read.({path.("many"), :wrap, '.log'})})


:fprof.apply(:lists, :usort, [for(n <- 1..500, do: rem(n * 7919, 503))], file: path.("trace"))
:ok = :fprof.profile(file: path.("trace"))
:ok = :fprof.analyse(dest: path.("analysis"))
:fprof.stop()
IO.inspect(File.read!(Path.join(dir, "analysis")) =~ "{lists,usort,1}")
File.rm_rf!(dir)
