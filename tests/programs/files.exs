# Raw files and file processes: short and long operations, which run on different threads, files that wait for
# somebody, and what goes on meanwhile.
dir = Path.join(System.tmp_dir!(), "files#{System.pid()}")
File.mkdir_p!(dir)
at = &Path.join(dir, &1)
bytes = fn n -> for i <- 1..max(div(n, 4), 1), into: "", do: <<i::32>> end
sum = fn {:ok, b} -> {byte_size(b), :erlang.crc32(b)}; other -> other end

# Sizes around the border between the two kinds of operation, and much larger ones.
for n <- [0, 1, 63, 64, 65, 4096, 131_068, 131_072, 131_076, 1_000_000, 5_000_000] do
  data = binary_part(bytes.(n + 4), 0, n)
  path = at.("sizes")
  {:ok, f} = :file.open(path, [:read, :write, :raw, :binary])
  IO.inspect({n, :file.write(f, data), :file.position(f, 0), sum.(:file.read(f, n)), :file.read(f, n)})
  IO.inspect({:file.position(f, :bof), sum.(:file.read(f, n + 1000)), :file.position(f, :cur)})
  IO.inspect({sum.(:file.pread(f, div(n, 2), n + 1)), :file.pread(f, n, 10), :file.pread(f, [{0, 3}, {n, 3}, {1, 2}])})
  IO.inspect({:file.pwrite(f, n, data), sum.(:file.pread(f, 1, 2 * n)), :file.pwrite(f, [{0, "a"}, {3, ["b", [?c]]}])})
  IO.inspect({:file.close(f), :file.read(f, 1), :file.write(f, "x"), sum.(:file.read_file(path))})
  File.rm!(path)
end

# Many small pieces at once.
pieces = for i <- 1..5000, do: Integer.to_string(i)
{:ok, f} = :file.open(at.("pieces"), [:write, :raw])
IO.inspect({:file.write(f, pieces), :file.write(f, [pieces | "end"]), :file.write(f, [:no]), :file.close(f)})
IO.inspect(sum.(:file.read_file(at.("pieces"))))

# Indirect reads.
for n <- [5, 200_000] do
  File.write!(at.("indirect"), <<"..", n::32, 10::32, bytes.(n + 4)::binary>>)
  {:ok, f} = :file.open(at.("indirect"), [:read, :raw, :binary])
  {:ok, {size, pos, b}} = :prim_file.ipread_s32bu_p32bu(f, 2, 300_000)
  IO.inspect({size, pos, byte_size(b), :erlang.crc32(b)})
  IO.inspect({:prim_file.ipread_s32bu_p32bu(f, 2, 4), :prim_file.ipread_s32bu_p32bu(f, 10_000_000, 4)})
  :file.close(f)
end

# What is wrong with the arguments, and with the file.
{:ok, f} = :file.open(at.("pieces"), [:read, :raw, :binary])
for call <- [
      fn -> :file.read(f, -1) end,
      fn -> :file.read(f, :a) end,
      fn -> :file.pread(f, -1, 1) end,
      fn -> :file.pread(f, 1, 0x400000000000000000) end,
      fn -> :file.pread(f, 0x4000000000000000, 1) end,
      fn -> :file.write(f, "not open for writing") end,
      fn -> :file.pwrite(f, 0, bytes.(200_000)) end,
      fn -> :file.read_file(dir) end,
      fn -> :file.read_file(at.("nothing")) end,
      fn -> :file.open(dir, [:read, :raw]) end
    ] do
  IO.inspect(try do call.() rescue e -> e.__struct__ catch k, r -> {k, r} end)
end
:file.close(f)

# Lines through a file process, with and without buffers of its own.
for modes <- [[:write], [:write, :delayed_write], [:write, :append]] do
  File.rm(at.("lines"))
  File.open!(at.("lines"), modes, fn d -> Enum.each(1..2000, &IO.write(d, "line #{&1} é\n")) end)
  IO.inspect({modes, sum.(File.read(at.("lines"))), at.("lines") |> File.stream!() |> Enum.count()})
end
File.open!(at.("lines"), [:read, :write], fn d ->
  IO.inspect(for _ <- 1..3, do: IO.binread(d, :line))
  IO.inspect({:file.position(d, {:bof, 5}), IO.binread(d, 4), IO.binwrite(d, "XYZ"), :file.position(d, 0), IO.binread(d, 14)})
end)

# Two processes at once, each with its own position in one file.
parent = self()
for k <- 1..4, do: spawn_link(fn ->
  {:ok, f} = :file.open(at.("shared#{k}"), [:read, :write, :raw, :binary])
  for i <- 1..500, do: :ok = :file.pwrite(f, i * 8, <<i::64>>)
  send(parent, {k, Enum.sum(for i <- 1..500, do: (fn {:ok, <<x::64>>} -> x end).(:file.pread(f, i * 8, 8)))})
end)
for k <- 1..4, do: receive(do: ({^k, s} -> IO.inspect({k, s})))

# A pipe: nobody else waits for who opens and reads it, and it may be killed meanwhile.
fifo = at.("fifo")
{_, 0} = System.cmd("mkfifo", [fifo])
reader = fn -> spawn(fn ->
  {:ok, f} = :file.open(fifo, [:read, :raw, :binary])
  send(parent, {self(), :open})
  send(parent, {self(), :file.read(f, 100)})
  send(parent, {self(), :file.read(f, 100)})
end) end
r = reader.()
IO.inspect(Enum.sum(1..1000))
{:ok, w} = :file.open(fifo, [:write, :raw])
receive do: ({^r, :open} -> IO.puts("open"))
Process.sleep(20)
IO.inspect(Process.info(r, :message_queue_len))
:file.write(w, "hello")
:file.close(w)
IO.inspect(for _ <- 1..2, do: receive(do: ({^r, got} -> got)))
whole = Task.async(fn -> :file.read_file(fifo) end)
{:ok, w} = :file.open(fifo, [:write, :raw])
:ok = :file.write(w, bytes.(300_000))
:file.close(w)
IO.inspect(sum.(Task.await(whole)))
r = reader.()
{:ok, w} = :file.open(fifo, [:write, :raw])
receive do: ({^r, :open} -> IO.puts("open"))
m = Process.monitor(r)
Process.exit(r, :kill)
IO.inspect(receive(do: ({:DOWN, ^m, _, _, reason} -> reason)))
:file.close(w)
File.rm_rf!(dir)
