# stderr
# What the emulator itself prints, to standard output and standard error: all lines end with a carriage return, too.
:erlang.display({:a, 'b', "c\nd", %{e: 1.5}})
:erlang.display_string('one\ntwo')
:erlang.display_nl()
IO.puts("as ever")
