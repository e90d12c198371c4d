# References that stand for something of the engine's are found again by who reads them, while somebody has them.
show = fn what, result -> IO.puts("#{what}: #{inspect(result)}") end

tried = fn f ->
  try do
    f.()
  rescue
    e -> e.__struct__
  end
end

again = fn term -> :erlang.binary_to_term(:erlang.term_to_binary(term)) end

counter = :atomics.new(1, [])
:atomics.put(counter, 1, 7)
show.("bytes", :atomics.get(again.(counter), 1))
show.("text", :atomics.get(:erlang.list_to_ref(:erlang.ref_to_list(counter)), 1))
show.("iovec", :atomics.get(:erlang.binary_to_term(IO.iodata_to_binary(:erlang.term_to_iovec(counter))), 1))
show.("equal", again.(counter) == counter and :erts_debug.same(counter, counter))
show.("in a term", again.({[counter], %{counter => counter}}) == {[counter], %{counter => counter}})

# Only what was read again keeps it.
{bytes, text} =
  Task.await(
    Task.async(fn ->
      mine = :atomics.new(1, [])
      {:erlang.term_to_binary(mine), :erlang.ref_to_list(mine)}
    end)
  )

:timer.sleep(50)
show.("gone, bytes", tried.(fn -> :atomics.get(:erlang.binary_to_term(bytes), 1) end))
show.("gone, text", tried.(fn -> :atomics.get(:erlang.list_to_ref(text), 1) end))

keeper = fn bytes -> :atomics.add_get(:erlang.binary_to_term(bytes), 1, 1) end
show.("kept", for(_ <- 1..3, do: keeper.(:erlang.term_to_binary(counter))))

# A socket's reference is good for all that its first one is.
{:ok, socket} = :socket.open(:inet, :stream, :tcp)
:ok = :socket.bind(socket, %{family: :inet, addr: {127, 0, 0, 1}, port: 0})
copy = again.(socket)
show.("socket", :socket.sockname(copy) == :socket.sockname(socket))
show.("close", :socket.close(copy))
show.("closed", :socket.sockname(socket))

{:ok, file} = :prim_file.open(~c"/dev/null", [:read, :raw, :binary])
show.("file", match?({:file_descriptor, _, _}, again.(file)))

table = :ets.new(:table, [])
:ets.insert(table, {:a, 1})
show.("table", :ets.lookup(again.(table), :a))

# Many that are gone.
for n <- 1..20_000, do: _ = :erlang.term_to_binary(:atomics.new(n, []))
show.("still there", :atomics.get(again.(counter), 1))
