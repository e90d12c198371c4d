# Hashes, codes and ciphers of fixed texts; what is printed must not depend on who computes it.
all = for i <- 1..40_000, into: <<>>, do: <<rem(i * 31 + div(i, 7), 256)>>
text = fn n -> binary_part(all, 0, n) end
show = fn name, bytes -> IO.puts([inspect(name), " ", Base.encode16(:crypto.hash(:sha256, bytes))]) end
lengths = [0, 1, 15, 16, 17, 63, 64, 65, 255, 1000, 40_000]

attempt = fn f ->
  try do
    f.()
  catch
    kind, reason -> :erlang.term_to_binary({kind, reason})
  end
end

for hash <- [:sha, :sha224, :sha256, :sha384, :sha512, :sha3_224, :sha3_256, :sha3_384, :sha3_512, :blake2b, :blake2s, :md4, :md5, :ripemd160] do
  show.(hash, for(n <- lengths, into: <<>>, do: :crypto.hash(hash, text.(n))))
  halves = :crypto.hash_init(hash) |> :crypto.hash_update(text.(100)) |> :crypto.hash_update([text.(7), "x"])
  true = :crypto.hash_final(halves) == :crypto.hash_final(halves)
  show.({hash, :updates}, :crypto.hash_final(halves))
end

for hash <- [:sha, :sha224, :sha256, :sha384, :sha512, :sha3_256, :md5, :ripemd160], key <- [0, 20, 64, 200] do
  show.({:hmac, hash, key}, :crypto.mac(:hmac, hash, text.(key), text.(300)))
end

for hash <- [:sha, :sha224, :sha256, :sha384, :sha512] do
  show.({:pbkdf2, hash}, :crypto.pbkdf2_hmac(hash, "password", "salt", 100, 50))
end

state = :crypto.mac_init(:hmac, :sha256, "key") |> :crypto.mac_update("one") |> :crypto.mac_update("two")
show.(:mac_updates, :crypto.mac_final(state))
show.(:poly1305, :crypto.mac(:poly1305, text.(32), text.(77)))

for {cipher, key} <- [aes_128_cbc: 16, aes_192_cbc: 24, aes_256_cbc: 32, des_cbc: 8, des_ede3_cbc: 24, blowfish_cbc: 16] do
  show.({:cmac, cipher}, attempt.(fn -> :crypto.mac(:cmac, cipher, text.(key), text.(100)) end))
end

ciphers =
  for(bits <- [128, 192, 256], mode <- ~w(ecb cbc ctr cfb8 cfb128 ofb), do: :"aes_#{bits}_#{mode}") ++
    [:chacha20, :des_ecb, :des_cbc, :des_cfb, :des_ede3_cbc, :des_ede3_cfb] ++
    [:blowfish_ecb, :blowfish_cbc, :blowfish_cfb64, :blowfish_ofb64]

for cipher <- ciphers do
  info = :crypto.cipher_info(cipher)
  # The number of this one is another since OpenSSL 3.0.22.
  IO.inspect({cipher, if(cipher == :des_ede3_cfb, do: Map.delete(info, :type), else: info)})
  {key, iv} = {text.(info.key_length), text.(info.iv_length)}
  run = fn iv, data, flags -> if iv == "", do: :crypto.crypto_one_time(cipher, key, data, flags), else: :crypto.crypto_one_time(cipher, key, iv, data, flags) end

  for padding <- [:undefined, :none, :zero, :pkcs_padding] do
    out =
      for n <- lengths, into: <<>> do
        attempt.(fn ->
          secret = run.(iv, text.(n), encrypt: true, padding: padding)
          plain = run.(iv, secret, encrypt: false, padding: padding)
          secret <> plain
        end)
      end

    show.({cipher, padding}, out)
  end

  state = if iv == "", do: :crypto.crypto_init(cipher, key, true), else: :crypto.crypto_init(cipher, key, iv, true)
  parts = for n <- [1, 3, 20, 64, 0, 100], do: :crypto.crypto_update(state, text.(n))
  IO.inspect({cipher, Enum.map(parts, &byte_size/1)})
  show.({cipher, :updates}, [parts, :crypto.crypto_final(state)])
end

for cipher <- [:aes_128_gcm, :aes_192_gcm, :aes_256_gcm, :aes_128_ccm, :aes_192_ccm, :aes_256_ccm, :chacha20_poly1305],
    iv <- [1, 7, 8, 12, 13, 16, 30] do
  key = text.(:crypto.cipher_info(cipher).key_length)

  out =
    for n <- lengths, other <- [0, 13, 5000], tag <- [16, 12, 4], into: <<>> do
      attempt.(fn ->
        {secret, mark} = :crypto.crypto_one_time_aead(cipher, key, text.(iv), text.(n), text.(other), tag, true)
        plain = :crypto.crypto_one_time_aead(cipher, key, text.(iv), secret, text.(other), mark, false)
        true = plain == text.(n)
        :error = :crypto.crypto_one_time_aead(cipher, key, text.(iv), secret, "other", mark, false)
        secret <> mark
      end)
    end

  show.({cipher, iv}, out)
end

IO.inspect(:crypto.exor(text.(100), text.(100)))
IO.inspect(:crypto.mod_pow(3, 1_000_003, 1_000_000_007))
IO.inspect({byte_size(:crypto.strong_rand_bytes(33)), :crypto.rand_uniform(5, 6), :crypto.hash_equals("abc", "abd")})
