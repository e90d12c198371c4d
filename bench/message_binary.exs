defmodule MessageBinary do
  @rounds 100_000
  def bench do
    data = :binary.copy("0123456789abcdef", 65_536)
    {@rounds, fn -> run(data) end}
  end

  defp run(data) do
    me = self()
    echo = spawn_link(fn -> echo(me) end)

    for _ <- 1..@rounds do
      send(echo, {:data, data})
      receive do: ({:data, back} -> 1_048_576 = byte_size(back))
    end
  end

  defp echo(to) do
    receive do: (message -> send(to, message))
    echo(to)
  end
end
