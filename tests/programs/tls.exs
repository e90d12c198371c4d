# TLS between two processes, by version and kind of key; what cannot be agreed on is an error, and nothing hangs.
{:ok, _} = Application.ensure_all_started(:ssl)
Logger.configure(level: :emergency)

IO.inspect(:ssl.versions() |> Keyword.delete(:ssl_app))
IO.inspect(length(:ssl.cipher_suites(:default, :"tlsv1.2")), label: "default suites of 1.2")
IO.inspect(length(:ssl.cipher_suites(:all, :"tlsv1.3")), label: "all suites of 1.3")
IO.inspect(:crypto.supports(:public_keys))

# A hang-up before anything is said.
IO.inspect(:ssl.connect('localhost', 1, [verify: :verify_none], 5000))

chain = fn key -> [key: key, digest: :sha256] end

certificates = fn key ->
  one = %{root: chain.(key), intermediates: [], peer: chain.(key)}
  :public_key.pkix_test_data(%{server_chain: one, client_chain: one})
end

echo = fn options ->
  {:ok, listening} = :ssl.listen(0, [active: false, mode: :binary, reuseaddr: true] ++ options)
  {:ok, {_, port}} = :ssl.sockname(listening)

  server =
    Task.async(fn ->
      {:ok, socket} = :ssl.transport_accept(listening, 10_000)

      case :ssl.handshake(socket, 10_000) do
        {:ok, socket} ->
          {:ok, data} = :ssl.recv(socket, 0, 10_000)
          :ok = :ssl.send(socket, String.reverse(data))
          :ssl.close(socket)
          :served

        {:error, reason} when is_tuple(reason) -> elem(reason, 0)
        {:error, reason} -> reason
      end
    end)

  {port, server, listening}
end

talk = fn server_options, client_options ->
  {port, server, listening} = echo.(server_options)

  answer =
    case :ssl.connect('localhost', port, [active: false, mode: :binary, server_name_indication: :disable] ++ client_options, 10_000) do
      {:ok, socket} ->
        {:ok, [protocol: version, selected_cipher_suite: suite]} = :ssl.connection_information(socket, [:protocol, :selected_cipher_suite])
        :ok = :ssl.send(socket, "hello from the client")
        {:ok, data} = :ssl.recv(socket, 0, 10_000)
        :ssl.close(socket)
        {version, suite.key_exchange, suite.cipher, data}

      {:error, {:tls_alert, {alert, _}}} -> {:refused, alert}
      {:error, reason} -> {:refused, reason}
    end

  done = Task.await(server, 30_000)
  :ssl.close(listening)
  {answer, done}
end

kinds = [
  secp256r1: {:namedCurve, :secp256r1},
  secp384r1: {:namedCurve, :secp384r1},
  rsa: {:rsa, 2048, 65537}
]

all = for {name, key} <- kinds, do: {name, certificates.(key)}

for {name, %{server_config: server, client_config: client}} <- all, version <- [:"tlsv1.2", :"tlsv1.3"] do
  IO.inspect({name, version, talk.([versions: [version]] ++ server, [versions: [version], verify: :verify_peer] ++ client)})
end

%{server_config: server, client_config: client} = all[:rsa]
both = [verify: :verify_peer, fail_if_no_peer_cert: true]
IO.inspect(talk.(both ++ server, [verify: :verify_peer] ++ client), label: "both show certificates")

for group <- [:x25519, :x448, :secp521r1] do
  options = [versions: [:"tlsv1.3"], supported_groups: [group]]
  IO.inspect({group, talk.(options ++ server, [verify: :verify_none] ++ options)})
end

for exchange <- [:dhe_rsa, :ecdhe_rsa, :rsa], cipher <- [:aes_128_gcm, :aes_256_cbc] do
  suites = :ssl.filter_cipher_suites(:ssl.cipher_suites(:all, :"tlsv1.2"), key_exchange: &(&1 == exchange), cipher: &(&1 == cipher))
  options = [versions: [:"tlsv1.2"], ciphers: suites]
  IO.inspect({exchange, cipher, talk.(options ++ server, [verify: :verify_none] ++ options)})
end

# Another's root is not trusted.
%{client_config: stranger} = certificates.({:namedCurve, :secp256r1})
IO.inspect(talk.(server, [verify: :verify_peer] ++ stranger) |> elem(0), label: "a stranger's root")
IO.inspect(talk.([versions: [:"tlsv1.2"]] ++ server, [verify: :verify_none, versions: [:"tlsv1.3"]]) |> elem(0), label: "no common version")
