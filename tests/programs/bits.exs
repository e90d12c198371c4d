# Matching and construction of bitstrings of all kinds, with repeatable random values; one hash per kind.
defmodule Bits do
  def integer do
    case :rand.uniform(6) do
      1 -> :rand.uniform(10) - 5
      2 -> :rand.uniform(2 ** 58)
      3 -> -:rand.uniform(2 ** 64)
      4 -> :rand.uniform(2 ** 200) - 2 ** 199
      5 -> :rand.uniform(70_000) - 35_000
      6 -> :rand.uniform(2 ** 62)
    end
  end

  def bits do
    bytes = :rand.bytes(:rand.uniform(100) - 1)
    skip = :rand.uniform(12) - 1

    case bytes do
      <<_::size(skip), rest::bits>> -> rest
      _ -> bytes
    end
  end

  def float, do: (:rand.uniform() - 0.5) * :math.pow(10, :rand.uniform(40) - 20)

  def kinds do
    [
      small: fn -> (i = integer(); <<i::1, i::7, i::8, i::13, i::16-little, i::3>>) end,
      wide: fn -> (i = integer(); <<i::64, i::65-little, i::59, i::60, i::61-signed, i::200-little, i::33>>) end,
      sized: fn -> (i = integer(); s = :rand.uniform(100); <<i::size(s), i::size(s)-little, i::size(s)-unit(3)>>) end,
      floats: fn -> (f = float(); <<1::3, f::float, f::float-32, f::float-little, f::float-16, f::float-32-little>>) end,
      joined: fn -> (b = bits(); <<b::bits, 1::3, b::bits>>) end,
      whole_bytes: fn -> (b = bits(); <<b::binary, 1>>) end,
      packed: fn -> (i = integer(); {<<i::16, i::7, "ab", i::9>>, <<i::64>>, <<i::4, i::3>>, <<i, "x", i::16>>}) end,
      appended: fn -> (i = integer(); b = <<bits()::bits, i::64>>; {<<b::bits, i::3, i::9>>, <<b::bits, "y", i::56>>}) end,
      grown: fn -> (i = integer(); Enum.reduce(1..20, <<>>, &<<&2::bits, &1::3, i::5, i::16, "z">>)) end,
      parts: fn -> (b = bits(); s = :rand.uniform(20); <<b::binary-size(s), 7::5, b::bits-size(s)>>) end,
      characters: fn -> (c = :rand.uniform(0x120000); <<c::utf8, c::utf16, c::utf32, c::utf16-little>>) end,
      text: fn -> (i = integer(); <<"abc", i::5, "déf"::utf8, "x"::utf16>>) end,
      get_small: fn -> with(<<a::3, b::8, c::13-little-signed, r::bits>> <- bits(), do: {a, b, c, r}) end,
      get_wide: fn -> with(<<a::64-signed, b::65, c::100-little, r::bits>> <- bits(), do: {a, b, c, r}) end,
      get_sized: fn ->
        s = :rand.uniform(80)
        with(<<a::size(s)-signed, b::size(s)-little-signed, c::binary-size(s)-unit(2), r::bits>> <- bits(), do: {a, b, c, r})
      end,
      get_floats: fn -> with(<<a::float-32, b::float-little, c::float-16, r::bits>> <- bits(), do: {a, b, c, r}) end,
      get_characters: fn ->
        case bits() do
          <<a::utf8, r::binary>> -> {a, r}
          <<a::9, b::utf16, r::bits>> -> {a, b, r}
          <<a::utf32, r::bits>> -> {a, r}
          other -> other
        end
      end,
      get_aligned: fn ->
        case bits() do
          <<a, b::16, c::24, d::32, e::16-little, f::32-little, r::binary>> -> {a, b, c, d, e, f, r}
          <<a::16, b::16-little, r::bits>> -> {a, b, r}
          <<a, r::binary>> -> {a, r}
          other -> other
        end
      end,
      skip_sized: fn ->
        case bits() do
          <<_, n, _::binary-size(n), r::binary>> -> {n, r}
          <<_::16, n::3, _::size(n)-unit(7), a::24, r::bits>> -> {n, a, r}
          <<_, r::binary>> -> r
          other -> other
        end
      end,
      characters_cut: fn ->
        text = for _ <- 1..6, into: <<>>, do: <<Enum.random([?a, ?é, ?ß, ?€, ?한, ?😀, 0x10FFFF])::utf8>>
        at = :rand.uniform(byte_size(text)) - 1
        <<_::binary-size(at), cut::binary>> = text
        bad = Enum.random([<<0xC1, 0x80>>, <<0xE0, 0x80, 0x80>>, <<0xED, 0xA0, 0x80>>, <<0xF4, 0x90, 0x80, 0x80>>, ""])
        for b <- [text, cut, bad, binary_part(text, 0, at) <> bad], do: for(<<c::utf8 <- b>>, do: c)
      end,
      size_in_front: fn ->
        case bits() do
          <<n, b::binary-size(n), r::binary>> -> {n, b, r}
          <<n::4, b::bits-size(n), r::bits>> -> {n, b, r}
          other -> other
        end
      end,
      to_list: fn -> (b = bits(); for(<<x::5 <- b>>, do: x)) end,
      to_bits: fn -> (b = bits(); for(<<x::3 <- b>>, into: <<>>, do: <<x::7>>)) end,
      filtered: fn -> (b = bits(); for(<<x::11-little <- b>>, rem(x, 2) == 0, into: <<>>, do: <<x::9-little>>)) end,
      appended: fn -> append(bits(), <<>>, []) end,
      prepended: fn -> reverse(bits(), <<>>) end,
      grown: fn -> Enum.reduce(1..300, <<>>, &<<&2::bits, &1::7>>) end,
      grown_twice: fn ->
        a = Enum.reduce(1..300, <<>>, &<<&2::binary, &1::16>>)
        {b, c} = {<<a::binary, 1>>, <<a::binary, 2>>}
        {a, b, c}
      end,
      literals: fn ->
        case bits() do
          <<"a", _::bits>> -> 1
          <<1::1, 2::3, _::bits>> -> 2
          <<0::2, r::bits>> -> r
          _ -> 4
        end
      end,
      sizes: fn -> (b = bits(); {bit_size(b), byte_size(b), is_binary(b), b == <<b::bits>>, b < bits()}) end,
      external: fn -> (b = bits(); {:erlang.term_to_binary(b), :erlang.binary_to_term(:erlang.term_to_binary([b]))}) end,
      skipped: fn -> skip(bits(), 0) end,
      kept: fn -> until_large(bits()) end
    ]
  end

  defp append(<<1::1, r::bits>>, a, l), do: append(r, <<a::bits, 5::3>>, [a | l])
  defp append(<<0::1, x::2, r::bits>>, a, l), do: append(r, <<x::2, a::bits>>, l)
  defp append(r, a, l), do: {r, a, l}

  defp reverse(<<x, r::binary>>, a), do: reverse(r, <<x, a::binary>>)
  defp reverse(r, a), do: {r, a}

  defp skip(<<_::5, _::bits-3, x::2, r::bits>>, n), do: skip(r, n + x)
  defp skip(r, n), do: {r, n}

  defp until_large(<<x, r::bits>> = b) when x > 100, do: {b, r}
  defp until_large(<<_, r::bits>>), do: until_large(r)
  defp until_large(r), do: {:end_of, r}
end

:rand.seed(:exsss, {1, 2, 3})

for {name, kind} <- Bits.kinds() do
  results =
    for _ <- 1..200 do
      try do
        kind.()
      rescue
        e -> e.__struct__
      end
    end

  IO.puts("#{name} #{:erlang.phash2(results, 2 ** 32)}")
end

# What an append leaves alone, and what parts of a large binary share.
a = for(i <- 1..1000, into: <<>>, do: <<i::16>>)
b = <<a::binary, "b">>
c = <<a::binary, "c">>
IO.inspect({byte_size(a), :binary.last(a), :binary.last(b), :binary.last(c)})
IO.inspect(:binary.referenced_byte_size(:binary.part(:binary.copy("x", 1000), 10, 10)))

# A fun says how long it is, and so do those around it, wherever its binaries are.
defmodule Bits.Holding do
  def fun(b), do: fn -> b end
end

held = Bits.Holding.fun([a, Bits.Holding.fun(b), :binary.part(c, 1, 1500)])
IO.inspect(IO.iodata_to_binary(:erlang.term_to_iovec([held, c])) == :erlang.term_to_binary([held, c]))
