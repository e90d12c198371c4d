defmodule ExternalTerms do
  def bench do
    term = for i <- 1..2_000, do: %{id: i, name: "name #{i}", values: [i, i * 1.5, {:ok, i}]}
    {50, fn -> for _ <- 1..50, do: ^term = :erlang.binary_to_term(:erlang.term_to_binary(term)) end}
  end
end
