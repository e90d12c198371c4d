# generate.exs DIR N: writes a Mix project of N modules as an application has them: structs, behaviours, protocols,
# macros, GenServers, pipelines and comprehensions, each module calling others.
[dir, n] = System.argv()
n = String.to_integer(n)
File.rm_rf!(dir)
File.mkdir_p!(Path.join(dir, "lib"))
write = fn name, text -> File.write!(Path.join(dir, name), text) end

write.("mix.exs", """
defmodule Project.MixProject do
  use Mix.Project
  def project, do: [app: :project, version: "0.1.0", elixir: "~> 1.14"]
  def application, do: [extra_applications: [:logger]]
end
""")

write.("lib/base.ex", """
defprotocol Project.Price do
  @fallback_to_any true
  def of(item)
end

defimpl Project.Price, for: Any do
  def of(_), do: 0
end

defmodule Project.Store do
  @callback load(id :: integer) :: {:ok, term} | {:error, atom}
  defmacro __using__(options) do
    quote bind_quoted: [options: options] do
      @behaviour Project.Store
      @before_compile Project.Store
      Module.register_attribute(__MODULE__, :fields, accumulate: true)
      import Project.Store, only: [field: 2]
      @table options[:table]
    end
  end

  defmacro field(name, type), do: quote(do: @fields({unquote(name), unquote(type)}))

  defmacro __before_compile__(env) do
    fields = Module.get_attribute(env.module, :fields)
    for {name, type} <- fields do
      quote do
        def type(unquote(name)), do: unquote(type)
        def cast(unquote(name), value) when not is_nil(value), do: {unquote(name), value}
      end
    end ++ [quote do
      def table, do: @table
      def fields, do: unquote(Keyword.keys(fields))
    end]
  end
end
""")

