# Public keys: what follows from a key is the same on both sides, what is random is checked by the other half.
defmodule PublicKeys do
  def caught(f) do
    f.()
  rescue
    e -> {:error, e.__struct__, e |> Map.get(:original) |> what()}
  end

  # Places and texts in the library's C code differ between versions of it.
  defp what({kind, _, _}), do: kind
  defp what(other), do: other

  def show(label, f), do: IO.inspect(caught(f), label: label, limit: :infinity, printable_limit: :infinity)
  def digest(x), do: x |> :erlang.term_to_binary() |> then(&:crypto.hash(:sha256, &1)) |> Base.encode16()
end

alias PublicKeys, as: P

P.show("public_keys", fn -> :crypto.supports(:public_keys) end)
P.show("curves", fn -> :crypto.supports(:curves) end)
P.show("rsa_opts", fn -> :crypto.supports(:rsa_opts) end)

# Each curve: the public keys of two secret numbers, and what they agree on.
for curve <- :crypto.supports(:curves) -- [:ed25519, :ed448, :x25519, :x448] do
  {_, _, _, order, _} = :crypto.ec_curve(curve)
  size = byte_size(order)
  [a, b] = for seed <- [1, 2], do: :crypto.mod_pow(3, 1000 * seed + size, order)
  {pa, ^a} = {elem(:crypto.generate_key(:ecdh, curve, a), 0), a}
  {pb, _} = :crypto.generate_key(:ecdh, curve, b)
  s = :crypto.compute_key(:ecdh, pb, a, curve)
  true = s == :crypto.compute_key(:ecdh, pa, b, curve)
  sig = P.caught(fn -> :crypto.sign(:ecdsa, :sha256, "text", [a, curve]) end)
  checks = if is_binary(sig), do: {:crypto.verify(:ecdsa, :sha256, "text", sig, [pa, curve]), :crypto.verify(:ecdsa, :sha256, "texts", sig, [pa, curve]),
            :crypto.verify(:ecdsa, :sha256, "text", sig, [pb, curve])}, else: sig
  {fresh, secret} = :crypto.generate_key(:ecdh, curve)
  IO.inspect({curve, P.digest({pa, pb, s}), checks, byte_size(fresh), byte_size(secret)})
end

for {kind, curve, size} <- [{:eddh, :x25519, 32}, {:eddh, :x448, 56}, {:ecdh, :x25519, 32}, {:ecdh, :x448, 56}] do
  [a, b] = for i <- [1, 2], do: :binary.copy(<<i * 17>>, size)
  [{pa, ^a}, {pb, ^b}] = for k <- [a, b], do: :crypto.generate_key(kind, curve, k)
  IO.inspect({kind, curve, pa, :crypto.compute_key(kind, pb, a, curve), :crypto.compute_key(kind, pa, b, curve)}, limit: :infinity)
  P.show("small order", fn -> :crypto.compute_key(kind, :binary.copy(<<0>>, size), a, curve) end)
  P.show("short", fn -> :crypto.compute_key(kind, <<1>>, a, curve) end)
end

for {curve, size} <- [ed25519: 32, ed448: 57], text <- ["", "abc", :binary.copy("long", 100)] do
  key = :binary.copy(<<9>>, size)
  {public, ^key} = :crypto.generate_key(:eddsa, curve, key)
  sig = :crypto.sign(:eddsa, :none, text, [key, curve])
  <<first, rest::binary>> = sig
  IO.inspect({curve, public, sig, :crypto.verify(:eddsa, :none, text, sig, [public, curve]),
              :crypto.verify(:eddsa, :none, text <> "x", sig, [public, curve]),
              :crypto.verify(:eddsa, :none, text, <<Bitwise.bxor(first, 1), rest::binary>>, [public, curve])}, limit: :infinity)
end

