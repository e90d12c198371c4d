defmodule MessageCopy do
  @rounds 2_000
  def bench do
    term = for i <- 1..500, do: {i, [i, i + 1], %{key: i}}
    {@rounds, fn -> run(term) end}
  end

  defp run(term) do
    me = self()
    echo = spawn_link(fn -> echo(me) end)

    for _ <- 1..@rounds do
      send(echo, term)
      receive do: (n when is_integer(n) -> n)
    end
  end

  defp echo(to) do
    receive do: (list -> send(to, length(list)))
    echo(to)
  end
end