module = fn i, other ->
  name = "Project.M#{i}"
  case rem(i, 5) do
    0 ->
      """
      defmodule #{name} do
        @moduledoc "An item with its price."
        @enforce_keys [:id]
        defstruct [:id, :name, tags: [], count: #{i}, price: 1.5]
        @type t :: %__MODULE__{id: integer, name: String.t() | nil, tags: [atom], count: integer, price: float}

        @spec new(keyword) :: t
        def new(options \\\\ []), do: struct!(__MODULE__, Keyword.put_new(options, :id, #{i}))

        def rename(%__MODULE__{name: nil} = item, name), do: %{item | name: name}
        def rename(%__MODULE__{} = item, name) when is_binary(name), do: %{item | name: item.name <> "/" <> name}

        def total(items), do: for(%__MODULE__{count: c, price: p} <- items, c > 0, reduce: 0, do: (sum -> sum + c * p))

        def summary(%__MODULE__{} = item) do
          with {:ok, tag} <- first_tag(item), true <- tag in [:new, :old, :sold], {:ok, other} <- #{other}.run(item.count) do
            {:ok, "\#{item.name}: \#{tag} \#{inspect(other)}"}
          else
            :error -> {:error, :no_tag}
            false -> {:error, :odd_tag}
            {:error, reason} -> {:error, reason}
          end
        end

        def run(x), do: {:ok, new(id: x) |> rename("n\#{x}") |> Map.from_struct()}
        defp first_tag(%{tags: [tag | _]}), do: {:ok, tag}
        defp first_tag(_), do: :error

        defimpl Project.Price do
          def of(%{price: p, count: c}), do: p * c
        end

        defimpl String.Chars do
          def to_string(item), do: "item \#{item.id}"
        end
      end
      """
    1 ->
      """
      defmodule #{name} do
        @moduledoc "A server that keeps counts."
        use GenServer
        require Logger

        def start_link(options), do: GenServer.start_link(__MODULE__, options, name: options[:name] || __MODULE__)
        def add(server \\\\ __MODULE__, key, n), do: GenServer.cast(server, {:add, key, n})
        def get(server \\\\ __MODULE__, key), do: GenServer.call(server, {:get, key})

        @impl true
        def init(options), do: {:ok, %{counts: %{}, limit: Keyword.get(options, :limit, #{i * 10})}, {:continue, :load}}

        @impl true
        def handle_continue(:load, state) do
          Logger.debug("loading \#{inspect(state.limit)}")
          {:noreply, state}
        end

        @impl true
        def handle_call({:get, key}, _from, state), do: {:reply, Map.get(state.counts, key, 0), state}
        def handle_call({:max, keys}, _from, state) do
          max = keys |> Enum.map(&Map.get(state.counts, &1, 0)) |> Enum.max(fn -> 0 end)
          {:reply, max, state}
        end
        def handle_call(:reset, {pid, _}, %{limit: limit} = state) when is_pid(pid) and limit > 0 do
          {:reply, :ok, %{state | counts: %{}}}
        end

        @impl true
        def handle_cast({:add, key, n}, state) do
          counts = Map.update(state.counts, key, n, &min(&1 + n, state.limit))
          {:noreply, %{state | counts: counts}}
        end

        @impl true
        def handle_info({:timeout, _, what}, state) do
          case #{other}.run(what) do
            {:ok, _} -> {:noreply, state}
            {:error, reason} -> {:stop, {:shutdown, reason}, state}
          end
        end
        def handle_info(_, state), do: {:noreply, state}

        def run(x), do: {:ok, {__MODULE__, x}}
      end
      """
    2 ->
      """
      defmodule #{name} do
        @moduledoc "A table's row."
        use Project.Store, table: "t#{i}"
        field :id, :integer
        field :title, :string
        field :body, :string
        field :score, :float
        field :inserted_at, :datetime

        @impl true
        def load(id) when is_integer(id) and id > 0, do: {:ok, %{id: id, title: "t", table: table()}}
        def load(_), do: {:error, :bad_id}

        def run(x) do
          case load(x) do
            {:ok, %{id: id} = row} when id > #{i} -> #{other}.run(Map.size(row))
            {:ok, row} -> {:ok, row}
            {:error, _} = e -> e
          end
        rescue
          e in [ArgumentError, UndefinedFunctionError] -> {:error, Exception.message(e)}
        end
      end
      """
    3 ->
      """
      defmodule #{name} do
        @moduledoc \"\"\"
        A parser of a small language.

            iex> #{name}.run("1+2")
            {:ok, 3}
        \"\"\"
        import Bitwise
        @operators [+: 1, -: 1, *: 2, /: 2]
        @digits ~w(zero one two three four five six seven eight nine)a

        def run(text) when is_binary(text), do: text |> tokens([]) |> expression(0)
        def run(other), do: #{other}.run(other)

        defp tokens(<<c, rest::binary>>, acc) when c in ?0..?9, do: number(rest, c - ?0, acc)
        defp tokens(<<c, rest::binary>>, acc) when c in [?\\s, ?\\t, ?\\n], do: tokens(rest, acc)
        defp tokens(<<"(", rest::binary>>, acc), do: tokens(rest, [:open | acc])
        defp tokens(<<")", rest::binary>>, acc), do: tokens(rest, [:close | acc])
        for {op, level} <- @operators do
          defp tokens(<<unquote(Atom.to_string(op)), rest::binary>>, acc), do: tokens(rest, [{unquote(op), unquote(level)} | acc])
        end
        defp tokens(<<>>, acc), do: Enum.reverse(acc)

        defp number(<<c, rest::binary>>, n, acc) when c in ?0..?9, do: number(rest, n * 10 + c - ?0, acc)
        defp number(rest, n, acc), do: tokens(rest, [n | acc])

        defp expression([n | rest], level) when is_integer(n), do: more(n, rest, level)
        defp expression([:open | rest], _) do
          {n, [:close | rest]} = expression(rest, 0)
          more(n, rest, 0)
        end

        defp more(left, [{op, l} | rest], level) when l > level do
          case expression(rest, l) do
            {right, rest} -> more(apply(Kernel, op, [left, right]), rest, level)
            {:ok, right} -> {:ok, apply(Kernel, op, [left, right])}
          end
        end
        defp more(left, [], 0), do: {:ok, left}
        defp more(left, rest, _), do: {left, rest}

        for {name, i} <- Enum.with_index(@digits) do
          def digit(unquote(name)), do: unquote(i) ||| #{i}
        end
      end
      """
    4 ->
      """
      defmodule #{name} do
        @moduledoc "Reports."
        alias Project.Price

        def report(rows, options \\\\ []) do
          by = Keyword.get(options, :by, :name)
          rows
          |> Enum.group_by(&Map.get(&1, by))
          |> Enum.map(fn {key, rows} -> {key, length(rows), rows |> Enum.map(&Price.of/1) |> Enum.sum()} end)
          |> Enum.sort_by(&elem(&1, 2), :desc)
          |> Enum.take(options[:top] || #{i})
          |> Enum.map_join("\\n", fn {key, n, sum} -> "\#{key}: \#{n} (\#{Float.round(sum / 1, 2)})" end)
        end

        def table(rows) do
          for {row, i} <- Stream.with_index(rows), {k, v} <- row, not is_nil(v), into: %{} do
            {{i, k}, if(is_atom(v), do: Atom.to_string(v), else: v)}
          end
        end

        def run(x) do
          try do
            cond do
              is_list(x) -> {:ok, report(x)}
              is_map(x) -> {:ok, table([x])}
              is_number(x) and x > 10 -> #{other}.run(x - 1)
              true -> throw(:odd)
            end
          catch
            :odd -> {:error, :odd}
            :exit, reason -> {:error, reason}
          end
        end

        defguard is_small(x) when is_integer(x) and x >= 0 and x < #{i}
        defmacro twice(block), do: quote(do: {unquote(block), unquote(block)})
      end
      """
  end
end

for i <- 0..(n - 1), do: write.("lib/m#{i}.ex", module.(i, "Project.M#{rem(i * 7 + 3, n)}"))
