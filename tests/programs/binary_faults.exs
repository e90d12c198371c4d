# Which of two wrong segments is told, for each pair of kinds: some values are looked at before anything is written.
segments = [
  integer: "A:16/integer",
  sized_integer: "(id(1)):A/integer",
  binary: "A/binary",
  binary_part: "A:2/binary",
  sized_binary: "(id(<<1>>)):A/binary",
  float: "A:64/float",
  utf8: "A/utf8",
  utf16: "A/utf16",
  utf32: "A/utf32",
  constant_utf8: "(16#D800)/utf8",
  constant_utf32: "(16#D800)/utf32"
]

pairs = for {a, first} <- segments, {b, second} <- segments, do: {:"#{a}_#{b}", "<<#{first}, #{second}>>"}
functions = Enum.map_join(pairs, "\n", fn {name, binary} -> "#{name}(A) -> #{binary}." end)
source = "-module(binary_faults).\n-compile(export_all).\n-compile(nowarn_export_all).\nid(X) -> X.\n#{functions}\n"

forms =
  for text <- String.split(source, ".\n", trim: true) do
    {:ok, tokens, _} = :erl_scan.string(String.to_charlist(text <> ".\n"))
    {:ok, form} = :erl_parse.parse_form(tokens)
    form
  end

{:ok, module, code} = :compile.forms(forms, [:binary])
{:module, ^module} = :code.load_binary(module, ~c"binary_faults", code)

for {name, _} <- pairs do
  try do
    apply(module, name, [:a])
    IO.puts("#{name}: built")
  rescue
    e ->
      [{_, _, _, info} | _] = __STACKTRACE__
      IO.puts("#{name}: #{Exception.message(e)} #{inspect(info[:error_info][:cause])}")
  end
end
