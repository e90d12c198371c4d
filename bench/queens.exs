defmodule Queens do
  def bench, do: {1, fn -> 724 = place(10, 10, []) end}

  defp place(0, _, _), do: 1

  defp place(row, size, placed) do
    Enum.reduce(1..size, 0, fn column, found ->
      if safe?(column, 1, placed), do: found + place(row - 1, size, [column | placed]), else: found
    end)
  end

  defp safe?(_, _, []), do: true
  defp safe?(c, d, [q | rest]), do: q != c and abs(q - c) != d and safe?(c, d + 1, rest)
end
