defmodule Strings do
  def bench do
    text = String.duplicate("Der schnelle braune Fuchs springt über den faulen Hund. ", 500)
    {28_000, fn -> run(text) end}
  end

  defp run(text) do
    words = text |> String.downcase() |> String.split([" ", "."], trim: true)
    counts = Enum.frequencies(words)
    500 = counts["über"]
    text |> String.graphemes() |> length()
    words |> Enum.map(&String.capitalize/1) |> Enum.join(" ") |> String.replace("Fuchs", "Hase") |> String.length()
  end
end
