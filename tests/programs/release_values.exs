# What differs between releases of OTP: run on each with its own libraries, beside its own BEAM.
defmodule Values do
  def show(name, value) do
    told =
      try do
        value.()
      catch
        kind, {reason, _} when is_atom(reason) -> {kind, reason}
        kind, %{__struct__: struct} -> {kind, struct}
        kind, reason -> {kind, reason}
      end

    IO.puts("#{name}: #{inspect(told, limit: :infinity)}")
  end

  # Those of the items that are taken.
  def taken(items, try_it) do
    Enum.filter(items, fn item ->
      try do
        try_it.(item)
        true
      catch
        _, _ -> false
      end
    end)
  end

  def maybe(module, function, args) do
    if function_exported?(module, function, length(args)), do: apply(module, function, args), else: :none
  end

  def zero?(0.0), do: :zero
  def zero?(_), do: :other
end

:code.ensure_loaded(:maps)
:code.ensure_loaded(:binary)

for item <- [:otp_release, :version, :nif_version, :process_limit, :atom_limit, :port_limit, :ets_limit] do
  Values.show("system_info #{item}", fn -> :erlang.system_info(item) end)
end

Values.show("time", fn -> Enum.map([:time_warp_mode, :time_offset, :tolerant_timeofday], &:erlang.system_info/1) end)
Values.show("system_info async_dist", fn -> :erlang.system_info(:async_dist) end)
Values.show("system_info max_heap_size", fn -> Enum.sort(:erlang.system_info(:max_heap_size)) end)

# ---- zeros

minus = String.to_float("-0.0")
Values.show("same", fn -> {minus === 0.0, minus == 0.0, minus === minus, {minus} === {0.0}, [minus] == [0.0]} end)
Values.show("matches", fn -> {Values.zero?(minus), Values.zero?(0.0), match?(^minus, 0.0)} end)
Values.show("keys", fn -> {map_size(Map.new([{0.0, :a}, {minus, :b}])), Map.get(%{minus => 1}, 0.0)} end)
Values.show("order", fn -> {:erts_internal.cmp_term(minus, 0.0), :erts_internal.cmp_term(0.0, minus), minus < 0.0} end)
Values.show("many keys", fn -> map_size(Map.new([{0.0, 0}, {minus, 0} | Enum.map(1..40, &{&1, 0})])) end)
Values.show("functions", fn ->
  unary = for f <- [:abs, :+, :-, :float, :trunc, :round, :floor, :ceil], do: apply(:erlang, f, [minus])
  binary = for f <- [:+, :-, :*, :max, :min], x <- [minus, 0.0, 0, -1], do: apply(:erlang, f, [minus, x])
  of_math = for f <- [:ceil, :floor, :sqrt, :sin, :atan, :tanh], do: apply(:math, f, [minus])
  {unary, binary, of_math, abs(-1.5), for(x <- [-0.5, 0.5], f <- [:ceil, :floor], do: apply(:math, f, [x]))}
end)
Values.show("lists", fn -> {:lists.usort([minus, 0.0]), Enum.uniq([minus, 0.0]), [minus] -- [0.0], :lists.member(minus, [0.0])} end)
Values.show("hashes", fn -> {:erlang.phash2(minus) == :erlang.phash2(0.0), :erlang.phash(minus, 1000) == :erlang.phash(0.0, 1000)} end)

for kind <- [:set, :ordered_set, :bag, :duplicate_bag] do
  Values.show("table #{kind}", fn ->
    table = :ets.new(:t, [kind])
    :ets.insert(table, [{0.0, 1}, {minus, 2}])
    {:ets.info(table, :size), :ets.lookup(table, 0.0), :ets.select(table, [{{minus, :_}, [], [:"$_"]}])}
  end)
end

# ---- integers and texts

for bits <- [1000, 4_194_176, 4_194_300, 4_194_304, 33_554_400] do
  Values.show("1 bsl #{bits}", fn -> is_integer(:erlang.bsl(1, bits)) end)
end

Values.show("products", fn -> is_integer(:erlang.bsl(1, 2_100_000) * :erlang.bsl(1, 2_100_000)) end)

