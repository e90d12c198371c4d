# Building binaries with the instructions of OTP 24 and before, in which Elixir's own libraries are compiled, and with
# those of OTP 25: values, and errors in each place.
source = ~S'''
-module(building).
-export([ints/3, sized/2, bin/2, part/2, utf/1, utf16/1, float/2, mix/4, append/2, grow/2, bits/2, text/1, guarded/1, all/2]).
ints(A, B, C) -> <<A, B:16, C:24/little>>.
sized(A, N) -> <<A:N, 1:1>>.
bin(A, B) -> <<A/binary, "-", B/binary>>.
part(A, N) -> <<A:N/binary, 0>>.
utf(C) -> <<C/utf8, "é"/utf8>>.
utf16(C) -> <<C/utf16-little, C/utf32>>.
float(F, N) -> <<F:N/float>>.
mix(A, B, C, D) -> <<A:4, B:12, C/bitstring, D/binary, "end">>.
append(A, B) -> <<A/binary, B>>.
grow(A, 0) -> A;
grow(A, N) -> grow(<<A/binary, N:8, (N * 3):16>>, N - 1).
bits(A, B) -> <<A/bitstring, B:3>>.
text(T) -> <<"longer than eight bytes: ", T/binary, ", and more">>.
guarded(A) -> case A of {X, Y} when <<X, Y:16>> =:= <<1, 2:16>> -> yes; _ -> no end.
all(A, B) -> {<<A/bitstring, B/bitstring>>, <<B/bitstring, A/bitstring>>}.
'''

{:ok, tokens, _} = source |> String.to_charlist() |> :erl_scan.string()
forms = tokens |> Enum.chunk_while([], fn t, acc -> if elem(t, 0) == :dot, do: {:cont, Enum.reverse([t | acc]), []}, else: {:cont, [t | acc]} end, fn _ -> {:cont, []} end) |> Enum.map(fn f -> {:ok, form} = :erl_parse.parse_form(f); form end)

values = [0, 1, -1, 255, 256, 0x10FFFF, 0xD800, Bitwise.bsl(1, 70), -5, 1.5, :a, "", "ab", <<1::3>>, <<5::11>>, String.duplicate("x", 100), [1], nil, 8, 64]

for options <- [[:no_bs_create_bin, :no_type_opt], []] do
  {:ok, module, code} = :compile.forms(forms, options)
  :code.purge(module)
  {:module, _} = :code.load_binary(module, ~c"building.erl", code)
  show = fn f, args ->
    result = try do apply(:building, f, args) rescue e -> e.__struct__ end
    IO.inspect({f, args, result}, limit: 12, printable_limit: 40)
    result
  end

  for a <- values, b <- values do
    show.(:ints, [a, b, 7])
    show.(:ints, [7, a, b])
    for f <- [:sized, :bin, :part, :float, :append, :bits, :all], do: show.(f, [a, b])
    show.(:mix, [a, 1, b, "z"])
    show.(:mix, [1, a, "z", b])
    show.(:guarded, [{a, b}])
  end

  for a <- values, f <- [:utf, :utf16, :text], do: show.(f, [a])
  show.(:guarded, [{1, 2}])
  grown = :building.grow("start", 500)
  IO.inspect({byte_size(grown), :erlang.crc32(grown)})
  # Appending twice to one binary gives two.
  IO.inspect({:building.append(grown, 1) == :building.append(grown, 2), :binary.last(:building.append(grown, 3))})
end

IO.inspect(for c <- [65, 0xE9, 0x20AC, 0x1F600], do: {String.codepoints(<<c::utf8, "é">>), String.upcase(<<c::utf8>>)})
