# no-stress: its data take too long to make; in natives.exs short work moves to other threads then
# Natives with so much to do that they go on elsewhere: their values, their errors with arguments and stack, and what is
# left when their process is killed meanwhile.
defmodule LongNatives do
  def run() do
    n = 300_000
    list = Enum.to_list(1..n)
    reversed = Enum.reverse(list)
    pairs = Enum.map(list, &{&1, &1})
    map = Map.new(pairs)
    binary = :binary.copy("abcdefghijklmnopqrstuvwxyz 0123456789\n,x", 100_000)
    parts = List.duplicate("abcdefghij", n)
    text = :unicode.characters_to_binary(List.duplicate(0xE5, n))

    digest = fn t -> t |> :erlang.phash2(4_294_967_296) |> Integer.to_string(16) end
    show = fn name, value -> IO.puts("#{name} #{digest.(value)}") end

    # The order of a large map's integer keys is the same everywhere.
    show.("from_list", :maps.from_list(pairs))
    show.("from_keys", :maps.from_keys(list, :x))
    show.("keys", :maps.keys(map))
    show.("values", :maps.values(map))
    show.("to_list", :maps.to_list(map))
    show.("merge", :maps.merge(map, :maps.from_keys(Enum.to_list(200_000..400_000), :x)))
    show.("append", list ++ [:x])
    show.("subtract", list -- Enum.drop(reversed, 3))
    show.("list_to_binary", :erlang.list_to_binary(parts))
    show.("iolist_to_binary", :erlang.iolist_to_binary([parts, [binary | parts], ?a, [[], [parts]]]))
    show.("iolist_size", :erlang.iolist_size([parts, 'abc']))
    show.("iolist_to_iovec", :erlang.iolist_to_binary(:erlang.iolist_to_iovec([parts | binary])))
    show.("list_to_bitstring", bit_size(:erlang.list_to_bitstring([parts, <<1::3>>])))
    show.("list_to_tuple", :erlang.list_to_tuple(list))
    show.("tuple_to_list", list |> :erlang.list_to_tuple() |> :erlang.tuple_to_list())
    show.("make_tuple", :erlang.make_tuple(3_000_000, :x))
    show.("setelement", :erlang.setelement(2, :erlang.make_tuple(3_000_000, :x), :y))
    show.("binary_to_list", :erlang.binary_to_list(binary))
    show.("binary_to_list part", :erlang.binary_to_list(binary, 3, 2_000_000))
    show.("bitstring_to_list", :erlang.bitstring_to_list(<<binary::binary, 1::3>>) |> List.last() |> bit_size())
    show.("match", :binary.match(:binary.copy(binary, 3), "qqq"))
    show.("matches", :binary.matches(binary, ["\n", "x\n"]))
    show.("split", :binary.split(binary, "\n", [:global]))
    show.("replace", :binary.replace(binary, "\n", "", [:global]))
    show.("copy", :binary.copy(binary, 3))
    show.("common", :binary.longest_common_prefix([binary, :binary.copy(binary, 1)]))
    show.("unsigned", binary |> :binary.decode_unsigned() |> :binary.encode_unsigned(:little))
    show.("characters from latin1", :unicode.characters_to_binary(<<text::binary, 255>>, :latin1))
    show.("characters with an error", :unicode.characters_to_binary(<<text::binary, 255>>))
    show.("characters of a list", :unicode.characters_to_binary([parts, 0xE5, parts]))
    show.("characters to a list", :unicode.characters_to_list(text))
    show.("term_to_binary", :erlang.term_to_binary(pairs))
    show.("compressed", pairs |> :erlang.term_to_binary([:compressed]) |> :erlang.binary_to_term())
    show.("external_size", :erlang.external_size(pairs))
    show.("binary_to_term", map |> :erlang.term_to_binary() |> :erlang.binary_to_term([:used]))
    show.("phash2", {:erlang.phash2(pairs), :erlang.phash2(map)})
    show.("md5", :erlang.md5([binary, parts]))
    show.("crc32", {:erlang.crc32(parts), :erlang.adler32([binary | parts])})
    :persistent_term.put(:long, {pairs, pairs})
    show.("persistent_term", :persistent_term.get(:long))
    show.("copy_shared", :erts_debug.copy_shared({pairs, map, pairs}, true))
    show.("sizes", {:erts_debug.size_shared({pairs, pairs}), :erts_debug.flat_size({pairs, pairs})})
    digits = List.duplicate(?7, 60_000)
    show.("integer", :erlang.list_to_integer(digits))
    show.("integer text", digits |> List.to_string() |> String.to_integer() |> Integer.to_string(7))

    fails = fn name, module, function, args ->
      try do
        apply(module, function, args)
        IO.puts("#{name} does not fail")
      catch
        kind, reason ->
          {m, f, called, info} = hd(__STACKTRACE__)
          IO.puts("#{name} #{inspect({kind, digest.(reason), m, f, called == args, info[:error_info]})}")
      end
    end

    fails.("append", :erlang, :++, [list ++ :x, []])
    fails.("subtract", :erlang, :--, [list, list ++ :x])
    fails.("list_to_binary", :erlang, :list_to_binary, [parts ++ [256]])
    fails.("iolist_size", :erlang, :iolist_size, [[parts | :x]])
    fails.("list_to_tuple", :erlang, :list_to_tuple, [list ++ :x])
    fails.("characters", :unicode, :characters_to_binary, [[parts, :x]])
    fails.("binary_to_term", :erlang, :binary_to_term, [binary])
    fails.("matches", :binary, :matches, [binary, ""])
    fails.("binary_to_integer", :erlang, :binary_to_integer, [:binary.copy("7", 60_000) <> "x"])
    table = :ets.new(:t, [:public])
    fails.("insert", :ets, :insert, [table, pairs ++ [:x]])
    IO.inspect(:ets.info(table, :size))

    # Killed at any point of its work, a process leaves a table that is whole and open.
    works = [
      fn -> :maps.from_list(pairs) end,
      fn -> :erlang.binary_to_list(binary) end,
      fn -> :erlang.term_to_binary(map, [:compressed]) end,
      fn -> :ets.insert(table, pairs) end,
      fn -> :erts_debug.copy_shared(pairs, true) end,
      fn -> :persistent_term.put(:killed, [make_ref() | pairs]) end
    ]

    for {work, i} <- Enum.with_index(works), pause <- [0, 1, 5, 20] do
      me = self()

      {pid, ref} =
        spawn_monitor(fn ->
          send(me, :begun)
          Stream.repeatedly(work) |> Stream.run()
        end)

      receive(do: (:begun -> :ok))
      Process.sleep(pause)
      true = is_list(Process.info(pid))
      Process.exit(pid, :kill)
      receive(do: ({:DOWN, ^ref, _, _, why} -> IO.inspect({i, pause, why})))
      true = :ets.info(table, :size) in [0, n]
      :ets.insert(table, {:key, pause})
      IO.inspect(:ets.lookup(table, :key))
      :ets.delete_all_objects(table)
    end

    # Who inserts a long list, and who looks on, see it as one step, whoever does the work.
    table = :ets.new(:t, [:public, :ordered_set])
    me = self()
    spawn(fn -> send(me, {:inserted, :ets.insert(table, pairs)}) end)
    sizes = Stream.repeatedly(fn -> :ets.info(table, :size) end) |> Enum.take_while(&(&1 < n)) |> Enum.uniq()
    IO.inspect(sizes in [[], [0]])
    IO.inspect(receive(do: (message -> message)))
    IO.inspect({:ets.insert_new(table, [{0, 0} | pairs]), :ets.info(table, :size), :ets.member(table, 0)})
  end
end

LongNatives.run()