for text <- ['12', '-7', '+7', '', '-', 'x', '7x', '12 ', [?1 | :x], :a, '123456789012345678901234567890'] do
  Values.show("list_to_integer #{inspect(text, charlists: :as_lists)}", fn -> :erlang.list_to_integer(text) end)
  Values.show("string:to_integer", fn -> :string.to_integer(text) end)
end

for {text, base} <- [{"ff", 16}, {"FF", 16}, {"fg", 16}, {"", 10}, {"1", 37}, {"1", 1}, {:a, 10}, {"-zz", 36}, {<<1::7>>, 10}] do
  Values.show("binary_to_integer #{inspect({text, base})}", fn -> :erlang.binary_to_integer(text, base) end)
  Values.show("list_to_integer", fn -> :erlang.list_to_integer(if(is_binary(text), do: String.to_charlist(text), else: text), base) end)
end

Values.show("long text", fn -> :erlang.phash2(String.to_integer(String.duplicate("7", 100_000))) end)
Values.show("long list", fn -> :erlang.phash2(:erlang.list_to_integer(List.duplicate(?7, 100_000))) end)

# ---- the external format

for {term, options} <- [{:abc, []}, {:"é", []}, {:"\u{3b1}", []}, {{:a, 1.5}, []}, {:abc, [minor_version: 1]}, {1.5, [minor_version: 0]}] do
  Values.show("term_to_binary #{inspect({term, options})}", fn -> :erlang.term_to_binary(term, options) end)
end

Values.show("local", fn ->
  for term <- [{self(), make_ref(), :a, "b", %{1 => 2.5}}, Enum.to_list(1..300)] do
    term == :erlang.binary_to_term(:erlang.term_to_binary(term, [:local]))
  end
end)

Values.show("local and deterministic", fn -> :erlang.term_to_binary(1, [:local, :deterministic]) end)
Values.show("external_size", fn -> {:erlang.external_size(:abc), :erlang.external_size(:abc, minor_version: 1)} end)

for option <- [{:minor_version, 2}, {:minor_version, 3}, :compressed, :deterministic] do
  Values.show("external_size #{inspect(option)}", fn -> :erlang.external_size({:a, 1.5}, [option]) end)
end
Values.show("external_size of a fun", fn ->
  for f <- [fn a -> {a, minus} end, &:erlang.abs/1], do: :erlang.external_size(f) - byte_size(:erlang.term_to_binary(f))
end)

Values.show("read again", fn -> Enum.map([:abc, minus, :"é"], &:erlang.binary_to_term(:erlang.term_to_binary(&1))) end)

# ---- natives

for {module, function, arity} <- [
      {:erlang, :min, 2},
      {:erlang, :max, 2},
      {:erlang, :list_to_integer, 1},
      {:erlang, :binary_to_integer, 2},
      {:erts_internal, :list_to_integer, 2},
      {:erlang, :display_string, 2},
      {:erlang, :display_nl, 0},
      {:ets, :lookup_element, 4},
      {:ets, :first_lookup, 1},
      {:erts_trace_cleaner, :check, 0}
    ] do
  Values.show("#{module}:#{function}/#{arity}", fn ->
    {:erlang.is_builtin(module, function, arity), function_exported?(module, function, arity)}
  end)
end

Values.show("pre_loaded", fn -> :erlang.pre_loaded() end)
Values.show("min and max", fn -> {min(1, 1.0), max(1, 1.0), min(1.0, 1), max(1.0, 1), min(:a, 1), max([], {})} end)

items = [:label, :parent, :async_dist, {:dictionary, :a}, {:dictionary, 1, 2}, {:messages, 1}, :priority_messages]
Values.show("process_info", fn -> Values.taken(items, &Process.info(self(), [&1])) end)
Process.put(:a, {:of, "a"})
Values.show("dictionary", fn -> :erlang.process_info(self(), [{:dictionary, :a}, {:dictionary, :none}]) end)
Values.show("one of a dictionary", fn -> :erlang.process_info(self(), {:dictionary, :a}) end)
Values.show("of another", fn -> :erlang.process_info(Process.whereis(:init), {:dictionary, :none}) end)
Values.maybe(:proc_lib, :set_label, [{:worker, 1}])
Values.show("label", fn -> :erlang.process_info(self(), :label) end)

