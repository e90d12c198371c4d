# Twenty modules with macros, protocols, structs, behaviours and comprehensions.
defmodule Shape do
  @callback area(struct()) :: number()
end

defprotocol Describe do
  @fallback_to_any true
  def describe(x)
end

defimpl Describe, for: Any do
  def describe(x), do: "something: #{inspect(x)}"
end

defimpl Describe, for: [Integer, Float] do
  def describe(n), do: "number #{n}"
end

defimpl Describe, for: List do
  def describe(l), do: "[" <> Enum.map_join(l, "; ", &Describe.describe/1) <> "]"
end

defmodule Square do
  @behaviour Shape
  @enforce_keys [:side]
  defstruct [:side, color: :red]
  @impl true
  def area(%__MODULE__{side: s}), do: s * s
  defimpl Describe, do: def(describe(s), do: "#{s.color} square of #{s.side}")
end

defmodule Circle do
  @behaviour Shape
  defstruct radius: 1.0
  @impl true
  def area(%{radius: r}), do: Float.round(r * r * 3.14159, 3)
  defimpl String.Chars, do: def(to_string(c), do: "circle(#{c.radius})")
end

defmodule Unless2 do
  defmacro unless2(condition, do: block, else: other) do
    quote do
      if unquote(condition), do: unquote(other), else: unquote(block)
    end
  end

  defmacro defgetters(fields) do
    for f <- fields do
      quote do
        def unquote(:"get_#{f}")(map), do: Map.fetch!(map, unquote(f))
      end
    end
  end
end

defmodule Getters do
  require Unless2
  Unless2.defgetters([:side, :radius, :color])
  def check(n), do: Unless2.unless2(n > 3, do: :small, else: :large)
end

for i <- 1..10 do
  defmodule Module.concat(Gen, "M#{i}") do
    @number i
    def number, do: @number
    def table, do: for(x <- 1..@number, y <- x..@number, rem(x + y, 3) == 0, into: %{}, do: {{x, y}, x * y})
  end
end

defmodule Main do
  # The `vsn` attribute is a checksum of the code, which may be compiled for either engine.
  defp without_version(list), do: Enum.reject(list, &match?({:vsn, _}, &1))

  def run do
    IO.puts(Describe.describe(%Square{side: 3}))
    IO.puts(Describe.describe([1, 2.5, :atom, %Circle{}]))
    IO.puts("#{%Circle{radius: 2}}")
    IO.inspect(for m <- [%Square{side: 4}, %Circle{radius: 1.5}], do: m.__struct__.area(m))
    IO.inspect({Getters.get_color(%Square{side: 1}), Getters.check(2), Getters.check(9)})
    IO.inspect(for i <- 1..10, do: apply(Module.concat(Gen, "M#{i}"), :number, []))
    IO.inspect(Gen.M5.table())
    IO.inspect(for <<c <- "hello">>, c != ?l, into: "", do: <<c - 32>>)
    IO.inspect(for x <- [1, 2, 3, 4], reduce: 0, do: (acc -> acc * 10 + x))
    IO.inspect(Enum.chunk_every(1..7, 3) |> Enum.zip([:a, :b, :c]))
    IO.inspect(with {:ok, a} <- Map.fetch(%{a: 1}, :a), :error <- Map.fetch(%{}, :b), do: a + 1)
    IO.inspect(~w(one two three)a)
    IO.inspect(Regex.scan(~r/(\w)(\d+)/u, "a12 b3 é44"))
    IO.inspect(String.split("a,b;c", [",", ";"]))
    IO.inspect(:maps.from_list(for i <- 1..40, do: {i, i * i}))
    IO.inspect(Integer.pow(7, 77))
    IO.inspect(System.version())

    try do
      %Square{side: 1} |> Map.fetch!(:nope)
    rescue
      e in KeyError -> IO.puts(Exception.message(e))
    end

    try do
      raise ArgumentError, "no such thing"
    rescue
      e -> IO.puts(Exception.format(:error, e, []))
    after
      IO.puts("after")
    end

    IO.inspect(catch_all = try(do: throw(:ball), catch: (k, v -> {k, v})))
    _ = catch_all

    # What the emulator takes of files is plain; libraries decompress.
    {_, code, _} = :code.get_object_code(:zip)
    compressed = :zlib.gzip(code)
    IO.inspect(for c <- [code, compressed, "no code"], do: :erts_internal.beamfile_module_md5(c))
    IO.inspect(for c <- [code, compressed, "no code"], do: :code.module_md5(c))
    IO.inspect(for c <- [code, compressed], do: is_reference(:erlang.prepare_loading(:zip, c)))
    IO.inspect({Enum.sort(:lists.module_info(:exports)), :lists.module_info(:functions)}, limit: :infinity)
    IO.inspect(for item <- [:exports, :functions, :attributes, :nifs], do: Square.module_info(item) |> without_version())
    IO.inspect(Keyword.keys(Square.module_info()))
  end
end

Main.run()
