# Lines of a port: where they are cut, whatever pieces the bytes come in, and what is left at the end.
sent = [
  ["hello", "\n", "world"],
  ["hello", "\r", "\n", "wor", "ld\r"],
  ["hello\rworld"],
  ["hello\r\nworld\r"],
  ["hello", "\r", "w"],
  ["a\r\r\nb\r"],
  ["\n\nab", "c\n", "defghij"],
  ["\r", "\r", "\n"],
  ["he", "llo worl", "d\n"]
]

Process.flag(:trap_exit, true)

for line <- [1, 2, 5, 6, 100], pieces <- sent, options <- [[], [:exit_status], [:eof, :exit_status]] do
  commands = Enum.map_join(pieces, " sleep 0.01; ", &"printf '#{&1 |> inspect() |> String.trim("\"")}';")
  port = Port.open({:spawn_executable, "/bin/sh"}, [:binary, {:line, line}, {:args, ["-c", commands]} | options])

  collect = fn collect, seen ->
    receive do
      {^port, :eof} -> Enum.reverse([:eof | seen])
      {:EXIT, ^port, reason} -> Enum.reverse([reason | seen])
      {^port, {:data, data}} -> collect.(collect, [data | seen])
      {^port, other} -> collect.(collect, [other | seen])
    end
  end

  IO.inspect({line, pieces, options, collect.(collect, [])})
end