# RSA with a key made here, and with one that OpenSSL made.
given = Enum.map([
  "010001",
  "966F6D90E372F0ECD2E1F518139C350F947DC79BBC60652409E379B72CD0D245AA5A5E3B513C1C70065BFEF859F0A1B1EA01" <>
    "EC46A551BABC7A42B74E2A925D6A629FD75AE50D8EBFF29982A07C478EF6639809AE603565EB4963B267DB1795962C5E646A" <>
    "7CC705642A3D2BB1AAB7388086FFF6CC82FE9137961254B8FC027045",
  "6E05A2B173D7EDA296FD111F01C09E01FE0D1BBEA7C02C58762EFB26DFCCFDEC5B91EA1721EB7FB4E2C1C7B1653E1B541E9C" <>
    "376CD79DF59FC11F28272FF58A01947EE4DAB8B41CC46D862AD64A10227A4051F6E30B01A9FD32B97A8AB073D21EA637A7BC" <>
    "0186E7539A2F4CE9288EC6759E3F9792BE779EC6046548D35906D2C5",
  "C587AEB1539EFB265C7DE9B49AD24B933CC2C131F381EE85E3DBD0F71B40D4CCC9F2C7DFD41DE7CA8A76A42208FDD4FB63F4" <>
    "776E73CF10297EEE90F511473DDF",
  "C2F706D4417D132C25C1A71D895F30F82D7B467BAD6CCB4DD9807B5E126720D3825BA462511860008F06D03D34ED9A35BD2E" <>
    "163D0E973C6753BCB988ACDACE5B",
  "BF18568EC2E12903A1B346672CE889A8B5BD8BFDF120204B7376F3203C436A1B7CBBDD55D2F5E38A748DF697DEAF025EFA02" <>
    "45909B851493B072C7D5EE93476D",
  "162A75A94E24C53840B6AAA44E08F78D4FC67335FE7A9F06A3D2DAB3D04DCF4A9CC88480F50D5B64D4DE0670DF02A084B994" <>
    "72CCD04ADB8037E1FE0A0EF4F57F",
  "A45633EB7213A330F90CC0B6A32C76ADB32AA74E683F05B93D9FF7E2EDC2B5367F1D9FF97D93141CE4142412C15C89801691" <>
    "707832DFEDDB34410E662485076A"
], &Base.decode16!/1)
{_, fresh} = :crypto.generate_key(:rsa, {1024, 65537})
# Wrong in its coefficient, which is in some keys of old files.
odd = List.replace_at(given, 7, <<3>>)
keys = [given: given, made: fresh, short: Enum.take(given, 3), odd: odd]

# What OpenSSL has signed and encrypted.
[public, signature, binary_public, binary_signature, pss, oaep, v15] = Enum.map([
  "043DD8A83208A12FC3D5A4B23E5EAA7BA460D12CA988BAEEB93E4A4D6555B4AAAFC818DD6E757DB3B6604954B1F2881905C9" <>
    "4DD88AB1B97DCD6C6747BB7B0A526EFA555354D78ED4DC333BE295D72105580CDB87ABED9C07D67B64D4A9D96987B5",
  "30650231009DCDE464441A8E4C2982E717DFCC10B4ED5CA62B6E10D90621AEA135B1B9F617DA727315EE08BEAD18FD3BD807" <>
    "424B9602307C2916B7B3002E7C39C02E9602D4861DB4101F3573740E40B9A81927673F5120919A3AADB9545385CE22487F44" <>
    "B19762",
  "04009D6E051CF73A65F1D6EFE8495DF518BE7443BA715B214BE913507E27ECA5F4D2169353005783093167E118668322AD94" <>
    "B5449F22BF3684E3B6BACCAEE8C2CA888560C850A23D42",
  "304C022402F83D34DD1D0510EDCCC68CAEC73F30D8AF2BD3D6D4181ED66E8E1CD96FC9D3DA6DB24F022403B24828EF066799" <>
    "FFD59BD6697EB768E14F0C8AD3D683EC7B9F957B2B3F42FB5662DAAE",
  "03BC26FCB94C63F231BFD918CD4850CA5C2A0367BBE64981573A100C1332DFA7B9AF1DE956AD370F1BC44A0AAFBEA1A660B8" <>
    "EF9EB2944FC2A6DB08BA284949553E2E18318226A36A0E2168534F30724C4B454A19291F1D05D0FC111DE6B934DE9FCD21FC" <>
    "2056C6B8B22AE5398D22D676B12249EE514F717C38EF77241AC2A75D",
  "148F46BE07D14C8AA2D61BF19F5CAA2A38D1F984E8EE42AC9EC8B867A1C67787A209678D0CDF06B4CA0632212C873954ECA1" <>
    "B501B5C865C37C50361E05033AB995B5775E1F157F57BFAA9FA3AEE16F0B46680FC350054D93B0C44CF221F2E78A767C58E8" <>
    "48548CE54861A3870382BE892B947B11D758C4F4E8D3702C6E2F1C41",
  "43C9B705182669F24CE278A1EC89A263DAE7E2D14AFBA3A737B6748D81B099FC3FDDC9498F8A4CAE35A8DF07830967B6BBBE" <>
    "B9A3E9030B339BA368CA3CE0E9858796FF161835A09628F525213C07ECFFB54662490180B3D43A3006778F076F9354D5EC01" <>
    "C2ECA0E884BE119BED249E7365D5BC1FFDEBE0F6E07459BD1F4AF714"
], &Base.decode16!/1)
IO.inspect({:crypto.verify(:ecdsa, :sha384, "text", signature, [public, :secp384r1]),
            :crypto.verify(:ecdsa, :sha256, "text", binary_signature, [binary_public, :sect283r1]),
            :crypto.verify(:rsa, :sha256, "text", pss, Enum.take(given, 2), rsa_padding: :rsa_pkcs1_pss_padding, rsa_pss_saltlen: -1),
            :crypto.private_decrypt(:rsa, oaep, given, :rsa_pkcs1_oaep_padding), :crypto.private_decrypt(:rsa, v15, given, :rsa_pkcs1_padding)})

