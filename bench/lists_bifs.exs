defmodule ListsBifs do
  def bench do
    list = Enum.to_list(1..10_000)
    {2_000_000, fn -> for _ <- 1..100, do: work(list) end}
  end

  defp work(list) do
    true = :lists.member(10_000, list)
    reversed = :lists.reverse(list)
    20_000 = length(list ++ reversed)
    {_, _} = :lists.keyfind(9_000, 1, Enum.zip(list, reversed))
  end
end