flags = [async_dist: true, async_dist: 1, max_heap_size: 0, sensitive: false]
Values.show("process_flag", fn -> Values.taken(flags, fn {flag, value} -> :erlang.process_flag(flag, value) end) end)
options = [{:async_dist, true}, {:async_dist, 1}, :async_dist, {:max_heap_size, %{size: 0, include_shared_binaries: true}}]
Values.show("spawn_opt", fn -> Values.taken(options, &:erlang.spawn_opt(fn -> :ok end, [&1])) end)

Values.show("shared binaries", fn ->
  :erlang.process_flag(:max_heap_size, %{size: 0, include_shared_binaries: true})
  Enum.sort(elem(:erlang.process_info(self(), :max_heap_size), 1))
end)

# ---- tables and maps

# Data that a process sends through a socket's port are led by a reference since OTP 27.
Values.show("sockets", fn ->
  {:ok, listener} = :gen_tcp.listen(0, [:binary, active: false, ip: {127, 0, 0, 1}])
  {:ok, port} = :inet.port(listener)
  {:ok, client} = :gen_tcp.connect({127, 0, 0, 1}, port, [:binary, active: false, packet: 2])
  {:ok, server} = :gen_tcp.accept(listener)
  sent = for text <- ["", "a", String.duplicate("b", 60_000)], do: :gen_tcp.send(client, [text])
  {:ok, data} = :gen_tcp.recv(server, 60_007)
  :ok = :gen_tcp.close(server)
  {:ok, first} = :gen_udp.open(0, [:binary, active: false, ip: {127, 0, 0, 1}])
  {:ok, second} = :gen_udp.open(0, [:binary, active: false, ip: {127, 0, 0, 1}])
  {:ok, to} = :inet.port(second)
  packet = :gen_udp.send(first, {127, 0, 0, 1}, to, "packet")
  {:ok, {_, _, came}} = :gen_udp.recv(second, 0)
  {sent, :erlang.phash2(data), packet, came, :gen_udp.send(first, {127, 0, 0, 1}, to, String.duplicate("c", 70_000))}
end)

for kind <- [:set, :ordered_set, :bag, :duplicate_bag] do
  table = :ets.new(:t, [kind])
  :ets.insert(table, [{:a, 1, 2}, {:b, 3, 4}, {:a, 5, 6}])

  for {function, arguments} <- [
        {:lookup_element, [:a, 2, :none]},
        {:lookup_element, [:c, 2, :none]},
        {:lookup_element, [:a, 9, :none]},
        {:lookup_element, [:c, 0, :none]},
        {:update_element, [:a, {2, 7}, {:c, 8, 9}]},
        {:update_element, [:d, [{2, 7}, {3, 8}], {:c, 8, 9}]},
        {:update_element, [:e, {1, 7}, {:c, 8, 9}]},
        {:update_element, [:e, {4, 7}, {:c, 8, 9}]},
        {:update_element, [:e, {2, 7}, :c]},
        {:prev_lookup, [:b]},
        {:next_lookup, [:a]},
        {:next_lookup, [:none]}
      ] do
    told = inspect({function, arguments})
    # The order of a hash table's keys is nobody's promise.
    unless function in [:prev_lookup, :next_lookup] and kind != :ordered_set do
      Values.show("#{kind} #{told}", fn -> Values.maybe(:ets, function, [table | arguments]) end)
    end
  end

  Values.show("#{kind} walked", fn ->
    first = Values.maybe(:ets, :first_lookup, [table])

    walked =
      Stream.unfold(first, fn
        {key, rows} -> {{key, rows}, :ets.next_lookup(table, key)}
        _ -> nil
      end)

    Enum.sort(walked)
  end)

  Values.show("#{kind} empty", fn -> {Values.maybe(:ets, :last_lookup, [:ets.new(:t, [kind])]), Values.maybe(:ets, :first_lookup, [:none])} end)
