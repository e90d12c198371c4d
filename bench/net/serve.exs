# `ENGINE bench/net/serve.exs SERVER` starts one of the servers below on a free port and prints it, and the number of
# the operating system's process, with a tab between. It ends when its input does.
defmodule Serve do
  @body String.duplicate("Purlin carries the roof. ", 8)
  @listen [:binary, active: false, reuseaddr: true, backlog: 4096, ip: {127, 0, 0, 1}, nodelay: true]
  @acceptors 10

  @doc "Starts a server and gives its port."
  def start("echo, active once"), do: tcp([packet: 2], &echo_once/1)
  def start("echo, active 100"), do: tcp([packet: 2], &echo_many/1)
  def start("echo, socket"), do: socket()
  def start("http, gen_tcp"), do: tcp([packet: :http_bin], &http/1)
  def start("httpd of inets"), do: httpd()
  def start("cowboy"), do: cowboy()
  def start("thousand_island"), do: thousand_island()
  def start("bandit"), do: bandit()

  # ---- a process for each connection

  defp tcp(options, serve) do
    {:ok, listener} = :gen_tcp.listen(0, options ++ @listen)
    for _ <- 1..@acceptors, do: spawn_link(fn -> accept(listener, serve) end)
    {:ok, port} = :inet.port(listener)
    port
  end

  defp accept(listener, serve) do
    {:ok, socket} = :gen_tcp.accept(listener)
    server = spawn(fn -> receive(do: (:yours -> serve.(socket))) end)
    :ok = :gen_tcp.controlling_process(socket, server)
    send(server, :yours)
    accept(listener, serve)
  end

  defp echo_once(socket) do
    :ok = :inet.setopts(socket, active: :once)

    receive do
      {:tcp, ^socket, data} -> :gen_tcp.send(socket, data) && echo_once(socket)
      {:tcp_closed, ^socket} -> :ok
    end
  end

  defp echo_many(socket) do
    :ok = :inet.setopts(socket, active: 100)
    echo_passed(socket)
  end

  defp echo_passed(socket) do
    receive do
      {:tcp, ^socket, data} -> :gen_tcp.send(socket, data) && echo_passed(socket)
      {:tcp_passive, ^socket} -> echo_many(socket)
      {:tcp_closed, ^socket} -> :ok
    end
  end

  defp http(socket) do
    with {:ok, {:http_request, :GET, {:abs_path, _path}, _version}} <- :gen_tcp.recv(socket, 0),
         :ok <- headers(socket) do
      :gen_tcp.send(socket, ["HTTP/1.1 200 OK\r\ncontent-length: #{byte_size(@body)}\r\n\r\n", @body])
      http(socket)
    end
  end

  defp headers(socket) do
    case :gen_tcp.recv(socket, 0) do
      {:ok, :http_eoh} -> :ok
      {:ok, {:http_header, _, _, _, _}} -> headers(socket)
      other -> other
    end
  end

  # ---- the module socket

  defp socket do
    {:ok, listener} = :socket.open(:inet, :stream, :tcp)
    :ok = :socket.bind(listener, %{family: :inet, addr: {127, 0, 0, 1}, port: 0})
    :ok = :socket.listen(listener, 4096)
    for _ <- 1..@acceptors, do: spawn_link(fn -> socket_accept(listener) end)
    {:ok, %{port: port}} = :socket.sockname(listener)
    port
  end

  defp socket_accept(listener) do
    {:ok, socket} = :socket.accept(listener)
    server = spawn(fn -> receive(do: (:yours -> socket_echo(socket))) end)
    :ok = :socket.setopt(socket, {:otp, :controlling_process}, server)
    send(server, :yours)
    socket_accept(listener)
  end

  defp socket_echo(socket) do
    with {:ok, data} <- :socket.recv(socket), :ok <- :socket.send(socket, data), do: socket_echo(socket)
  end

  # ---- servers that are applications

  defp httpd do
    {:ok, _} = Application.ensure_all_started(:inets)
    root = Path.join(System.tmp_dir!(), "purlin-bench-#{System.pid()}")
    File.mkdir_p!(root)
    File.write!(Path.join(root, "body.txt"), @body)

    {:ok, server} =
      :inets.start(:httpd,
        port: 0,
        bind_address: {127, 0, 0, 1},
        server_name: 'bench',
        server_root: to_charlist(root),
        document_root: to_charlist(root),
        max_clients: 20_000,
        modules: [:mod_get]
      )

    Process.put(:root, root)
    [port: port] = :httpd.info(server, [:port])
    port
  end

  defp cowboy do
    {:ok, _} = Application.ensure_all_started(:cowboy)
    routes = :cowboy_router.compile([{:_, [{:_, Serve.Cowboy, @body}]}])
    socket = %{socket_opts: [port: 0, ip: {127, 0, 0, 1}], max_connections: :infinity}
    # Connections are not ended by their number of requests or their time.
    limits = Map.new([:max_keepalive, :request_timeout, :idle_timeout], &{&1, :infinity})
    {:ok, _} = :cowboy.start_clear(:bench, socket, Map.put(limits, :env, %{dispatch: routes}))
    :ranch.get_port(:bench)
  end

  @island [num_connections: 20_000, read_timeout: :infinity]

  defp thousand_island do
    {:ok, _} = Application.ensure_all_started(:thousand_island)
    options = [handler_module: Serve.Island, port: 0, transport_options: [ip: {127, 0, 0, 1}]]
    {:ok, server} = ThousandIsland.start_link(options ++ @island)
    island_port(server)
  end

  defp bandit do
    {:ok, _} = Application.ensure_all_started(:bandit)
    options = [plug: {Serve.Plug, @body}, startup_log: false, port: 0, ip: {127, 0, 0, 1}]
    {:ok, server} = Bandit.start_link(options ++ [thousand_island_options: @island])
    island_port(server)
  end

  defp island_port(server) do
    {:ok, {_, port}} = ThousandIsland.listener_info(server)
    port
  end

  def stop, do: if(root = Process.get(:root), do: File.rm_rf!(root))
end

defmodule Serve.Cowboy do
  def init(request, body), do: {:ok, :cowboy_req.reply(200, %{"content-type" => "text/plain"}, body, request), body}
end

if Code.ensure_loaded?(ThousandIsland) do
  defmodule Serve.Island do
    use ThousandIsland.Handler

    @impl ThousandIsland.Handler
    def handle_data(data, socket, state) do
      ThousandIsland.Socket.send(socket, data)
      {:continue, state}
    end
  end
end

defmodule Serve.Plug do
  def init(body), do: body
  def call(conn, body), do: apply(Plug.Conn, :send_resp, [conn, 200, body])
end

[server] = System.argv()
port = Serve.start(server)
IO.puts("#{port}\t#{System.pid()}")
:eof = IO.read(:stdio, :line)
Serve.stop()
System.halt(0)
