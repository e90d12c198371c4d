# long: a few seconds and 2 GB.
# Binaries of a gigabyte: made, shared, taken apart, and freed.
gb = 1_073_741_824
defmodule Big do
  def sizes(b, gb) do
    others = for _ <- 1..10, do: Task.async(fn -> receive(do: ({:part, x} -> byte_size(x))) end)
    for o <- others, do: send(o.pid, {:part, b})
    IO.inspect(Enum.all?(Task.await_many(others), &(&1 == gb)))
  end
end

resident = fn ->
  [_, kb] = Regex.run(~r/VmRSS:\s+(\d+) kB/, File.read!("/proc/self/status"))
  div(String.to_integer(kb), 1024)
end

task =
  Task.async(fn ->
    b = :binary.copy("0123456789abcdef", div(gb, 16))
    IO.inspect(byte_size(b))
    # Sending shares it.
    Big.sizes(b, gb)
    <<_::binary-size(1_000_000_000), part::binary-size(16), _::binary>> = b
    IO.inspect(part)
    IO.inspect(:binary.at(b, gb - 1))
    IO.inspect(:erlang.crc32(binary_part(b, 0, 100_000_000)))
    IO.inspect(:binary.match(b, "fX"))
    c = <<b::binary, "end">>
    IO.inspect({byte_size(c), binary_part(c, gb - 2, 5)})
    IO.inspect(byte_size(:erlang.term_to_binary(b)) - gb)
    IO.inspect(:erlang.iolist_size([b, b, b]))
    IO.inspect(b == binary_part(c, 0, gb))
    IO.inspect(:erlang.phash2(binary_part(b, 0, 10_000_000)))
    bits = <<1::1, b::bitstring>>
    IO.inspect(bit_size(bits))
  end)

IO.inspect(Task.await(task, :infinity))
:erlang.garbage_collect()
Process.sleep(200)
IO.inspect(:erlang.memory(:binary) < 100_000_000, label: "freed")
IO.puts(:stderr, "resident afterwards: #{resident.()} MB")
