# Everyday operations of the libraries, many and each for a short time: `ENGINE bench/sweep/operations.exs [PART]` prints
# the name of each (of those that contain PART) and microseconds for one, the best of three, with a tab between.
defprotocol Sweep.Price do
  def of(thing)
end

defmodule Sweep.Item do
  defstruct [:name, :cents, count: 1]
end

defimpl Sweep.Price, for: Sweep.Item do
  def of(i), do: i.cents * i.count
end

defimpl Sweep.Price, for: Integer do
  def of(n), do: n
end

defimpl Sweep.Price, for: List do
  def of(l), do: Enum.reduce(l, 0, &(Sweep.Price.of(&1) + &2))
end

defmodule Sweep.Counter do
  use GenServer
  def init(n), do: {:ok, n}
  def handle_call(:add, _, n), do: {:reply, n, n + 1}
  def handle_cast(:add, n), do: {:noreply, n + 1}
  def handle_info(:add, n), do: {:noreply, n + 1}
end

defmodule Sweep.Own do
  require Logger
  def log_off(n), do: for(i <- 1..n, do: Logger.debug(fn -> "never #{i}" end))
  def through(module, list), do: Enum.map(list, &module.to_string/1)
  def fields(<<key::binary-size(3), ?=, value, rest::binary>>, acc), do: fields(rest, [{key, value} | acc])
  def fields(<<>>, acc), do: acc
  def upto(<<c, rest::binary>>, acc) when c in ?a..?z, do: upto(rest, <<acc::binary, c - 32>>)
  def upto(<<_, rest::binary>>, acc), do: upto(rest, acc)
  def upto(<<>>, acc), do: acc
  def points(<<c::utf8, rest::binary>>, n), do: points(rest, n + c)
  def points(<<>>, n), do: n
  def grow(s, 0), do: s
  def grow(s, n), do: grow(%{s | count: n, cents: s.count + n}, n - 1)
  def gcd(a, 0), do: a
  def gcd(a, b), do: gcd(b, rem(a, b))
  def bits(n, acc) when n > 0, do: bits(Bitwise.bsr(n, 1), acc + Bitwise.band(n, 1))
  def bits(_, acc), do: acc
end