# DSA.
[p, q, g, x, y] = Enum.map([
  "8057826292428893E8AE5B1336E31F2D7B3B89DE012A9667F6042D99FFB6CDF62BDF40B68DA338A81532CDD3BFEA4C4084AB" <>
    "C3025426EDD9B923CD3D5477A214940F08861B707761529707DD092E41E459577299BC7296D1AACB32B26F48D66B57CF5E5C" <>
    "AED5E8633CB4A7481C76ACDBD1B98869F262DBE33C9BD4D77921E22D",
  "B4DF7E2C130BC9C3DE647B6B1F1E71BE283AFEAE40369F59DAB5E219",
  "60BB345F760E945734EC4AB25378C1D5C2BC520C223DC9C57BA96A80F84015D3121FED765AFA9B42DDF4CD4E5C249FB5984B" <>
    "D14CDBC648A2021E011EDF65EB87CAC60B02A4D1E883796D72EFB9C1323440858433F4824100184186F546AE391639C5633D" <>
    "E2DF28C74F6274AC8C6420CFE1F89A57F613A6B1C7755A45A3DDC38A",
  "01E497AF2C7E00D813BEDFD28A52B348D5426198CFD97BB0200816B1",
  "6E90071C76CB667491E47B6FCFE045D999C971D82C8465FC98A520527F8EE21A6E55EF03A3C2EE4FB142F2EDACC615F6726B" <>
    "12A6856C94B9416588644189512FFC3AD3DF1425B9C34EA1EA3203B96E30743ED67082CE24465557E2F829BB375E4F333058" <>
    "C554400438901AAD52754413EC6DBA3BD1CC9D9D37DF17CCF2A1EA6E"
], &Base.decode16!/1)
for hash <- [:sha, :sha224, :sha256, :sha512] do
  sig = :crypto.sign(:dss, hash, "text", [p, q, g, x])
  IO.inspect({hash, :crypto.verify(:dss, hash, "text", sig, [p, q, g, y]), :crypto.verify(:dss, hash, "test", sig, [p, q, g, y])})
end

for {name, [e, n | _] = private} <- keys do
  public = [e, n]
  for hash <- [:md5, :sha, :sha224, :sha256, :sha384, :sha512, :ripemd160, :sha3_256, :sha3_512] do
    sig = P.caught(fn -> :crypto.sign(:rsa, hash, "text", private) end)
    IO.inspect({name, hash, if(name == :given, do: P.digest(sig)), is_binary(sig) and :crypto.verify(:rsa, hash, "text", sig, public),
                is_binary(sig) and :crypto.verify(:rsa, :sha, "other", sig, public)})
  end
  for hash <- [:sha, :sha256, :sha384], salt <- [-2, -1, 0, 20], mgf <- [hash, :sha] do
    options = [rsa_padding: :rsa_pkcs1_pss_padding, rsa_pss_saltlen: salt, rsa_mgf1_md: mgf]
    sig = P.caught(fn -> :crypto.sign(:rsa, hash, "text", private, options) end)
    other = [rsa_padding: :rsa_pkcs1_pss_padding, rsa_pss_saltlen: 17, rsa_mgf1_md: mgf]
    IO.inspect({name, hash, salt, mgf, is_binary(sig), :crypto.verify(:rsa, hash, "text", sig, public, options),
                :crypto.verify(:rsa, hash, "test", sig, public, options), :crypto.verify(:rsa, hash, "text", sig, public, other)})
  end
  for padding <- [:rsa_pkcs1_padding, :rsa_pkcs1_oaep_padding, :rsa_no_padding, :rsa_x931_padding], text <- ["", "short", :binary.copy(<<1>>, 128), :binary.copy(<<255>>, 128), :binary.copy(<<1>>, 129)] do
    IO.inspect({name, padding, byte_size(text),
                P.caught(fn -> :crypto.private_decrypt(:rsa, :crypto.public_encrypt(:rsa, text, public, padding), private, padding) == text end),
                P.caught(fn -> :crypto.public_decrypt(:rsa, :crypto.private_encrypt(:rsa, text, private, padding), public, padding) == text end),
                P.caught(fn -> if(name == :given, do: P.digest(:crypto.private_encrypt(:rsa, text, private, padding))) end)})
  end
  for padding <- [:rsa_pkcs1_padding, :rsa_x931_padding], hash <- [:sha, :sha256], size <- [19, 20, 32] do
    options = [rsa_padding: padding, signature_md: hash]
    text = :binary.copy("a", size)
    IO.inspect({name, padding, hash, size,
                P.caught(fn -> :crypto.public_decrypt(:rsa, :crypto.private_encrypt(:rsa, text, private, options), public, options) == text end),
                P.caught(fn -> if(name == :given, do: P.digest(:crypto.private_encrypt(:rsa, text, private, options))) end),
                P.caught(fn -> :crypto.public_encrypt(:rsa, text, public, options) end)})
  end
  options = [rsa_padding: :rsa_pkcs1_oaep_padding, rsa_oaep_label: "label", rsa_oaep_md: :sha256, rsa_mgf1_md: :sha]
  IO.inspect(:crypto.private_decrypt(:rsa, :crypto.public_encrypt(:rsa, "secret", public, options), private, options))
