# BER and PER: what a compiled specification gives, and the native functions below it with random and broken input.
:rand.seed(:exsss, {1, 2, 3})
hex = fn bytes -> Base.encode16(bytes) end

defmodule Random do
  def tag, do: :rand.uniform(4) * 65536 - 65536 + Enum.random([0, 5, 30, 31, 127, 128, 5000, 16383])
  def value(0), do: :rand.bytes(Enum.random([0, 1, 20, 127, 128, 300]))
  def value(depth), do: if(:rand.uniform(2) == 1, do: value(0), else: for(_ <- 1..:rand.uniform(4), do: tlv(depth - 1)))
  def tlv(depth), do: {tag(), value(depth)}
end

try_it = fn f ->
  try do
    f.()
  catch
    kind, reason -> {kind, reason}
  end
end

same =
  for _ <- 1..2000, reduce: 0 do
    n ->
      term = Random.tlv(:rand.uniform(5) - 1)
      bytes = :asn1rt_nif.encode_ber_tlv(term)
      {^term, "rest"} = :asn1rt_nif.decode_ber_tlv(bytes <> "rest")
      n + :erlang.phash2(bytes)
  end

IO.inspect({:encoded, same})

broken =
  for _ <- 1..3000 do
    bytes = :asn1rt_nif.encode_ber_tlv(Random.tlv(3))
    at = :rand.uniform(byte_size(bytes)) - 1
    <<before::binary-size(at), _, rest::binary>> = bytes
    changed = Enum.random([<<before::binary, :rand.uniform(256) - 1, rest::binary>>, before])
    try_it.(fn -> :asn1rt_nif.decode_ber_tlv(changed) end)
  end

IO.inspect({:broken, :erlang.phash2(broken), Enum.frequencies_by(broken, &(elem(&1, 0) == :exit))})

for bytes <- [<<>>, <<0>>, <<0x30, 0x80, 4, 1, 9, 0, 0, 7>>, <<0x30, 0x80, 4, 1>>, <<4, 0x80, 0, 0>>] ++
             [<<0x1F, 0x81, 0x80, 1, 0>>, <<4, 0x85, 1, 0, 0, 0, 0>>, <<4, 0x82, 1>>, <<4, 3, 1>>, [4, [<<1>>], 5]] do
  IO.inspect({bytes, try_it.(fn -> :asn1rt_nif.decode_ber_tlv(bytes) end)})
end

for term <- [{5, :a}, :x, {-1, "a"}, {4, []}, {4, [{1, "a"} | :x]}, {4, [:x]}] do
  IO.inspect({term, try_it.(fn -> :asn1rt_nif.encode_ber_tlv(term) end)})
end

operation = fn ->
  n = :rand.uniform(6)
  bytes = :rand.bytes(n)

  Enum.random([
    <<Enum.random([0, 1, 2])>>,
    (k = :rand.uniform(8); <<10, k, :rand.uniform(256) - 1 |> rem(Integer.pow(2, k))>>),
    [<<20, n>>, bytes],
    [<<21, n::16>>, bytes],
    [<<30, 0, n>>, bytes],
    [<<31, 0, n::16>>, bytes],
    [<<40, :rand.uniform(10), n>>, for(_ <- 1..n, do: :rand.uniform(2) - 1)],
    [<<43, :rand.uniform(10)::16, n::16>>, for(_ <- 1..n, do: :rand.uniform(2) - 1)],
    [<<45, n * 8, n>>, bytes],
    [<<47, n * 8::16, n::16>>, bytes]
  ])
end

packed = for _ <- 1..2000, do: :asn1rt_nif.encode_per_complete(for _ <- 1..:rand.uniform(20), do: operation.())
IO.inspect({:packed, :erlang.phash2(packed), hex.(hd(packed))})
for bad <- [[3], [40, 1, 1, 2], [20, 1, 5]], do: IO.inspect(try_it.(fn -> :asn1rt_nif.encode_per_complete(bad) end))

dir = Path.join(System.tmp_dir!(), "asn1-#{System.pid()}")
File.mkdir_p!(dir)

File.write!(Path.join(dir, "Shop.asn1"), """
Shop DEFINITIONS AUTOMATIC TAGS ::= BEGIN
  Item ::= SEQUENCE { name UTF8String, amount INTEGER (0..1000), kind ENUMERATED {big, small}, tags SET OF BOOLEAN,
                      note CHOICE { text IA5String, code OCTET STRING } OPTIONAL, flags BIT STRING }
END
""")

item = {:Item, "Tee", 12, :small, [true, false], {:code, <<1, 2, 3>>}, <<5::3>>}

for rules <- [:ber, :der, :per, :uper] do
  :ok = :asn1ct.compile(String.to_charlist(Path.join(dir, "Shop.asn1")), [rules, outdir: String.to_charlist(dir)])
  :code.purge(:Shop)
  {:module, :Shop} = :code.load_abs(String.to_charlist(Path.join(dir, "Shop")))
  {:ok, bytes} = :Shop.encode(:Item, item)
  IO.inspect({rules, hex.(bytes), :Shop.decode(:Item, bytes) == {:ok, item}, :Shop.decode(:Item, <<0x30>>) |> elem(0)})
end

File.rm_rf!(dir)

key = :public_key.pem_entry_encode(:SubjectPublicKeyInfo, {:RSAPublicKey, 3233, 17})
IO.puts(:public_key.pem_encode([key]))
IO.inspect(:public_key.pem_entry_decode(key))
