# Where failing arithmetic is told to have failed: in the operator, with its operands, or in the function only. That goes
# by the operands and by what the compiler knows of them, and differs between releases.
operands = ["X", "Y", "x", "\"a\"", "1", "0", "-7", "2.5", "(1 bsl 31)", "(1 bsl 58)", "(1 bsl 59)", "(1 bsl 70)"]
binary = ["+", "-", "*", "/", "div", "rem", "band", "bor", "bxor", "bsl", "bsr"]
both = for op <- binary, a <- operands, b <- operands, a in ["X", "Y", "x", "\"a\""] or b in ["X", "Y", "x"], do: "#{a} #{op} #{b}"
one = for op <- ["+", "-", "bnot", "abs", "float"], a <- ["X", "x"], do: "#{op}(#{a})"
expressions = Enum.with_index(both ++ one)

source =
  ["-module(arithmetic).\n-compile(export_all).\n" |
   for({e, i} <- expressions, do: "f#{i}(X, Y) -> #{e}, _ = {X, Y}, R = #{e}, {R}.\n")]

forms = fn text ->
  {:ok, tokens, _} = :erl_scan.string(to_charlist(text))
  {forms, []} =
    Enum.flat_map_reduce(tokens, [], fn
      {:dot, _} = dot, form -> {[:erl_parse.parse_form(Enum.reverse([dot | form])) |> elem(1)], []}
      token, form -> {[], [token | form]}
    end)
  forms
end

told = fn stack ->
  case hd(stack) do
    {:erlang, f, args, _} when is_list(args) -> {f, args}
    {m, f, arity, _} -> {m, f, arity}
  end
end

for options <- [[], [:no_ssa_opt], [:no_type_opt], [:no_ssa_opt_float]] do
  {:ok, name, code} = :compile.forms(forms.(IO.iodata_to_binary(source)), [:binary, :nowarn_export_all | options])
  {:module, _} = :code.load_binary(name, ~c"arithmetic", code)
  IO.inspect(options)

  for {e, i} <- expressions, {x, y} <- [{:one, :two}, {3, :two}, {"b", 4}, {[], 1.5}] do
    seen =
      try do
        apply(:arithmetic, :"f#{i}", [x, y])
      rescue
        error -> {Map.get(error, :__struct__), told.(__STACKTRACE__)}
      end

    IO.puts("#{e} of #{inspect({x, y})}: #{inspect(seen)}")
  end

  :code.purge(name)
end

# A unary plus adds zero.
for z <- [-0.0, 1, :zero, 1.5, String.to_integer("-123456789012345678901234567890")] do
  IO.inspect(try(do: (fn z -> +z end).(z), rescue: (e -> e)))
end
