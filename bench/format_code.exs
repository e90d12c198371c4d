defmodule FormatCode do
  def bench do
    functions = Enum.map_join(1..40, "\n", fn i ->
      "def f#{i}(x,y) when x>#{i} do\n case {x,y} do {1,_}->[#{i}|[x]]\n {a,b} when a<b -> %{\"b\"=>y,a: x}\n _ -> x |> foo() |> bar(y) end end"
    end)
    source = "defmodule M do\n" <> functions <> "\nend"
    {20, fn -> for _ <- 1..20, do: [_ | _] = Code.format_string!(source) end}
  end
end
