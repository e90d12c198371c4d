defmodule JsonLike do
  def bench do
    row = %{"id" => 17, "name" => "Purlin", "tags" => ["a", "b", "c"], "ok" => true, "ratio" => 1.5}
    rows = List.duplicate(row, 5_000)
    {25_000, fn -> for _ <- 1..5, do: rows |> encode() |> IO.iodata_to_binary() |> byte_size() end}
  end

  defp encode(m) when is_map(m), do: [?{, Enum.map_intersperse(m, ?,, fn {k, v} -> [encode(k), ?:, encode(v)] end), ?}]
  defp encode(l) when is_list(l), do: [?[, Enum.map_intersperse(l, ?,, &encode/1), ?]]
  defp encode(s) when is_binary(s), do: [?", for(<<c <- s>>, do: escape(c)), ?"]
  defp encode(n) when is_integer(n), do: Integer.to_string(n)
  defp encode(f) when is_float(f), do: Float.to_string(f)
  defp encode(b) when is_boolean(b), do: Atom.to_string(b)
  defp escape(?"), do: "\\\""
  defp escape(c), do: c
end
