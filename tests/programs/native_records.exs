# Native records, which OTP has since 29: modules that define, make, match and change them, of their own and of others.

defmodule Source do
  # The module of a source text, compiled, in a directory of the code path.
  def write(dir, name, text) do
    file = Path.join(dir, "#{name}.erl")
    File.write!(file, text)
    {:ok, _} = :compile.file(to_charlist(file), [:debug_info, {:outdir, to_charlist(dir)}, :return_errors])
    name
  end

  def tried(f) do
    f.()
  rescue
    e in ErlangError -> {:error, e.original}
    e -> {:error, Exception.message(e)}
  end
end

owner = """
-module(nr_owner).
-compile(nowarn_unused_record).
-compile(nowarn_missing_spec).
-export([make/0, make/1, hidden/0, change/2, any/2, y/1, y_of_any/1, match/1, x_of_any/1, is/1, is_any/1,
         own/1, guard/1, big/0, elements/1, kept/4]).
-export_record([point, big]).
-record #point{x = 0, y, z = [1, 2]}.
-record #hidden{a = 1}.
-record #big{n = 123456789012345678901234567890, f = 1.5, m = -7, s = "text", e = []}.

make() -> #point{y = 5}.
make(X) -> #point{x = X, y = X}.
hidden() -> #hidden{}.
change(P, X) -> P#point{x = X, z = {X}}.
any(P, X) -> P#_{x = X}.
y(P) -> P#point.y.
y_of_any(P) -> P#_.y.
match(#point{x = X, y = Y}) -> {X, Y};
match(#hidden{a = A}) -> {hidden, A};
match(_) -> none.
x_of_any(#_{x = X}) -> X;
x_of_any(_) -> none.
is(P) -> is_record(P, point).
is_any(P) -> is_record(P).
own(P) -> is_record(P, nr_owner, point).
guard(P) when P#point.x > 3 -> above;
guard(P) when is_record(P, hidden) -> hidden;
guard(_) -> other.
big() -> #big{}.
elements(#point{z = Z, x = X, y = Y}) -> [X, Y, Z].
% Registers that live across a collection.
kept(A, B, C, D) -> {A, B, #point{x = [A | C], y = {B, D}}, C, D}.
"""

user = """
-module(nr_user).
-export([make/3, hidden/1, nothing/1, wrong/1, without/0, unknown/0, change/2, y/1, x/1, x_of_hidden/1, is/1]).
-import_record(nr_owner, [point]).

make(A, B, C) -> {A, #point{x = B, y = C}, [A, B | C]}.
hidden(A) -> {A, #nr_owner:hidden{a = A}}.
nothing(A) -> {A, #nr_owner:nothing{}}.
wrong(A) -> {A, #nr_nowhere:point{}}.
without() -> #point{x = 1}.
unknown() -> #point{x = 1, w = 2}.
change(P, X) -> P#nr_owner:point{x = X}.
y(P) -> P#nr_owner:point.y.
x(#nr_owner:point{x = X}) -> X;
x(_) -> none.
x_of_hidden(#nr_owner:hidden{a = A}) -> A;
x_of_hidden(_) -> none.
is(P) -> is_record(P, nr_owner, point).
"""

if String.to_integer(System.otp_release()) < 29 do
  IO.puts("no native records")
else
  dir = Path.join(System.tmp_dir!(), "native_records_#{System.pid()}")
  File.mkdir_p!(dir)
  :code.add_patha(to_charlist(dir))
  show = fn name, f -> :io.format("~s: ~p~n", [name, Source.tried(f)]) end
  Source.write(dir, :nr_owner, owner)
  Source.write(dir, :nr_user, user)

  show.("of a module that is not loaded", fn -> {:code.is_loaded(:nr_owner), :nr_user.make([1], {2}, [3])} end)
  Code.ensure_loaded!(:nr_owner)
  show.("loaded", fn -> :nr_user.make([1], {2}, [3]) end)
  show.("not exported", fn -> :nr_user.hidden(1) end)
  show.("not defined", fn -> :nr_user.nothing(1) end)
  show.("of no module", fn -> :nr_user.wrong(1) end)

  point = :nr_owner.make()
  for {name, f} <- [
        make: fn -> :nr_owner.make([7]) end,
        hidden: fn -> :nr_owner.hidden() end,
        no_value: fn -> :nr_user.without() end,
        no_field: fn -> :nr_user.unknown() end,
        change: fn -> :nr_owner.change(point, 8) end,
        change_hidden: fn -> :nr_owner.change(:nr_owner.hidden(), 8) end,
        change_none: fn -> :nr_owner.change({:point, 1}, 8) end,
        any: fn -> :nr_owner.any(point, 8) end,
        any_without: fn -> :nr_owner.any(:nr_owner.hidden(), 8) end,
        any_none: fn -> :nr_owner.any(:none, 8) end,
        y: fn -> :nr_owner.y(point) end,
        y_none: fn -> :nr_owner.y(%{y: 1}) end,
        y_of_any: fn -> {:nr_owner.y_of_any(point), Source.tried(fn -> :nr_owner.y_of_any(:nr_owner.hidden()) end)} end,
        match: fn -> for t <- [point, :nr_owner.hidden(), :none, {:point, 1, 2, 3}], do: :nr_owner.match(t) end,
        x_of_any: fn -> for t <- [point, :nr_owner.hidden(), 1], do: :nr_owner.x_of_any(t) end,
        is: fn -> for t <- [point, :nr_owner.hidden(), 1], do: {:nr_owner.is(t), :nr_owner.is_any(t), :nr_owner.own(t)} end,
        guard: fn -> for t <- [point, :nr_owner.make(4), :nr_owner.hidden(), 1], do: :nr_owner.guard(t) end,
        big: fn -> :nr_owner.big() end,
        elements: fn -> :nr_owner.elements(point) end,
        kept: fn -> Enum.all?(1..200, &(:nr_owner.kept([&1], &1, [1, &1], {&1}) |> inspect() |> byte_size() > 0)) end,
        used_change: fn -> {:nr_user.change(point, 9), :nr_user.y(point), :nr_user.x(point)} end,
        used_hidden: fn -> {:nr_user.x_of_hidden(:nr_owner.hidden()), :nr_user.is(point), :nr_user.is(:nr_owner.hidden())} end,
        used_none: fn -> :nr_user.change(:none, 1) end,
        definition: fn -> :records.get_definition(:nr_owner, :point) end,
        no_definition: fn -> for r <- [:hidden, :nothing], do: Source.tried(fn -> :records.get_definition(:nr_owner, r) end) end,
        sum: fn -> :beam_lib.md5(:code.which(:nr_owner)) == {:ok, {:nr_owner, :nr_owner.module_info(:md5)}} end,
        equal: fn -> {point == :nr_owner.make(), point === :nr_owner.change(:nr_owner.change(point, 1), 0)} end,
        external: fn -> :erlang.binary_to_term(:erlang.term_to_binary(point)) == point end,
        # Records outlive the code that made them.
        reloaded: fn ->
          :code.purge(:nr_owner)
          :code.load_file(:nr_owner)
          :code.purge(:nr_owner)
          :erlang.garbage_collect()
          {point, :nr_owner.match(point)}
        end
      ],
      do: show.(name, f)

  File.rm_rf!(dir)
end
