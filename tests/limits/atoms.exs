# options: +t 30000
# When the atom table is full the emulator ends, with a message that says so.
for i <- 1..100_000, do: _ = :erlang.list_to_atom('limit_#{i}')
IO.puts("never reached")