end

Values.show("ordered", fn ->
  case Values.maybe(:maps, :iterator, [%{c: 1, a: 2, b: 3}, :ordered]) do
    :none -> :none
    iterator -> {:maps.to_list(iterator), :maps.next(iterator) |> elem(0), :maps.fold(fn k, v, l -> [{k, v} | l] end, [], iterator)}
  end
end)

Values.show("ordered, many", fn ->
  case Values.maybe(:maps, :iterator, [Map.new(1..500, &{&1, -&1}), :reversed]) do
    :none -> :none
    iterator -> :maps.to_list(iterator) == Enum.map(500..1, &{&1, -&1})
  end
end)

Values.show("ordered, none", fn -> Values.maybe(:maps, :iterator, [%{}, :ordered]) |> then(&(&1 == :none or :maps.next(&1))) |> is_atom() end)
Values.show("not its keys", fn -> :erts_internal.map_next([:a], %{b: 1}, :iterator) end)
Values.show("no list", fn -> :erts_internal.map_next([:b | :c], %{b: 1}, :iterator) end)
Values.show("nothing to search", fn ->
  for function <- [:match, :matches, :split], pattern <- ["", :x, "a"] do
    try do
      apply(:binary, function, ["", pattern])
    rescue
      ArgumentError -> :badarg
    end
  end
end)

Values.show("hexadecimal", fn -> Values.maybe(:binary, :encode_hex, ["some text of more than eight bytes", :lowercase]) end)

# An heir without data gets a table and no message.
for heirs <- [[{:heir, self()}], [{:heir, self(), :data}], [{:heir, self(), :data}, {:heir, self()}], [{:heir, :x}]] do
  Values.show("heirs #{length(heirs)}", fn ->
    me = self()

    {pid, monitor} =
      spawn_monitor(fn ->
        made = try do :ets.new(:t, [:public | heirs]) catch kind, reason -> exit({:no_table, kind, reason}) end
        send(me, {:table, made, :ets.info(made, :heir) == me})
      end)

    receive do
      {:table, made, heir} ->
        receive do: ({:DOWN, ^monitor, _, _, _} -> :ok)
        told = receive do: ({:"ETS-TRANSFER", ^made, ^pid, data} -> data), after: (20 -> :nothing)
        {heir, :ets.info(made, :owner) == me, told}

      {:DOWN, ^monitor, _, _, reason} ->
        reason
    end
  end)
end

Values.show("heir set later", fn ->
  table = :ets.new(:t, [])
  for option <- [[{:heir, self()}], {:heir, self()}, [{:heir, self()}, {:heir, self()}], {:heir, :x}, {:heir, :none}] do
    try do
      {:ets.setopts(table, option), :ets.info(table, :heir) == self()}
    rescue
      ArgumentError -> :badarg
    end
  end
end)

Values.show("monitor of nobody", fn -> Values.taken([[], :none, [:a], {:a}], &:erlang.system_monitor(:undefined, &1)) end)
Values.show("trace_info", fn -> Values.taken([:flags, :tracer, :bad, :all, :meta], &:erlang.trace_info({:lists, :map, 2}, &1)) end)

# ---- native records

:code.ensure_loaded(:records)

record = fn module, name, fields, exported ->
  Values.maybe(:records, :create, [module, name, fields, %{is_exported: exported}])
end

point = record.(:m, :point, [x: 1, y: 2], true)

Values.show("record", fn -> {point == record.(:m, :point, [x: 1.0, y: 2], true), is_tuple(point), is_atom(point)} end)
Values.show("record external", fn -> {:erlang.term_to_binary(point), :erlang.binary_to_term(:erlang.term_to_binary(point)) === point} end)
Values.show("record printed", fn -> :erlang.iolist_to_binary(:io_lib.format(~c"~p", [point])) end)
Values.show("record external, wrong", fn -> :erlang.binary_to_term(<<131, 67, 2::32, 1, 119, 1, ?a, 119, 1, ?b, 119, 1, ?x, 119, 1, ?x, 97, 1, 97, 2>>) end)

