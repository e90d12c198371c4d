# Arguments of `crypto` that are odd but well typed: keys, vectors and tags of every length, options that a cipher has no
# use for, values of wrong types; what is given and the terms of errors, as digests.
# `crypto_arguments.exs NAME` prints each call.

defmodule CryptoArguments do
  @bytes for(i <- 1..400, into: <<>>, do: <<rem(i * 31 + div(i, 7), 256)>>)
  @wrong [:atom, 7, -1, 1.5, [], [1 | 2], {:a}, [256], <<1::3>>, :undefined]
  @ciphers ~w(aes_128_ecb aes_192_ecb aes_256_ecb aes_128_cbc aes_192_cbc aes_256_cbc aes_128_ctr aes_256_ctr aes_128_cfb8
    aes_128_cfb128 aes_256_ofb chacha20 des_ecb des_cbc des_cfb des_ede3_cbc des_ede3_cfb blowfish_ecb blowfish_cbc
    blowfish_cfb64 blowfish_ofb64 rc2_cbc rc4 aes_ecb aes_cbc aes_ctr aes_cfb8 aes_gcm aes_128_gcm chacha20_poly1305 none bad)a
  @aeads ~w(aes_128_gcm aes_192_gcm aes_256_gcm aes_gcm aes_128_ccm aes_256_ccm aes_ccm chacha20_poly1305 aes_128_cbc bad)a
  @hashes ~w(sha sha224 sha256 sha384 sha512 sha3_224 sha3_256 sha3_384 sha3_512 blake2b blake2s md4 md5 ripemd160 bad)a

  defp text(n), do: binary_part(@bytes, 0, n)

  def run(chosen) do
    for {name, calls} <- groups(), chosen in [nil, name] do
      digest =
        Enum.reduce(calls, :erlang.md5_init(), fn arguments, digest ->
          seen = {arguments, result(name, arguments)}
          if chosen, do: IO.puts(inspect(seen, limit: :infinity, printable_limit: 60))
          :erlang.md5_update(digest, :erlang.term_to_binary(seen))
        end)

      IO.puts("#{name} #{digest |> :erlang.md5_final() |> Base.encode16()}")
    end
  end

  defp groups do
    [
      {"one_time_ecb",
       for(c <- @ciphers, k <- keys(c), d <- [text(16), text(5)], f <- [true, false], do: [c, k, d, f])},
      {"one_time", for(c <- @ciphers, k <- keys(c), v <- vectors(), f <- [true, false], do: [c, k, v, text(16), f])},
      {"one_time_options",
       for(c <- @ciphers, o <- options(), n <- [0, 5, 16, 32], do: [c, good_key(c), good_vector(c), text(n), o])},
      {"one_time_data",
       for(
         c <- [:aes_128_cbc, :aes_128_ctr, :chacha20],
         d <- @wrong ++ [[text(3), ["x" | "y"]]],
         f <- [true, false, :bad, 1],
         do: [c, good_key(c), good_vector(c), d, f]
       )},
      {"stream",
       for(
         c <- @ciphers,
         o <- options(),
         parts <- [[], [0], [5], [16, 1, 15], [33]],
         do: [c, good_key(c), good_vector(c), o, parts]
       )},
      {"stream_final_twice", for(c <- @ciphers, f <- [true, false], do: [c, good_key(c), good_vector(c), f])},
      {"dynamic_iv", for(c <- @ciphers, v <- vectors(), do: [c, good_key(c), v])},
      {"aead",
       for(
         c <- @aeads,
         k <- if(c == :chacha20_poly1305, do: [32], else: [0, 15, 16, 24, 32, 33]),
         v <- [0, 1, 6, 7, 8, 12, 13, 14, 16, 17],
         do: [c, text(k), text(v), "data", "aad", true]
       )},
      {"aead_tags",
       for(
         c <- @aeads,
         t <- [-1, 0, 1, 2, 3, 4, 5, 6, 8, 11, 12, 13, 14, 15, 16, 17, 300, :a, "tag"],
         do: [c, good_key(c), text(12), "data", "aad", t, true]
       )},
      {"aead_decrypt",
       for(
         c <- @aeads,
         t <- [0, 1, 2, 3, 4, 5, 8, 12, 15, 16, 17, 20],
         do: [c, good_key(c), text(12), "data", "aad", text(t), false]
       )},
      {"aead_round",
       for(
         c <- @aeads,
         t <- [1, 4, 5, 8, 12, 13, 16],
         n <- [0, 1, 33],
         do: [c, good_key(c), text(12), text(n), "aad", t]
       )},
      {"aead_wrong",
       for(
         c <- [:aes_128_gcm, :aes_128_ccm, :chacha20_poly1305],
         i <- 0..5,
         w <- @wrong,
         # Keys that the library reads past the end of, and flags that only old functions gave.
         {i, w} not in [{0, []}, {5, :undefined}],
         do: List.replace_at([c, good_key(c), text(12), "data", "aad", 16, true], i + 1, w)
       )},
      {"hash", for(h <- @hashes ++ @wrong, d <- ["", "abc", ["a", [?b | "c"]]] ++ @wrong, do: [h, d])},
      {"hash_updates", for(h <- @hashes ++ @wrong, d <- ["", "abc"] ++ @wrong, do: [h, d])},
      {"hash_state", for(s <- @wrong ++ ["x", :ref], d <- ["abc", :a], do: [s, d])},
      {"mac",
       for(
         t <- [:hmac, :cmac, :poly1305, :bad, 1],
         s <- [
           :sha,
           :sha256,
           :blake2b,
           :aes_128_cbc,
           :aes_256_cbc,
           :aes_128_ecb,
           :aes_128_ctr,
           :des_ede3_cbc,
           :blowfish_cbc,
           :bad,
           1
         ],
         k <- [0, 1, 8, 15, 16, 17, 24, 31, 32, 33, 200],
         t != :cmac or s not in [:aes_128_ecb, :aes_128_ctr, :des_ede3_cbc, :blowfish_cbc],
         do: [t, s, text(k), "data"]
       )},
      {"mac_wrong",
       for(
         t <- [:hmac, :cmac, :poly1305],
         i <- 1..3,
         w <- @wrong,
         do: List.replace_at([t, sub_type(t), text(if(t == :cmac, do: 16, else: 32)), "data"], i, w)
       )},
      {"mac_n",
       for(
         t <- [:hmac, :cmac, :poly1305],
         n <- [-1, 0, 1, 8, 15, 16, 17, 31, 32, 33, 1000, :a],
         do: [t, sub_type(t), text(if(t == :cmac, do: 16, else: 32)), "data", n]
       )},
      {"mac_updates",
       for(
         t <- [:hmac, :cmac, :poly1305, :bad],
         d <- ["abc", ["a" | "b"]] ++ @wrong,
         n <- [:none, 0, 5, 16, 40, -1, :a],
         do: [t, sub_type(t), text(if(t == :cmac, do: 16, else: 32)), d, n]
       )},
      {"pbkdf2",
       for(
         h <- [:sha, :sha224, :sha256, :sha512, :md5, :bad, 1],
         c <- [1, 3, 0, -1, :a],
         n <- [0, 1, 20, 65, -1, :a],
         do: [h, "password", "salt", c, n]
       ) ++ for(i <- 1..2, w <- @wrong, do: List.replace_at([:sha256, "password", "salt", 2, 10], i, w))},
      {"exor",
       for(a <- [0, 1, 5, 300], b <- [0, 1, 5, 300], do: [text(a), text(b)]) ++
         for(w <- @wrong, do: [w, "abc"]) ++ for(w <- @wrong, do: ["abc", w]) ++ [[["a", "b"], "cd"]]},
      {"hash_equals", for(a <- ["", "abc", "abd", "ab"] ++ @wrong, b <- ["", "abc", "ab", :a, [1]], do: [a, b])},
      {"info", for(f <- [:cipher_info, :hash_info], n <- @ciphers ++ @hashes ++ @aeads ++ @wrong, do: [f, n])},
      {"sizes",
       for(
         f <- [:strong_rand_bytes, :rand_seed, :bytes_to_integer, :rand_uniform1],
         n <- [0, 1, 32, -1, :a, 1.0, "x", [], "abc"],
         do: [f, n]
       )},
      {"uniform", for(a <- [0, 1, 5, -5, 2 ** 70, :a], b <- [0, 1, 2, 5, -4, 2 ** 70 + 1, :a], do: [a, b])},
      {"engines",
       [[:engine_get_all_methods], [:engine_list], [:engine_by_id, "dynamic"], [:engine_by_id, :a]] ++
         [[:engine_load, "dynamic", [], []], [:engine_load, "a", :b, []], [:engine_unload, :a], [:engine_get_id, :a]] ++
         [[:engine_add, :a], [:engine_register, :a, [:engine_method_rsa]], [:engine_ctrl_cmd_string, :a, "b", "c"]] ++
         [[:ensure_engine_loaded, "a", "b"], [:ensure_engine_unloaded, :a]]},
      {"mod_pow",
       for(
         a <- [0, 3, 2 ** 70, -1, "ab", :a],
         b <- [0, 5, 2 ** 70, -1, "c", :a],
         m <- [1, 7, 2 ** 89 - 1, 0, -7, "de", :a],
         do: [a, b, m]
       )}
    ]
  end

  # Blowfish's longest and empty keys are left out: see docs/differences.md.
  defp keys(c) do
    keys = Enum.map([0, 1, 7, 8, 9, 15, 16, 17, 23, 24, 25, 31, 32, 33, 56, 57, 64, 73], &text/1) ++ @wrong
    long = &(is_binary(&1) and byte_size(&1) > 56)

    case to_string(c) do
      "blowfish" <> _ -> Enum.reject(keys, &(&1 in ["", []] or long.(&1)))
      "rc" <> _ -> keys -- ["", []]
      _ -> keys
    end
  end

  defp vectors, do: Enum.map([0, 1, 7, 8, 9, 12, 15, 16, 17, 24, 32], &text/1) ++ @wrong

  defp options do
    [
      true,
      false,
      [],
      [encrypt: true],
      [encrypt: false],
      [encrypt: 1],
      [padding: :none],
      [padding: :zero],
      [padding: :random],
      [padding: :pkcs_padding],
      [padding: :undefined],
      [padding: :bad],
      [padding: 1],
      [encrypt: true, padding: :zero],
      [encrypt: false, padding: :zero],
      [encrypt: false, padding: :none],
      [bad: 1],
      [:bad],
      [encrypt: true, bad: 1],
      :bad,
      5,
      "x",
      [{:encrypt, true} | :x],
      [encrypt: true, encrypt: false],
      [padding: :none, padding: :zero]
    ]
    |> Enum.reject(&(&1 == [padding: :random]))
  end

  defp info(cipher) do
    :crypto.cipher_info(cipher)
  catch
    _, _ -> %{key_length: 16, iv_length: 16}
  end

  defp good_key(cipher), do: text(info(cipher).key_length)
  defp good_vector(cipher), do: text(info(cipher).iv_length)
  defp sub_type(:hmac), do: :sha256
  defp sub_type(:cmac), do: :aes_128_cbc
  defp sub_type(_), do: :undefined

  defp call("one_time_ecb", [c, k, d, f]), do: :crypto.crypto_one_time(c, k, d, f)
  defp call("one_time" <> _, [c, k, v, d, f]), do: :crypto.crypto_one_time(c, k, v, d, f)

  defp call("stream", [c, k, v, o, parts]) do
    state = :crypto.crypto_init(c, k, v, o)

    {Enum.map(parts, &:crypto.crypto_update(state, text(&1))), attempt(fn -> :crypto.crypto_final(state) end),
     attempt(fn -> apply(:crypto, :crypto_get_data, [state]) end)}
  end

  defp call("stream_final_twice", [c, k, v, f]) do
    state = :crypto.crypto_init(c, k, v, f)

    for(_ <- 1..2, do: attempt(fn -> :crypto.crypto_final(state) end)) ++
      for(d <- ["x", :a], do: attempt(fn -> :crypto.crypto_update(state, d) end))
  end

  defp call("dynamic_iv", [c, k, v]) do
    state = apply(:crypto, :crypto_dyn_iv_init, [c, k, true])
    apply(:crypto, :crypto_dyn_iv_update, [state, text(16), v])
  end

  defp call("aead_round", [c, k, v, d, a, t]) do
    {secret, tag} = :crypto.crypto_one_time_aead(c, k, v, d, a, t, true)

    {secret, tag, :crypto.crypto_one_time_aead(c, k, v, secret, a, tag, false),
     :crypto.crypto_one_time_aead(c, k, v, secret, "other", tag, false)}
  end

  defp call("aead" <> _, arguments), do: apply(:crypto, :crypto_one_time_aead, arguments)
  defp call("hash", [h, d]), do: :crypto.hash(h, d)
  defp call("hash_updates", [h, d]), do: :crypto.hash_final(:crypto.hash_update(:crypto.hash_init(h), d))

  defp call("hash_state", [s, d]),
    do:
      {attempt(fn -> :crypto.hash_update(own(s), d) end), attempt(fn -> :crypto.hash_final(own(s)) end),
       attempt(fn -> :crypto.mac_update(own(s), d) end), attempt(fn -> :crypto.crypto_update(own(s), d) end)}

  defp call("mac_updates", [t, s, k, d, n]) do
    state = :crypto.mac_update(if(t == :poly1305, do: :crypto.mac_init(t, k), else: :crypto.mac_init(t, s, k)), d)
    if n == :none, do: :crypto.mac_final(state), else: :crypto.mac_finalN(state, n)
  end

  defp call("mac_n", [t, s, k, d, n]), do: :crypto.macN(t, s, k, d, n)

  defp call("mac" <> _, [t, s, k, d]),
    do: {attempt(fn -> :crypto.mac(t, s, k, d) end), attempt(fn -> :crypto.mac(t, k, d) end)}

  defp call("pbkdf2", arguments), do: apply(:crypto, :pbkdf2_hmac, arguments)
  defp call("exor", [a, b]), do: :crypto.exor(a, b)
  defp call("hash_equals", [a, b]), do: :crypto.hash_equals(a, b)
  # The number of this cipher is another one since OpenSSL 3.0.22.
  defp call("info", [:cipher_info, :des_ede3_cfb]), do: Map.delete(:crypto.cipher_info(:des_ede3_cfb), :type)
  defp call("info", [f, n]), do: apply(:crypto, f, [n])
  defp call("sizes", [:strong_rand_bytes, n]), do: byte_size(:crypto.strong_rand_bytes(n))
  defp call("sizes", [:rand_uniform1, n]), do: :crypto.rand_uniform(n, n)
  defp call("sizes", [f, n]), do: apply(:crypto, f, [n])
  defp call("uniform", [a, b]), do: :crypto.rand_uniform(a, b) in a..(b - 1)//1
  defp call("engines", [f | arguments]), do: apply(:crypto, f, arguments)
  defp call("mod_pow", [a, b, m]), do: :crypto.mod_pow(a, b, m)

  defp own(:ref), do: make_ref()
  defp own(t), do: t

  defp result(name, arguments), do: attempt(fn -> call(name, arguments) end)

  defp attempt(f) do
    {:ok, f.()}
  catch
    kind, reason -> {kind, reason}
  end
end

CryptoArguments.run(List.first(System.argv()))
