# Identifiers of this node with large numbers: how they are written, read, ordered and hashed.
import Bitwise
show = fn f -> IO.inspect(try(do: f.(), rescue: (e -> e.__struct__)), limit: :infinity, charlists: :as_lists) end
numbers = [0, 1, 32767, 32768, 65536, 268_435_455, 268_435_456, 4_294_967_295]
serials = [0, 1, 8191, 8192, 1_048_576, 4_294_967_295]
name = Atom.to_string(node())
pid = fn n, s, c -> :erlang.binary_to_term(<<131, 88, 119, byte_size(name), name::binary, n::32, s::32, c::32>>) end
port = fn n -> :erlang.binary_to_term(<<131, 120, 119, byte_size(name), name::binary, n::64, 0::32>>) end

for n <- numbers, s <- serials do
  show.(fn -> {n, s, pid.(n, s, 0), pid.(n, s, 1)} end)

  show.(fn ->
    p = :erlang.list_to_pid(~c"<0.#{n}.#{s}>")
    {p, :erlang.term_to_binary(p), :erlang.phash2(p), :erlang.phash(p, 1 <<< 32), p == pid.(n, s, 0)}
  end)
end

for n <- [0, 1, 268_435_455, 268_435_456, 1 <<< 40, (1 <<< 56) - 1] do
  show.(fn -> {n, port.(n)} end)

  show.(fn ->
    p = :erlang.list_to_port(~c"#Port<0.#{n}>")
    {p, :erlang.term_to_binary(p), :erlang.phash2(p), :erlang.phash(p, 1 <<< 32)}
  end)
end

pids =
  for n <- numbers, s <- serials, p <- [try(do: pid.(n, s, 0), rescue: (_ -> nil)), pid.(n, s, 7)], p != nil, do: p

show.(fn -> Enum.sort(pids) end)
show.(fn -> Map.new(pids, &{&1, 1}) |> Map.keys() |> length() end)
show.(fn -> Enum.map(pids, &Process.alive?/1) |> Enum.uniq() end)
