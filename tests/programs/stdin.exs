# input: first line\nsecond é line\nrest 1\nrest 2\n
IO.write(["got: ", IO.gets("> ")])
IO.inspect(IO.read(:line))
IO.inspect(IO.read(:stdio, :eof))
IO.inspect(IO.gets(""))
IO.inspect(System.argv())
