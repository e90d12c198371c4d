# An HTTP server on :gen_tcp that answers with what it was sent: a process for each connection, lines and headers
# parsed by the socket itself. The requests come from :httpc and from a plain socket that keeps its connection.
defmodule HttpEcho do
  def start do
    {:ok, listener} = :gen_tcp.listen(0, [:binary, packet: :http_bin, active: false, reuseaddr: true])
    spawn_link(fn -> accept(listener) end)
    {:ok, port} = :inet.port(listener)
    port
  end

  defp accept(listener) do
    {:ok, socket} = :gen_tcp.accept(listener)
    pid = spawn(fn -> receive do: (:ready -> serve(socket)) end)
    :ok = :gen_tcp.controlling_process(socket, pid)
    send(pid, :ready)
    accept(listener)
  end

  defp serve(socket) do
    case :gen_tcp.recv(socket, 0, 5000) do
      {:ok, {:http_request, method, {:abs_path, path}, _}} ->
        headers = headers(socket, [])
        body = body(socket, List.keyfind(headers, :"Content-Length", 0, {nil, "0"}))
        answer = "#{method} #{path} #{byte_size(body)} bytes: #{body}"
        head = "HTTP/1.1 200 OK\r\nContent-Length: #{byte_size(answer)}\r\nContent-Type: text/plain\r\n\r\n"
        :ok = :gen_tcp.send(socket, [head, answer])
        serve(socket)

      {:ok, {:http_error, _}} ->
        :gen_tcp.send(socket, "HTTP/1.1 400 Bad Request\r\n\r\n")
        :gen_tcp.close(socket)

      {:error, _} ->
        :gen_tcp.close(socket)
    end
  end

  defp headers(socket, acc) do
    case :gen_tcp.recv(socket, 0, 5000) do
      {:ok, {:http_header, _, name, _, value}} -> headers(socket, [{name, value} | acc])
      {:ok, :http_eoh} -> acc
    end
  end

  defp body(_, {_, "0"}), do: ""

  defp body(socket, {_, length}) do
    :ok = :inet.setopts(socket, packet: :raw)
    {:ok, body} = :gen_tcp.recv(socket, String.to_integer(length), 5000)
    :ok = :inet.setopts(socket, packet: :http_bin)
    body
  end
end

port = HttpEcho.start()
{:ok, _} = Application.ensure_all_started(:inets)
url = 'http://localhost:#{port}'

for path <- ['/', '/with?query=1'] do
  {:ok, {{_, status, _}, headers, body}} = :httpc.request(:get, {url ++ path, []}, [], body_format: :binary)
  IO.inspect({status, List.keyfind(headers, 'content-type', 0), body})
end

large = String.duplicate("echo ", 50_000)
{:ok, {{_, 200, _}, _, body}} = :httpc.request(:post, {url ++ '/large', [], 'text/plain', large}, [], body_format: :binary)
IO.inspect({byte_size(body), String.ends_with?(body, large)})

tasks = for i <- 1..20, do: Task.async(fn -> :httpc.request(:get, {url ++ '/task/#{i}', []}, [], body_format: :binary) end)
for {:ok, {_, _, body}} <- Task.await_many(tasks), do: IO.puts(body)

{:ok, socket} = :gen_tcp.connect('localhost', port, [:binary, active: true])
:gen_tcp.send(socket, "GET /first HTTP/1.1\r\n\r\nGET /second HTTP/1.1\r\n\r\nrubbish\r\n")

Stream.repeatedly(fn -> receive do: ({:tcp, ^socket, data} -> data; {:tcp_closed, ^socket} -> :closed) end)
|> Enum.take_while(&(&1 != :closed))
|> Enum.join()
|> IO.inspect()
