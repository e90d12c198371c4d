# args: 1 5000
# Generated patterns, options and subjects for every function of `re`, and what each call gives. The arguments are a
# seed and a number of cases: `elixir tests/programs/regexes.exs 7 300000 > beam` and the same on Purlin for a long
# comparison. What docs/differences.md lists for regular expressions is not generated.

defmodule Regexes do
  import Bitwise

  # ---- random choices, the same on every engine

  defp number() do
    state = rem(Process.get(:state) * 6_364_136_223_846_793_005 + 1_442_695_040_888_963_407, 1 <<< 64)
    Process.put(:state, state)
    state >>> 33
  end

  defp below(n), do: rem(number(), n)
  defp one_in(n), do: below(n) == 0
  defp choose(tuple) when is_tuple(tuple), do: elem(tuple, below(tuple_size(tuple)))
  defp some(most, f), do: if(most == 0, do: [], else: for(_ <- 1..(below(most) + 1), do: f.()))

  # ---- patterns

  @atoms {"a", "b", "c", "A", "1", "_", " ", ".", "\\w", "\\W", "\\d", "\\D", "\\s", "\\S", "\\h", "\\H", "\\v",
          "\\V", "\\N", "\\R", "\\X", "\\b", "\\B", "^", "$", "\\A", "\\z", "\\Z", "\\G", "\\K", "[ab]", "[^a]",
          "[a-c]", "[^b-c]", "[\\w-]", "[^\\s,]", "[[:alpha:]]", "[[:digit:]_-]", "[[:^space:]]", "[[:punct:]]",
          "[\\n\\r]", "[^\\n]", "\\r", "\\n", "\\r\\n", "\r", "\n", "\\t", "\\x{e9}", "é", "[é-ÿ]", "[^é]", "\\p{Lu}",
          "\\p{L}", "\\PL", "\\pN", "\\p{Greek}", "\\p{Xan}", "ab", "abc", "\\x41", "\\101", "\\.", "\\Qa.b\\E", "#c",
          "€", "ß", "K", "\\x85", "\\x0b"}
  @quantifiers {"", "", "", "", "", "*", "+", "?", "*?", "+?", "??", "*+", "++", "?+", "{2}", "{0,2}", "{1,}", "{0}",
                "{1,2}?"}
  @leading {"(*CR)", "(*LF)", "(*CRLF)", "(*ANYCRLF)", "(*ANY)", "(*BSR_ANYCRLF)", "(*BSR_UNICODE)", "(*UTF8)",
            "(*UCP)", "(*NO_START_OPT)", "(*NO_AUTO_POSSESS)", "(?i)", "(?m)", "(?s)", "(?x)", "(?U)", "(?J)",
            "(?-i)", "(?im-s)"}
  @verbs {"(*COMMIT)", "(*PRUNE)", "(*SKIP)", "(*THEN)", "(*FAIL)", "(*F)", "(*ACCEPT)", "(*PRUNE:x)", "(*MARK:x)",
          "(*SKIP:x)", "(*THEN:x)"}
  @broken {"(", ")", "[", "a**", "(?<n>", "\\", "[b-a]", "(?z)", "\\p{Foo}", "(?<=a+)", "\\9{2}", "\\k<q>", "(?(7)a)",
           "{2}", "\\x{110000}", "(?P<1>a)"}

  # At most one thing is wrong with a pattern: the libraries find the errors of a pattern in different orders.
  defp pattern() do
    Process.put(:groups, 0)
    leading = if one_in(4), do: some(2, fn -> choose(@leading) end), else: []
    broken = if one_in(60), do: [choose(@broken)], else: []
    IO.iodata_to_binary([leading, alternatives(2), broken])
  end

  defp group(opening, depth) do
    inner = alternatives(depth - 1)
    Process.put(:groups, Process.get(:groups) + 1)
    [opening, inner, ")"]
  end

  # `\K` in an assertion can put the start of a match behind its end.
  defp without_start(pattern), do: pattern |> IO.iodata_to_binary() |> String.replace("\\K", "a")

  defp of_one_length(atom), do: if(atom in ["\\X", "\\R"], do: "a", else: atom)

  # A group that is there already, by its number.
  defp reference(f) do
    case Process.get(:groups) do
      0 -> choose(@atoms)
      n -> f.(to_string(1 + below(n)))
    end
  end

  defp alternatives(depth), do: Enum.intersperse(some(if(one_in(4), do: 3, else: 1), fn -> sequence(depth) end), "|")
  defp sequence(depth), do: some(4, fn -> [piece(depth), choose(@quantifiers)] end)
  defp piece(0), do: choose(@atoms)

  defp piece(depth) do
    inner = fn -> alternatives(depth - 1) end

    case below(44) do
      n when n in 0..2 -> group("(", depth)
      3 -> ["(?:", inner.(), ")"]
      4 -> ["(?=", without_start(inner.()), ")"]
      5 -> ["(?!", without_start(inner.()), ")"]
      6 -> ["(?>", inner.(), ")"]
      7 -> group(["(?<", choose({"n", "m", "name", "x1"}), ">"], depth)
      8 -> ["(?", choose({"i", "m", "s", "x", "-i", "U", "i-s"}), ":", inner.(), ")"]
      9 -> ["(?<=", of_one_length(choose(@atoms)), ")"]
      10 -> ["(?<!", of_one_length(choose(@atoms)), ")"]
      11 -> reference(&choose({"\\" <> &1, "\\g{" <> &1 <> "}", "\\g{-" <> &1 <> "}"}))
      12 -> ["(?|", inner.(), ")"]
      13 -> if(depth == 2, do: choose(@verbs), else: choose(@atoms))
      14 -> reference(&["(?(", &1, ")", sequence(0), "|", sequence(0), ")"])
      15 -> ["(?", choose({"i", "m", "s", "x", "U"}), ")"]
      16 -> "(?#note)b"
      _ -> choose(@atoms)
    end
  end

  # ---- subjects

  @letters {"a", "b", "c", "a", "b", "A", "B", "1", "_", " ", ".", ",", "\n", "\r", "\r\n", "\n", "é", "É", "ß", "€",
            "ж", "\v", "\u0085", "e\u0301", "\u2028", "Ω", "K", "\0", "abc", "ab"}

  defp text(), do: IO.iodata_to_binary(if(one_in(12), do: [], else: some(9, fn -> choose(@letters) end)))

  defp subject() do
    utf8 = text()

    latin1 = fn ->
      :unicode.characters_to_binary(for(c <- String.to_charlist(utf8), c < 256, do: c), :unicode, :latin1)
    end

    case below(20) do
      n when n in 0..11 -> utf8
      n when n in 12..14 -> latin1.()
      15 -> String.to_charlist(utf8)
      16 -> [utf8, 'a' | "b"]
      17 -> [[latin1.()], "ab"]
      18 -> for(c <- String.to_charlist(utf8), c < 256, do: c)
      19 -> if(one_in(8), do: choose({"a" <> <<255>>, :a, [:a], [300], "\xc3", 'a' ++ [-1]}), else: utf8)
    end
  end

  # ---- options

  @compiling {:unicode, :unicode, :ucp, :anchored, :caseless, :dollar_endonly, :dotall, :extended, :firstline,
              :firstline, :multiline, :multiline, :no_auto_capture, :dupnames, :ungreedy, :bsr_anycrlf, :bsr_unicode,
              :no_start_optimize, :never_utf, {:newline, :cr}, {:newline, :lf}, {:newline, :crlf},
              {:newline, :anycrlf}, {:newline, :any}}
  @running {:anchored, :global, :global, :notbol, :noteol, :notempty, :notempty_atstart, :report_errors,
            {:newline, :cr}, {:newline, :lf}, {:newline, :crlf}, {:newline, :anycrlf}, {:newline, :any}, :bsr_anycrlf,
            :bsr_unicode, {:match_limit, 2_000_000_000}, {:match_limit_recursion, 2_000_000_000}}
  @wrong {:foo, {:newline, :foo}, {:offset, -1}, {:offset, :a}, {:match_limit, -1}, {:match_limit, 1 <<< 31},
          {:match_limit, 1 <<< 64}, {:capture, :foo}, {:capture, :all, :foo}, {:capture}, {:capture, [:a | :b]}, 1,
          {}, [], {:offset, 1 <<< 31}, {:offset, 1 <<< 70}, {:newline, 1}, {:offset, 1, 2}, "global", {:global, true},
          {:match_limit_recursion, :x}, {:capture, [1.0]}, {:capture, [-1]}, {:capture, [{}]}}

  # Without groups, references would be errors.
  defp compile_options(pattern) do
    options = if(one_in(4), do: [], else: some(3, fn -> choose(@compiling) end))

    if String.contains?(IO.chardata_to_string(pattern), ["\\g", "(?(", "\\1", "\\2", "\\3", "\\4"]),
      do: List.delete(options, :no_auto_capture) -- [:no_auto_capture],
      else: options
  end

  # An offset behind the subject's end ends the process on the BEAM, whatever it catches.
  defp run_options(subject) do
    plain = if(one_in(2), do: [], else: some(2, fn -> choose(@running) end))
    offset = if(one_in(4), do: [{:offset, below(min(length_of(subject), 8) + 1)}], else: [])
    capture = if(one_in(3), do: [capture()], else: [])
    wrong = if(one_in(50), do: [choose(@wrong)], else: [])
    shuffle(plain ++ offset ++ capture ++ wrong)
  end

  defp length_of(subject) when is_binary(subject), do: byte_size(subject)
  defp length_of([c | rest]), do: if(is_integer(c), do: 1, else: length_of(c)) + length_of(rest)
  defp length_of(_), do: 0

  defp capture() do
    what =
      case below(9) do
        0 ->
          :all

        1 ->
          :all_but_first

        2 ->
          :first

        3 ->
          :none

        4 ->
          :all_names

        _ ->
          if(one_in(8), do: [], else: some(3, fn -> choose({0, 1, 2, 3, 9, :n, "n", 'm', "name", :nope, "x1"}) end))
      end

    if one_in(3), do: {:capture, what}, else: {:capture, what, choose({:index, :list, :binary})}
  end

  defp shuffle(list), do: list |> Enum.map(&{number(), &1}) |> Enum.sort() |> Enum.map(&elem(&1, 1))

  # Line ends that contradict each other end the process, too, unless the pattern is compiled with them.
  defp one_line_end(options) do
    Enum.uniq_by(options, fn
      {:newline, _} -> :newline
      o when o in [:bsr_anycrlf, :bsr_unicode] -> :bsr
      o -> o
    end)
  end

  defp improper(options), do: if(one_in(400), do: options ++ choose({:a, :global, "x"}), else: options)

  defp replacement(),
    do:
      IO.iodata_to_binary(
        some(3, fn -> choose({"x", "&", "\\1", "\\g1", "\\g{2}", "\\&", "é", "\\\\", "\\0", "\\"}) end)
      )

  # ---- calls

  defp call(kind) do
    pattern = if one_in(12), do: String.to_charlist(pattern()), else: pattern()
    {subject, compiling} = {subject(), compile_options(pattern)}
    running = run_options(subject)
    utf8 = String.contains?(IO.chardata_to_string(pattern), "(*UTF8)")
    # Without `unicode` the functions that search again and again do not know that characters are of several bytes.
    running = if utf8, do: running -- [:global, :global], else: running
    kind = if utf8 and kind in [:split, :replace], do: :run, else: kind

    case kind do
      :run ->
        {:run, [subject, pattern, improper(one_line_end(shuffle(compiling ++ running)))]}

      :compiled ->
        # Comments would end elsewhere.
        running = if :extended in compiling, do: Enum.reject(running, &match?({:newline, _}, &1)), else: running
        {:compiled, [subject, {pattern, compiling}, improper(one_line_end(running))]}

      :compile ->
        {:compile, [pattern, improper(compiling ++ if(one_in(30), do: [choose(@wrong)], else: []))]}

      :inspect ->
        {:inspect, [{pattern, compiling}, choose({:namelist, :namelist, :namelist, :foo})]}

      :split ->
        extra =
          some(2, fn ->
            choose(
              {:trim, {:parts, 2}, {:parts, 3}, {:parts, :infinity}, :group, {:return, :list}, {:return, :binary},
               {:return, :iodata}, {:parts, 1}, {:parts, -1}}
            )
          end)

        {:split, [subject, pattern, one_line_end(shuffle(compiling ++ running ++ extra))]}

      :replace ->
        extra = some(1, fn -> choose({{:return, :list}, {:return, :binary}, {:return, :iodata}, :global}) end)
        {:replace, [subject, pattern, replacement(), one_line_end(shuffle(compiling ++ running ++ extra))]}
    end
  end

  defp perform(:compiled, [subject, {pattern, compiling}, running]) do
    with {:ok, compiled} <- :re.compile(pattern, compiling), do: :re.run(subject, compiled, running)
  end

  defp perform(:compile, arguments) do
    with {:ok, {:re_pattern, groups, unicode, crlf, _code}} <- apply(:re, :compile, arguments),
         do: {groups, unicode, crlf}
  end

  defp perform(:inspect, [{pattern, compiling}, what]) do
    with {:ok, compiled} <- :re.compile(pattern, compiling), do: :re.inspect(compiled, what)
  end

  defp perform(function, arguments), do: apply(:re, function, arguments)

  def run(seed, count) do
    Process.put(:state, seed)
    kinds = {:run, :run, :run, :compiled, :compiled, :compile, :inspect, :split, :replace}

    for _ <- 1..count do
      {kind, arguments} = call(choose(kinds))

      result =
        try do
          perform(kind, arguments)
        catch
          :error, reason -> {:error, reason, __STACKTRACE__ |> hd() |> elem(1)}
        end

      :io.put_chars(:io_lib.format("~0tp~n  ~0tp~n", [{kind, arguments}, result]))
    end
  end
end

:io.setopts(encoding: :unicode)
[seed, count] = Enum.map(System.argv(), &String.to_integer/1)
Regexes.run(seed, count)
