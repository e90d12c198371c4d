# Hashes, message authentication and ciphers, with their errors.

cycle = for i <- 1..256, into: "", do: <<rem(i * 7 + 3, 256)>>
data = fn n -> binary_part(:binary.copy(cycle, div(n, 256) + 1), 0, n) end
hex = &Base.encode16(&1, case: :lower)
hashes = [:md4, :md5, :ripemd160, :sha, :sha224, :sha256, :sha384, :sha512] ++
  [:sha3_224, :sha3_256, :sha3_384, :sha3_512, :blake2b, :blake2s]

defmodule Try do
  # The place in the library's source is its own.
  def it(fun) do
    fun.()
  rescue
    e in ErlangError ->
      case e.original do
        {class, {_file, _line}, text} -> {:error, class, to_string(text)}
        other -> {:error, other}
      end

    e -> {:error, e.__struct__}
  end
end

show = fn label, value -> IO.puts("#{label}: #{inspect(value, limit: :infinity)}") end

for h <- hashes, n <- [0, 1, 55, 64, 129, 50_000], do: show.({h, n} |> inspect, hex.(:crypto.hash(h, data.(n))))
for h <- hashes, do: show.(h, :crypto.hash_info(h) |> Map.delete(:type))

for h <- hashes, k <- [0, 20, 64, 200], n <- [0, 100] do
  show.("hmac #{h} #{k} #{n}", hex.(:crypto.mac(:hmac, h, data.(k), data.(n))))
end

state = :crypto.hash_init(:sha256)
one = :crypto.hash_update(state, "a")
two = :crypto.hash_update(one, ["b", ?c])
show.("states", Enum.map([state, one, two, one], &hex.(:crypto.hash_final(&1))))
state = :crypto.mac_init(:hmac, :sha, "key")
state = state |> :crypto.mac_update("a") |> :crypto.mac_update(["b"])
show.("mac state", hex.(:crypto.mac_final(state)))
show.("macN", hex.(:crypto.macN(:hmac, :sha512, "key", "data", 10)))

for c <- [:aes_128_cbc, :aes_192_cbc, :aes_256_cbc, :des_ede3_cbc], n <- [0, 1, 8, 15, 16, 17, 40] do
  key = data.(:crypto.cipher_info(c).key_length)
  show.("cmac #{c} #{n}", hex.(:crypto.mac(:cmac, c, key, data.(n))))
end

show.("poly1305", hex.(:crypto.mac(:poly1305, data.(32), data.(77))))

for h <- [:sha, :sha224, :sha256, :sha384, :sha512], {rounds, n} <- [{1, 10}, {7, 64}, {1000, 100}] do
  show.("pbkdf2 #{h} #{rounds} #{n}", hex.(:crypto.pbkdf2_hmac(h, "password", "salt", rounds, n)))
end

ciphers =
  for c <- :crypto.supports(:ciphers), not :crypto.cipher_info(c).prop_aead, do: c

ours = [:chacha20, :des_ede3_cbc, :des_ede3_cfb] ++ Enum.filter(ciphers, &match?("aes_" <> _, to_string(&1)))

for c <- Enum.sort(ours), info = :crypto.cipher_info(c), n <- [0, 1, 16, 48, 49, 1000] do
  {key, iv} = {data.(info.key_length), data.(info.iv_length)}

  for padding <- [:undefined, :none, :pkcs_padding, :zero] do
    options = [encrypt: true, padding: padding]
    out = Try.it(fn -> :crypto.crypto_one_time(c, key, iv, data.(n), options) end)
    back = is_binary(out) && Try.it(fn -> :crypto.crypto_one_time(c, key, iv, out, [encrypt: false, padding: padding]) end)
    shown = if is_binary(out), do: {hex.(:crypto.hash(:sha, out)), byte_size(out)}, else: out
    show.("#{c} #{n} #{padding}", {shown, if(is_binary(back), do: hex.(:crypto.hash(:md5, back)), else: back)})
  end
end

for c <- [:aes_128_cbc, :aes_256_ctr, :aes_128_cfb8, :chacha20, :aes_192_ofb, :aes_128_cfb128] do
  info = :crypto.cipher_info(c)

  for encrypt <- [true, false], padding <- [:pkcs_padding, :zero, :none, :undefined] do
    s = :crypto.crypto_init(c, data.(info.key_length), data.(info.iv_length), encrypt: encrypt, padding: padding)
    parts = for n <- [1, 15, 16, 17, 0, 40], do: hex.(:crypto.crypto_update(s, data.(n)))
    final = Try.it(fn -> hex.(:crypto.crypto_final(s)) end)
    show.("#{c} #{encrypt} #{padding}", {parts, final, :crypto.crypto_get_data(s)})
  end
end

for c <- [:aes_128_gcm, :aes_192_gcm, :aes_256_gcm, :aes_128_ccm, :aes_256_ccm, :chacha20_poly1305, :aes_gcm],
    ivs <- [1, 7, 8, 12, 13, 16], n <- [0, 1, 16, 50], aad <- [0, 20, 70_000], tag <- [4, 12, 16] do
  {key, iv} = {data.(:crypto.cipher_info(c).key_length), data.(ivs)}
  out = Try.it(fn -> :crypto.crypto_one_time_aead(c, key, iv, data.(n), data.(aad), tag, true) end)

  shown =
    with {text, tag} <- out do
      right = Try.it(fn -> :crypto.crypto_one_time_aead(c, key, iv, text, data.(aad), tag, false) end)
      wrong = Try.it(fn -> :crypto.crypto_one_time_aead(c, key, iv, text, data.(aad), :crypto.exor(tag, data.(byte_size(tag))), false) end)
      {hex.(text), hex.(tag), right == data.(n), wrong}
    end

  show.("#{c} #{ivs} #{n} #{aad} #{tag}", shown)
