# How many frames an exception has, with short backtraces.
defmodule Short do
  def m(x) do
    {:ok, z} = x
    z
  end

  def g(:a), do: 1
  def deep(0), do: :erlang.error(:deep)
  def deep(n), do: {deep(n - 1)}
  def ar(x), do: {x + byte_size(inspect(x))}
  def ar2(x), do: {x * 3}
end

fs = [
  fn -> Short.m(3) end,
  fn -> {Short.g(3)} end,
  fn -> Short.g(3) end,
  fn -> {Short.deep(3)} end,
  fn -> Short.deep(0) end,
  fn -> {Short.ar(:x)} end,
  fn -> {Short.ar2(:x)} end,
  fn -> :erlang.hd("b") end,
  fn -> {:erlang.atom_to_list("b")} end,
  fn -> :erlang.atom_to_list("b") end,
  fn -> apply(:erlang, :atom_to_list, ["b"]) end,
  fn -> {apply(Short, :nono, ["b"])} end,
  fn -> {:erlang.throw(1)} end,
  fn -> {:erlang.exit(1)} end,
  fn -> {:erlang.raise(:error, :x, [{:a, :b, 1, []}, {:c, :d, 2, []}])} end,
  fn -> {:erlang.error(:x, [1, 2])} end,
  fn -> {"b".(1)} end,
  fn -> {(fn x -> x end).(1, 2)} end,
  fn -> {:maps.get(1, %{})} end,
  fn -> {:lists.map(fn x -> x + :a end, [1, 2])} end,
  fn ->
    {case "b" do
       1 -> 2
     end}
  end,
  fn -> {:ets.insert(:nono, {1})} end,
  fn -> {:erlang.binary_to_term(<<1>>)} end,
  fn -> Process.sleep(:a) end
]

for d <- [8, 0, 1, 2, 3] do
  :erlang.system_flag(:backtrace_depth, d)

  for {f, i} <- Enum.with_index(fs) do
    try do
      f.()
    catch
      k, r ->
        IO.inspect(
          {d, i, k,
           if(k == :error, do: Exception.message(Exception.normalize(k, r)), else: r)
           |> inspect()
           |> String.replace(~r/#.*/, ""), Enum.map(__STACKTRACE__, fn {m, f, a, _} -> {m, f, a} end)},
          width: 200
        )
    end
  end
end
