# Regular expressions whose options, line ends, letters and errors differ between releases of OTP, whose library is PCRE2 since 28.
told = fn f ->
  try do
    case f.() do
      {:ok, pattern} when elem(pattern, 0) == :re_pattern -> {:ok, pattern |> Tuple.to_list() |> Enum.slice(1, 3)}
      other -> other
    end
  catch
    kind, reason -> {kind, if(is_tuple(reason), do: elem(reason, 0), else: reason)}
  end
end

nl = fn kind -> [:multiline, {:newline, kind}] end
{:ok, lines} = :re.compile("^b", [:multiline])
{:ok, first} = :re.compile("b", [:firstline])
{:ok, letter} = :re.compile(".", [:unicode])
long = String.duplicate("a", 40) <> "b"

for {subject, pattern, options} <- [
      {"a\nb", "^b", nl.(:lf)},
      {"a\rb", "^b", nl.(:cr)},
      {"a\rb", lines, [newline: :cr]},
      {"a\nb", lines, [newline: :lf]},
      {"a\nb", lines, [:bsr_unicode]},
      {"a\nb\nb", "^b", [:global | nl.(:lf)]},
      {"a\rb\rb", "^b", [:global | nl.(:cr)]},
      {"a\rb\nb", "(*CR)^b", [:global | nl.(:lf)]},
      {"a\rb\nb", "(*CR)^b", [:global | nl.(:cr)]},
      {"a\rb\nb", "(*BSR_UNICODE)\\R", [:global, :bsr_anycrlf]},
      {"a\nb", lines, [:bsr_anycrlf]},
      {"a\nb", lines, [:anchored]},
      {"\nb", first, []},
      {"\nb", first, [:anchored]},
      {"b", first, [:anchored]},
      {"b", "b", [:firstline, :anchored]},
      {<<255>>, letter, []},
      {"ä", letter, [offset: 1]},
      {"ä", letter, [offset: 2]},
      {"aäb", "(*UTF8).", [:global]},
      {"äb", "(*UTF8)^.$", []},
      {<<0xE4>>, "\\w", []},
      {"ä", "\\w", [:unicode]},
      {"ä", "\\w", [:unicode, :ucp]},
      {<<0xE4>>, "[[:alpha:]]", []},
      {<<0xE4>>, <<0xC4>>, [:caseless]},
      {"ä", "Ä", [:caseless, :unicode]},
      {<<160>>, "\\s", []},
      {long, "(a+)+$", [:report_errors, match_limit: 10]},
      {long, "(*LIMIT_MATCH=10)(a+)+$", [:report_errors, match_limit: 100_000]},
      {long, "(*LIMIT_RECURSION=2)(a+)+$", [:report_errors, match_limit: 100_000]},
      {long, "(a+)+$", [:report_errors, match_limit_recursion: 3]},
      {"ab", "(", [:report_errors]},
      {"ab", "(", []},
      {"ab", <<255>>, [:unicode, :report_errors]},
      {"abc", "", [offset: 3]},
      {"a\0b", "\0b", []},
      {"aXb", "(?<n>a)X(?<m>b)", [{:capture, [:n, :m, :q], :list}]}
    ] do
  IO.inspect({subject, if(is_binary(pattern), do: pattern, else: :compiled), options, told.(fn -> :re.run(subject, pattern, options) end)})
end

for {pattern, options} <- [
      {"a\0(", []},
      {<<255>>, [:unicode]},
      {"ab" <> <<200, ?c>>, [:unicode]},
      {"(*UTF8)(", []},
      {"(*UCP)(*UTF8)(", []},
      {"(*UTF8)a", [:never_utf]},
      {"a", [:never_utf, :unicode]},
      {"a(*UTF8)", []},
      {"(*CRLF)a", []},
      {"(*ANY)a", []},
      {"(*LF)a", []},
      {"a", [newline: :anycrlf]},
      {"a", [newline: :foo]},
      {"a", [:bsr_anycrlf, {:newline, :any}]}
    ] do
  IO.inspect({pattern, options, told.(fn -> :re.compile(pattern, options) end)})
end

# Since OTP 28 alone: line ends of a zero byte, of several the last one counts, and what PCRE 8.44 takes for something else.
newer = String.to_integer(System.otp_release()) >= 28

for {subject, pattern, options} <- [
      {"a\rb", "^b", nl.(:lf) ++ nl.(:cr)},
      {"a\nb", "^b", nl.(:cr) ++ nl.(:lf)},
      {"\v", "\\R", [:bsr_anycrlf, :bsr_unicode]},
      {"\v", "\\R", [:bsr_unicode, :bsr_anycrlf]},
      {"a\0b", "^b", nl.(:nul)},
      {"a\0b", "(*NUL)(?m)^b", []},
      {"ab", "(?=ab\\K)", []},
      {"-", "[\\w-z]", []},
      {"abc", "b", [offset: 4]},
      {"ab", "\\N{U+61}", [:unicode]},
      {"ab", "(*atomic:a)b", []},
      {"AB", "(?^i)a", []}
    ],
    newer do
  IO.inspect({subject, pattern, options, told.(fn -> :re.run(subject, pattern, options) end)})
end

errors = ~S"""
\
a\c
a{3,2}
a{70000}
[a
[b-a]
*a
a|*
(?z)
(?i
(?
[:alpha:]
[[.a.]]
(a
a)
\1
(a)\2
(?#abc
(?<
(?(1a)b)
(?(1)a|b|c)
(?(a)b)
(?R
(?Ra)
(?1)
(?+1)
(?+
(?+a)
[[:foo:]]
\x{110000}
\x{zz}
\o8
\400
\L
(?C256)
(?C1
(?P
(?Px)
(?P<a
(?P<a>.)(?P<a>.)
(?<1a>.)
(?<>a)
\p
\p{
\p{Foo}
\pX
(?(DEFINE)a|b)
\g{
(*FOO)
\g99999999999
(?&a)
\k
\k<a>
(?|(?<a>.)|(?<b>.))
(*MARK)
[\N]
[a-\d]
a**
{1}
[]
[[:alpha:]
((a{1000}){1000}){1000}
\g<a>
\g{-1}
(?P=a
(?(R&a)b)
(?'a>x)
\o{12
"""

for pattern <- String.split(errors, "\n", trim: true), newer do
  IO.inspect({pattern, told.(fn -> :re.compile(pattern) end)})
end