end

for {label, fun} <- [
      hash: fn -> :crypto.hash(:nosuch, "") end,
      hash_data: fn -> :crypto.hash(:sha, :x) end,
      hash_state: fn -> :crypto.hash_update(make_ref(), "") end,
      hash_final: fn -> :crypto.hash_final("") end,
      hash_info: fn -> :crypto.hash_info(:nosuch) end,
      mac: fn -> :crypto.mac(:nosuch, :sha, "", "") end,
      mac_hash: fn -> :crypto.mac(:hmac, :nosuch, "", "") end,
      mac_text: fn -> :crypto.mac(:hmac, :sha, "", :x) end,
      cmac: fn -> :crypto.mac(:cmac, :nosuch, "", "") end,
      cmac_key: fn -> :crypto.mac(:cmac, :aes_128_cbc, "k", "") end,
      poly: fn -> :crypto.mac(:poly1305, "k", "") end,
      mac_state: fn -> :crypto.mac_update(make_ref(), "") end,
      cipher: fn -> :crypto.crypto_one_time(:nosuch, "", "", "", true) end,
      cipher_atom: fn -> :crypto.crypto_one_time("x", "", "", "", true) end,
      key: fn -> :crypto.crypto_one_time(:aes_128_cbc, "k", "", "", true) end,
      family: fn -> :crypto.crypto_one_time(:aes_cbc, "k", "", "", true) end,
      iv: fn -> :crypto.crypto_one_time(:aes_128_cbc, data.(16), "", "", true) end,
      text: fn -> :crypto.crypto_one_time(:aes_128_cbc, data.(16), data.(16), :x, true) end,
      flag: fn -> :crypto.crypto_one_time(:aes_128_cbc, data.(16), data.(16), "", :x) end,
      options: fn -> :crypto.crypto_one_time(:aes_128_cbc, data.(16), data.(16), "", [:x]) end,
      tag: fn -> :crypto.crypto_one_time(:aes_128_cbc, data.(16), data.(16), "", x: 1) end,
      twice: fn -> :crypto.crypto_one_time(:aes_128_cbc, data.(16), data.(16), "", encrypt: true, encrypt: true) end,
      padding: fn -> :crypto.crypto_one_time(:aes_128_cbc, data.(16), data.(16), "", padding: 1) end,
      aead: fn -> :crypto.crypto_one_time(:aes_128_gcm, data.(16), data.(12), "", true) end,
      not_aead: fn -> :crypto.crypto_one_time_aead(:aes_128_cbc, data.(16), data.(12), "", "", true) end,
      not_aead7: fn -> :crypto.crypto_one_time_aead(:aes_128_cbc, data.(16), data.(12), "", "", 16, true) end,
      aead_iv: fn -> :crypto.crypto_one_time_aead(:aes_128_gcm, data.(16), "", "", "", true) end,
      aead_tag: fn -> :crypto.crypto_one_time_aead(:aes_128_gcm, data.(16), data.(12), "", "", 17, true) end,
      aead_tag0: fn -> :crypto.crypto_one_time_aead(:aes_128_gcm, data.(16), data.(12), "", "", "", false) end,
      ccm_tag: fn -> :crypto.crypto_one_time_aead(:aes_128_ccm, data.(16), data.(12), "", "", 5, true) end,
      pbkdf2: fn -> :crypto.pbkdf2_hmac(:md5, "", "", 1, 1) end,
      pbkdf2_rounds: fn -> :crypto.pbkdf2_hmac(:sha, "", "", 0, 1) end,
      pbkdf2_length: fn -> :crypto.pbkdf2_hmac(:sha, "", "", 1, :x) end,
      exor: fn -> :crypto.exor("a", "bc") end,
      equals: fn -> :crypto.hash_equals("a", "bc") end,
      random: fn -> :crypto.strong_rand_bytes(-1) end,
      uniform: fn -> :crypto.rand_uniform(5, 5) end,
      info: fn -> :crypto.cipher_info(:nosuch) end
    ] do
  show.(label, Try.it(fun))
end

show.("exor", :crypto.exor(data.(30), [data.(29), 1]))
show.("equals", {:crypto.hash_equals("ab", "ab"), :crypto.hash_equals("ab", "ac")})
show.("random", {byte_size(:crypto.strong_rand_bytes(0)), byte_size(:crypto.strong_rand_bytes(77))})
show.("uniform", Enum.all?(1..300, fn _ -> :crypto.rand_uniform(-5, 300) in -5..299 end))
show.("range", Enum.all?(1..100, fn n -> :crypto.strong_rand_range(n) |> :binary.decode_unsigned() |> Kernel.<(n) end))
show.("mod_pow", {:crypto.mod_pow(3, 1000, 1_000_007), :crypto.mod_pow(3, 0, 7), :crypto.mod_pow(7, 2, 7)})
show.("infos", for(c <- Enum.sort(ours), do: {c, :crypto.cipher_info(c)}))
show.("aliases", for(c <- [:aes_cbc, :aes_gcm, :aes_ctr], do: :crypto.cipher_info(c)))
:rand.seed(:crypto.rand_seed_s())
show.("rand", :rand.uniform(10) in 1..10)
show.("aes seed", :crypto.rand_seed_alg_s(:crypto_aes, "seed") |> :rand.uniform_s() |> elem(0))
show.("start", {Application.ensure_all_started(:crypto), Application.stop(:crypto)})
show.("fips", :crypto.info_fips())
IO.inspect(is_list(:crypto.supports(:hashs)))