defmodule Sweep do
  alias Sweep.{Counter, Item, Own, Price}

  def operations(dir) do
    few = Enum.to_list(1..2_000)
    words = for i <- few, do: "item#{rem(i * 31, 701)}"
    text = Enum.join(words, ", ")
    pairs = for i <- few, do: {i * 3, i}
    large = Map.new(pairs)
    named = Map.new(words, &{&1, String.length(&1)})
    set = MapSet.new(few)
    keywords = for i <- 1..30, do: {:"option_#{i}", i}
    items = for i <- few, do: %Item{name: "n#{i}", cents: i}
    record = String.duplicate("key=v", 2_000)
    accents = String.duplicate("größe naïve ", 300)
    blob = :crypto.strong_rand_bytes(30_000)
    term = {items, large, words}
    encoded = :erlang.term_to_binary(term)
    tree = Enum.reduce(few, :gb_trees.empty(), &:gb_trees.enter(&1, &1, &2))
    table = :ets.new(:sweep, [:public])
    sorted = :ets.new(:sweep, [:ordered_set])
    :ets.insert(table, pairs)
    :ets.insert(sorted, pairs)
    {:ok, counter} = GenServer.start_link(Counter, 0)
    {:ok, agent} = Agent.start_link(fn -> %{} end)
    {:ok, _} = Registry.start_link(keys: :duplicate, name: Sweep.Names)
    {:ok, _} = Registry.register(Sweep.Names, :here, 1)
    :persistent_term.put({Sweep, :settings}, %{level: 3})
    Logger.configure(level: :error)
    template = "<%= for i <- list do %><li><%= i %></li><% end %>"
    csv = Enum.map_join(1..400, "\n", &"#{&1},name #{&1},#{&1 / 4}")
    code = Enum.map_join(1..20, "\n", &"def f#{&1}(%{a: x} = m) when x > #{&1}, do: [x, {:ok, m} | g(x + #{&1})]")
    path = Path.join(dir, "sweep")

    [
      {"Enum.map, filter, sum", fn -> few |> Enum.map(&(&1 * 3)) |> Enum.filter(&(rem(&1, 2) == 0)) |> Enum.sum() end},
      {"Enum.group_by", fn -> Enum.group_by(few, &rem(&1, 10)) end},
      {"Enum.reduce_while", fn -> Enum.reduce_while(few, 0, &if(&1 < 1_900, do: {:cont, &1 + &2}, else: {:halt, &2})) end},
      {"Enum.sort_by, uniq", fn -> words |> Enum.uniq() |> Enum.sort_by(&{byte_size(&1), &1}) end},
      {"Enum.zip, with_index", fn -> few |> Enum.zip(words) |> Enum.with_index() |> length() end},
      {"Enum.chunk_every, concat", fn -> few |> Enum.chunk_every(7) |> Enum.concat() end},
      {"Enum.min_max, member?", fn -> {Enum.min_max(few), Enum.member?(few, 1_999)} end},
      {"Enum.join, map_join", fn -> {Enum.join(few, ","), Enum.map_join(few, "-", &Integer.to_string/1)} end},
      {"Stream", fn -> few |> Stream.map(&(&1 + 1)) |> Stream.chunk_every(3) |> Stream.take(300) |> Enum.to_list() end},
      {"Stream.iterate, unfold", fn -> 1 |> Stream.iterate(&(&1 * 2)) |> Enum.take(100) end},
      {"for with filter into map", fn -> for {k, v} <- pairs, rem(v, 2) == 0, into: %{}, do: {k, v} end},
      {"List.keyfind, keystore", fn -> for i <- 1..200, do: {List.keyfind(pairs, i * 3, 0), List.keystore(keywords, :option_9, 0, {:option_9, i})} end},
      {"Keyword.get, merge", fn -> for _ <- 1..200, do: {Keyword.get(keywords, :option_20), Keyword.merge(keywords, option_1: 2)} end},
      {"lists:sort, usort, reverse", fn -> {:lists.usort(words), :lists.sort(&>=/2, few), :lists.reverse(few)} end},
      {"Map.get of many keys", fn -> for i <- few, do: Map.get(large, i) end},
      {"Map.get of text keys", fn -> for w <- words, do: Map.fetch!(named, w) end},
      {"Map.put, update", fn -> Enum.reduce(words, %{}, fn w, m -> Map.update(m, w, 1, &(&1 + 1)) end) end},
      {"Map.merge, take, new", fn -> {Map.merge(large, named), Map.take(large, few), Map.new(pairs, fn {k, v} -> {v, k} end)} end},
      {"maps:fold, map", fn -> {:maps.fold(fn _, v, a -> v + a end, 0, large), :maps.map(fn _, v -> v + 1 end, large)} end},
      {"structs made and updated", fn -> for i <- few, do: %{%Item{name: i, cents: 2} | count: i} end},
      {"struct in a loop", fn -> Own.grow(%Item{}, 2_000) end},
      {"put_in, get_in", fn -> Enum.reduce(1..300, %{a: %{b: 1}}, fn i, m -> put_in(m, [:a, :b], i + get_in(m, [:a, :b])) end) end},
      {"MapSet", fn -> {MapSet.union(set, MapSet.new(1_500..2_500)), Enum.count(few, &(&1 in set))} end},
      {"protocol", fn -> Price.of(items) + Price.of(few) end},
      {"call through a variable", fn -> Own.through(Integer, few) end},
      {"apply/3", fn -> for i <- few, do: apply(Integer, :pow, [i, 2]) end},
      {"interpolation", fn -> for i <- few, do: "row #{i}: #{:ok} #{"text"}" end},
      {"String.split, trim, join", fn -> text |> String.split(",") |> Enum.map(&String.trim/1) |> Enum.join(" ") end},
      {"String.replace, contains?", fn -> {String.replace(text, "item", "i"), String.contains?(text, "nothing")} end},
      {"String.upcase, capitalize", fn -> {String.upcase(accents), Enum.map(words, &String.capitalize/1)} end},
      {"String.length, reverse", fn -> {String.length(accents), String.reverse(accents)} end},
      {"String.graphemes, codepoints", fn -> {String.graphemes(accents), String.codepoints(text)} end},
      {"String.slice, pad_leading", fn -> for w <- words, do: String.pad_leading(String.slice(w, 1, 3), 8, "0") end},
      {"String.to_integer, to_atom", fn -> for i <- few, do: {String.to_integer("12345"), String.to_existing_atom("ok"), i} end},
      {"Regex.run, scan", fn -> {Regex.run(~r/item(\d+), item700/, text), Regex.scan(~r/\d{3}/, text)} end},
      {"Regex.replace, split", fn -> {Regex.replace(~r/(\w)(\d)/, text, "\\2\\1"), Regex.split(~r/,\s*/, text)} end},
      {"parsing fields", fn -> Own.fields(record, []) end},
      {"appending bytes", fn -> Own.upto(text, <<>>) end},
      {"reading characters", fn -> Own.points(accents, 0) end},
      {"binary comprehension", fn -> for <<a, b <- blob>>, into: <<>>, do: <<b, a>> end},
      {"bits in a comprehension", fn -> for <<a::5 <- blob>>, do: a end},
      {"I/O list to binary", fn -> IO.iodata_to_binary(for w <- words, do: [w, ?\n, [?a, "b"]]) end},
      {"binary:match, split, copy", fn -> {:binary.match(text, "item700"), :binary.split(text, ",", [:global]), :binary.copy("ab", 500)} end},
      {"Base.encode16, decode64", fn -> {Base.encode16(blob), Base.decode64!(Base.encode64(blob))} end},
      {"URI.parse, encode", fn -> for _ <- 1..50, do: {URI.parse("https://user@example.com:80/a/b?q=1#f"), URI.encode_www_form("a b&c=d")} end},
      {"Integer.digits, parse", fn -> for i <- few, do: {Integer.digits(i), Integer.parse("123x")} end},
      {"Float.round, to_string", fn -> for i <- 1..500, do: Float.to_string(Float.round(i / 7, 3)) end},
      {"greatest common divisors", fn -> for i <- few, do: Own.gcd(i, 360_360) end},
      {"bits of integers", fn -> for i <- few, do: Own.bits(i * 1_000_003, 0) end},
      {"big integers", fn -> Enum.reduce(1..200, 1, &(&1 * &2)) |> Integer.to_string() end},
      {":math", fn -> for i <- few, do: :math.sqrt(i) + :math.sin(i) + :math.pow(i, 0.5) end},
      {"Date.add, diff, day_of_week", fn -> for i <- 1..300, do: Date.day_of_week(Date.add(~D[2024-02-29], i)) end},
      {"dates parsed", fn -> for _ <- 1..200, do: {Date.from_iso8601!("2024-02-29"), DateTime.from_iso8601("2024-02-29T10:20:30.5Z")} end},
      {"dates written", fn -> for _ <- 1..200, do: {to_string(~N[2024-02-29 10:20:30]), Calendar.strftime(~D[2024-02-29], "%d. %m. %y")} end},
      {"calendar", fn -> for i <- 1..300, do: :calendar.gregorian_seconds_to_datetime(63_000_000_000 + i * 86_400) end},
      {"io_lib:format", fn -> for i <- 1..200, do: :io_lib.format("~w ~p ~s ~5.2f~n", [i, {:a, "b"}, "text", i / 3]) end},
      {"inspect", fn -> for i <- 1..100, do: inspect(%{a: [i, "text"], b: {:ok, 1.5}, c: %Item{name: i}}) end},
      {":queue, :array, :sets", fn -> {Enum.reduce(few, :queue.new(), &:queue.in/2), Enum.reduce(few, :array.new(), &:array.set(&1, &1, &2)), :sets.from_list(few)} end},
      {":gb_trees, :dict, :orddict", fn -> {for(i <- few, do: :gb_trees.get(i, tree)), Enum.reduce(few, :dict.new(), &:dict.store(&1, 1, &2)), Enum.reduce(1..100, :orddict.new(), &:orddict.store(&1, 1, &2))} end},
      {":rand, Enum.random, shuffle", fn -> {for(_ <- 1..500, do: :rand.uniform(10)), :rand.normal(), Enum.shuffle(words)} end},
      {"Version.match?, compare", fn -> for _ <- 1..100, do: {Version.match?("1.14.0", "~> 1.11"), Version.compare("1.2.3", "1.3.0-rc.1")} end},
      {"Path, OptionParser", fn -> for _ <- 1..100, do: {Path.join(["a", "../b", "c.ex"]), Path.extname("x/y.exs"), OptionParser.parse(["--all", "-n", "3", "x"], strict: [all: :boolean, number: :integer], aliases: [n: :number])} end},
      {"raise, rescue", fn -> for i <- few, do: (try do raise(ArgumentError, "no #{i}") rescue e in ArgumentError -> e.message end) end},
      {"error of a native, rescued", fn -> for i <- few, do: (try do String.to_integer("x#{i}") rescue _ -> 0 end) end},
      {"throw, catch, after", fn -> for i <- few, do: (try do throw(i) catch x -> x after :ok end) end},
      {"exit caught", fn -> for i <- few, do: (try do exit(i) catch :exit, x -> x end) end},
      {"with", fn -> for i <- few, do: (with {:ok, a} <- {:ok, i}, true <- is_integer(a), do: a) end},
      {"process dictionary", fn -> for i <- few, do: {Process.put({:key, rem(i, 20)}, i), Process.get(:none), Process.put(:k, i)} end},
      {"persistent_term:get", fn -> for _ <- few, do: :persistent_term.get({Sweep, :settings}) end},
      {":counters, :atomics", fn -> (c = :counters.new(2, []); for(i <- few, do: :counters.add(c, 1, i)); :counters.get(c, 1)) end},
      {"Logger.debug that is off", fn -> Own.log_off(500) end},
      {"GenServer.call", fn -> for _ <- 1..300, do: GenServer.call(counter, :add) end},
      {"GenServer.cast, send", fn -> (for(_ <- 1..300, do: {GenServer.cast(counter, :add), send(counter, :add)}); GenServer.call(counter, :add)) end},
      {"Agent.get, update", fn -> for i <- 1..200, do: {Agent.update(agent, &Map.put(&1, :a, i)), Agent.get(agent, & &1.a)} end},
      {"Task.async, await", fn -> 1..100 |> Enum.map(&Task.async(fn -> &1 end)) |> Task.await_many() end},
      {"Task.async_stream", fn -> 1..100 |> Task.async_stream(& &1) |> Enum.count() end},
      {"spawn_monitor, receive", fn -> for _ <- 1..200, do: (with {_, r} <- spawn_monitor(fn -> :ok end), do: receive(do: ({:DOWN, ^r, _, _, _} -> :ok))) end},
      {"Registry", fn -> for i <- 1..100, do: {Registry.register(Sweep.Names, i, i), Registry.lookup(Sweep.Names, :here), Registry.unregister(Sweep.Names, i)} end},
      {"ets lookup, insert", fn -> for i <- few, do: {:ets.lookup(table, i), :ets.insert(table, {i * 3, i})} end},
      {"ets select, match, fold", fn -> {:ets.select(table, [{{:"$1", :"$2"}, [{:<, :"$2", 100}], [:"$1"]}]), :ets.match(sorted, {:"$1", 7}), :ets.foldl(fn _, n -> n + 1 end, 0, sorted)} end},
      {"external terms", fn -> {:erlang.term_to_binary(term), :erlang.binary_to_term(encoded)} end},
      {"hashes of terms", fn -> {:erlang.phash2(term), :erlang.md5(blob), :crypto.hash(:sha256, blob), :erlang.crc32(blob)} end},
      {"zlib", fn -> :zlib.gunzip(:zlib.gzip(text)) end},
      {"Code.string_to_quoted", fn -> Code.string_to_quoted!(code) end},
      {"Macro.to_string", fn -> Macro.to_string(quote do: fn x, y -> if(x > y, do: {x, [y | z]}, else: %{a: "b"}) end) end},
      {"Code.eval_string", fn -> Code.eval_string("Enum.map([1, 2, 3], fn x -> x + y end)", y: 1) end},
      {"EEx", fn -> EEx.eval_string(template, list: [1, 2, 3]) end},
      {"erl_scan, erl_parse", fn -> (with {:ok, t, _} <- :erl_scan.string('f(X) when X > 1 -> [X || {a, X} <- L]; f(_) -> {a, "b"}.'), do: :erl_parse.parse_form(t)) end},
      {"lines of text parsed", fn -> for line <- String.split(csv, "\n"), do: (with [a, b, c] <- String.split(line, ","), do: {String.to_integer(a), b, String.to_float(c)}) end},
      {"StringIO", fn -> (with {:ok, d} <- StringIO.open(csv), do: (for(_ <- 1..100, do: IO.gets(d, "")); StringIO.close(d))) end},
      {"file written and read", fn -> (File.write!(path, text); {File.read!(path), File.stat!(path), File.exists?(path)}) end},
      {"file's lines", fn -> (File.write!(path, csv); path |> File.stream!() |> Enum.count()) end},
      {"System.os_time, unique_integer", fn -> for _ <- few, do: {System.monotonic_time(), System.unique_integer([:positive]), make_ref()} end}
    ]
  end

  # Repeats until a tenth of a second is over, three times.
  def time(fun) do
    fun.()
    for(_ <- 1..3, do: repeated(fun, System.monotonic_time(:microsecond), 0)) |> Enum.min()
  end

  defp repeated(fun, started, n) do
    fun.()
    took = System.monotonic_time(:microsecond) - started
    if took < 100_000, do: repeated(fun, started, n + 1), else: took / (n + 1)
  end
end

part = List.first(System.argv()) || ""
dir = Path.join(System.tmp_dir!(), "purlin_sweep_#{System.pid()}")
File.mkdir_p!(dir)
for {name, fun} <- Sweep.operations(dir), name =~ part, do: IO.puts("#{name}\t#{Float.round(Sweep.time(fun), 2)}")
File.rm_rf!(dir)
