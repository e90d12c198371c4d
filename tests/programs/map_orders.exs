# The order of keys in large maps: keys of one kind and mixed ones, by all ways to list them. Keys whose place the BEAM itself
# chooses anew in each run (funs, atoms that modules bring, what is of other nodes) are left out.
defmodule Orders do
  # A sequence that is the same in each run.
  def random(seed), do: Stream.iterate(seed, &rem(&1 * 6_364_136_223_846_793_005 + 1_442_695_040_888_963_407, 0x1_0000_0000_0000_0000)) |> Stream.map(&Bitwise.bsr(&1, 20))

  # Atoms that every emulator has before it loads a module.
  @atoms ~w(false true infinity timeout normal call return throw error exit undefined nocatch no none DOWN UP EXIT abort access active
    alias alive all amd64 anchored and any apply args asn1 async atom attributes auto_connect badarg badarith badarity badfile badfun
    badkey badmap badmatch badrecord badsig badopt bag band big binary block blocked bm bnot bor bxor breakpoint bsl bsr ok x86
    killed kill low max min module monitor named_table nomatch noproc normal port process protected public set yes xor)a

  def key(:small, r), do: rem(r, 100_000)
  def key(:negative, r), do: -rem(r, 1_000_000_000_000)
  def key(:wide, r), do: r - Bitwise.bsl(1, 43)
  def key(:big, r), do: Bitwise.bsl(r + 1, 64 + rem(r, 200)) * if(rem(r, 3) == 0, do: -1, else: 1)
  def key(:float, r), do: (rem(r, 100_000) - 50_000) / 7
  def key(:atom, r), do: Enum.at(@atoms, rem(r, length(@atoms)))
  def key(:binary, r), do: binary_part(:binary.copy(<<r::64>>, 12), 0, rem(r, 90))
  def key(:text, r), do: "key é #{rem(r, 10_000)}"
  def key(:bits, r), do: <<r::64, rem(r, 7)::size(rem(r, 13))>>
  def key(:string, r), do: String.to_charlist("k#{rem(r, 10_000)}")
  def key(:tuple, r), do: {rem(r, 1000), key(:float, r), {[], key(:text, r)}}
  def key(:list, r), do: [rem(r, 500), {}, key(:big, r) | if(rem(r, 2) == 0, do: [], else: rem(r, 300))]
  def key(:map, r), do: %{rem(r, 1000) => -r, "ok" => key(:text, r)}
  def key(:large_map, r), do: Map.new(0..40, &{&1 * rem(r, 100), r})
  def key(:pid, r), do: :erlang.list_to_pid(~c"<0.#{rem(r, 30_000)}.0>")
  def key(:port, r), do: :erlang.list_to_port(~c"#Port<0.#{rem(r, 30_000)}>")
  def key(:ref, r), do: :erlang.binary_to_term(<<131, 90, 3::16, 119, 13, "nonode@nohost", 0::32, rem(r, 200_000)::32, r::64>>)
  def key(:mixed, r), do: key(Enum.at(kinds(), rem(r, length(kinds()) - 1)), div(r, 20))

  def kinds do
    ~w(small negative wide big float atom binary text bits string tuple list map large_map pid port ref mixed)a
  end

  def follow(:none), do: []
  def follow({key, _, next}), do: [key | follow(:maps.next(next))]

  def all([path, map | pairs]) when is_integer(path), do: all(:erts_internal.map_next(path, map, pairs))
  def all(pairs), do: pairs

  def show(kind, size) do
    map = random(size + :erlang.phash2(kind)) |> Stream.map(&key(kind, &1)) |> Enum.take(size) |> Map.from_keys(size)
    keys = :maps.keys(map)
    listed = :maps.to_list(map)

    told = [
      map_size(map),
      :erlang.phash2(keys),
      keys == Enum.map(listed, &elem(&1, 0)),
      :maps.values(map) == Enum.map(listed, &elem(&1, 1)),
      follow(:maps.next(:maps.iterator(map))) == keys,
      follow(:maps.next(:maps.iterator(map))) == Enum.reverse(keys),
      :maps.fold(fn key, _, all -> [key | all] end, [], map) == keys,
      Enum.map(map, &elem(&1, 0)) == keys,
      :erlang.phash2(:erlang.term_to_binary(map)),
      :erlang.phash2(inspect(map, limit: :infinity)),
      :erlang.phash2(:lists.flatten(:io_lib.format(~c"~w", [map]))),
      :erlang.phash2(follow(:maps.next(:maps.iterator(:maps.without(Enum.take_every(keys, 3), map))))),
      :erlang.phash2(:maps.keys(:maps.merge(map, Map.new(1..50, &{&1, &1})))),
      :erlang.phash2(for({key, _} <- map, do: key)),
      :erlang.phash2(Map.keys(Map.filter(map, fn {key, _} -> :erlang.phash2(key, 5) > 0 end)))
    ]

    IO.inspect({kind, size, told})

    # The first piece has 32 associations; how many the next one has depends on the time slice.
    with [path, of | first] when is_integer(path) <- :erts_internal.map_next(0, map, []) do
      IO.inspect({path, of == map, :erlang.phash2(first), :erlang.phash2(all([path, of | first]))})
    end
  end
end

# Atoms, processes and ports have other numbers on OTP 25 than Purlin's.
without = if System.otp_release() == "25", do: [:atom, :pid, :port, :mixed], else: []

for kind <- Orders.kinds() -- without, size <- [33, 100, 700, 2000], do: Orders.show(kind, size)
IO.inspect(:maps.keys(Map.new(1..40, &{&1, &1})), limit: :infinity)
IO.inspect(Map.new(1..40, &{&1, &1}), limit: :infinity)
