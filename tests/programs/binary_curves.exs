# Keys and shared secrets of all curves over fields of characteristic two, also with numbers next to the order.
binary? = &match?({{:characteristic_two_field, _, _}, _, _, _, _}, :crypto_ec_curves.curve(&1))
curves = Enum.filter(:crypto.supports(:curves) -- [:ed25519, :ed448, :x25519, :x448], binary?)

for curve <- Enum.sort(curves) do
  {_, _, _, order, _} = :crypto_ec_curves.curve(curve)
  n = :binary.decode_unsigned(order)

  publics =
    for k <- [1, 2, 3, div(n, 3), n - 2, n - 1],
        do: elem(:crypto.generate_key(:ecdh, curve, :binary.encode_unsigned(k)), 0)

  shared =
    for public <- publics, k <- [1, 2, div(n, 5), n - 1] do
      try do
        :crypto.compute_key(:ecdh, public, :binary.encode_unsigned(k), curve)
      rescue
        e -> e.__struct__
      end
    end

  {public, private} = :crypto.generate_key(:ecdh, curve)
  signed = curve not in [:ipsec3, :ipsec4] and :crypto.sign(:ecdsa, :sha256, "text", [private, curve])
  verified = signed && :crypto.verify(:ecdsa, :sha256, "text", signed, [public, curve])
  IO.puts("#{curve} #{Base.encode16(:erlang.md5(:erlang.term_to_binary({publics, shared})))} #{inspect(verified)}")
end