for {function, arguments} <- [
      create: [:m, 1, [], %{is_exported: true}],
      create: [:m, :n, [{:a, 1}, {:a, 2}], %{is_exported: true}],
      create: [:m, :n, [{1, 1}], %{is_exported: true}],
      create: [:m, :n, [], %{}],
      create: [:m, :n, [], []],
      get: [:x, point],
      get: [:z, point],
      get_name: [point],
      get_module: [:none],
      get_field_names: [point],
      get_field_names: [{}],
      is_exported: [point]
    ] do
  Values.show("records #{function} #{length(arguments)}", fn -> Values.maybe(:records, function, arguments) end)
end

Values.show("record updated", fn ->
  for {module, name, fields} <- [{:m, :point, %{y: 3}}, {:m, :_, %{x: 0}}, {:m, :point, %{z: 3}}, {:m, :line, %{x: 3}}, {:m, :point, []}] do
    try do
      updated = Values.maybe(:records, :update, [point, module, name, fields])
      if updated == :none, do: :none, else: {:records.get(:x, updated), :records.get(:y, updated)}
    catch
      kind, reason -> {kind, reason}
    end
  end
end)

Values.show("records in order", fn ->
  all = [
    record.(:b, :a, [x: 1], true),
    record.(:a, :b, [x: 1], true),
    record.(:a, :a, [x: 2, y: 1], true),
    record.(:a, :a, [y: 1, x: 2], true),
    record.(:a, :a, [x: 1], true),
    record.(:a, :a, [x: 0.5], true),
    record.(:a, :a, [], true),
    record.(:a, :a, [x: 7], false)
  ]

  ([{1, 2, 3}, %{}, :z, [], ""] ++ all) |> Enum.sort() |> Enum.map(&Enum.find_index(all, fn r -> r === &1 end))
end)

Values.show("within", fn ->
  for t <- [1, 5, 6, 5.0, 2 ** 70, :a], do: Values.maybe(:erlang, :is_integer, [t, 1, 5])
end)

Values.show("iterated", fn ->
  case Values.maybe(:erlang, :processes_iterator, []) do
    :none -> :none
    iterator -> match?({_, _}, :erlang.processes_next(iterator))
  end
end)

Values.show("exported pattern", fn ->
  with {:ok, pattern} when elem(pattern, 0) == :re_exported_pattern <- :re.compile("a(b)c", [:export, :caseless]) do
    {:re.run("xABCx", :re.import(pattern)), elem(pattern, 2), elem(pattern, 3)}
  end
end)

Values.show("matched with export", fn ->
  {:ok, pattern} = :re.compile("b")

  for pattern <- ["b", pattern], options <- [[:export], [:export, :global], [:export, :unicode]] do
    try do
      :re.run("abc", pattern, options)
    rescue
      e in ArgumentError -> e.__struct__
    end
  end
end)

# ---- hibernation that returns

Values.show("hibernate", fn ->
  me = self()
  kept = {:kept, [1, 2, 3]}

  for {wake, before} <- [{:message, :nothing}, {:timer, :nothing}, {:message, :message}] do
    child =
      spawn(fn ->
        if before == :message, do: receive(do: (:start -> :ok))
        if wake == :timer, do: Process.send_after(self(), :late, 20)
        returned = Values.maybe(:erlang, :hibernate, [])
        send(me, {returned, kept, Process.info(self(), :message_queue_len)})
      end)

    if before == :message, do: for(m <- [:late, :start], do: send(child, m))
    if wake == :message, do: send(child, :late)
    receive(do: ({returned, kept, {_, n}} -> {returned, kept, returned == :none or n > 0}))
  end
end)

Values.show("hibernating ends", fn ->
  {child, monitor} = spawn_monitor(fn -> Values.maybe(:erlang, :hibernate, []) && Process.sleep(:infinity) end)
  Process.exit(child, :boom)
  receive(do: ({:DOWN, ^monitor, _, _, reason} -> reason))
end)