end

P.show("too small", fn -> :crypto.generate_key(:rsa, {128, 65537}) end)
P.show("no exponent", fn -> :crypto.generate_key(:rsa, {512, :x}) end)
P.show("no key", fn -> :crypto.sign(:rsa, :sha256, "x", [1, 2]) end)
P.show("no public key", fn -> :crypto.verify(:rsa, :sha256, "x", "y", [1]) end)
P.show("no curve", fn -> :crypto.generate_key(:ecdh, :bogus) end)
P.show("no point", fn -> :crypto.compute_key(:ecdh, <<1, 2>>, <<3>>, :secp256r1) end)
P.show("not on the curve", fn -> :crypto.compute_key(:ecdh, <<4, 1::256, 1::256>>, <<3>>, :secp256r1) end)
P.show("bad signature", fn -> :crypto.verify(:ecdsa, :sha256, "x", "bad", [elem(:crypto.generate_key(:ecdh, :secp256r1, <<7>>), 0), :secp256r1]) end)
P.show("bad key", fn -> :crypto.verify(:ecdsa, :sha256, "x", "bad", [<<4, 1, 2>>, :secp256r1]) end)
P.show("bad algorithm", fn -> :crypto.sign(:bogus, :sha256, "x", []) end)
P.show("bad digest", fn -> :crypto.sign(:rsa, :bogus, "x", []) end)
P.show("bad option", fn -> :crypto.sign(:rsa, :sha256, "x", elem(hd(keys), 1), bogus: 1) end)

# Diffie-Hellman, and SRP.
p = :crypto.bytes_to_integer(Base.decode16!("FFFFFFFFFFFFFFFFC90FDAA22168C234C4C6628B80DC1CD129024E088A67CC74020BBEA63B139B22514A08798E3404DDEF9519B3CD3A431B302B0A6DF25F14374FE1356D6D51C245E485B576625E7EC6F44C42E9A637ED6B0BFF5CB6F406B7EDEE386BFB5A899FA5AE9F24117C4B1FE649286651ECE65381FFFFFFFFFFFFFFFF"))
{a_public, a} = :crypto.generate_key(:dh, [p, 2], 123_456_789)
{b_public, b} = :crypto.generate_key(:dh, [p, 2])
# OTP 25 makes a new secret number of its own with OpenSSL 3, whatever it is given.
IO.inspect({:crypto.compute_key(:dh, b_public, a, [p, 2]) == :crypto.compute_key(:dh, a_public, b, [p, 2])})
P.show("small", fn -> :crypto.generate_key(:dh, [23, 5]) end)
P.show("of order one", fn -> :crypto.compute_key(:dh, 1, a, [p, 2]) end)

prime = :binary.encode_unsigned(p)
for version <- [:"3", :"6", :"6a"] do
  derived = :crypto.hash(:sha, "password")
  verifier = :crypto.mod_pow(<<2>>, derived, prime)
  {host_public, host} = :crypto.generate_key(:srp, {:host, [verifier, <<2>>, prime, version]}, <<11>>)
  {user_public, user} = :crypto.generate_key(:srp, {:user, [<<2>>, prime, version]}, <<13>>)
  s1 = :crypto.compute_key(:srp, host_public, {user_public, user}, {:user, [derived, prime, <<2>>, version]})
  s2 = :crypto.compute_key(:srp, user_public, {host_public, host}, {:host, [verifier, prime, version]})
  IO.inspect({version, P.digest({host_public, user_public, s1}), s1 == s2})
end
