# Calls the natives of OTP's basic modules with arguments of every kind, and prints a digest of what each native gave:
# values, exceptions, and what the shell would say of them. `natives.exs lists:keyfind/3` prints each call.

Code.require_file("natives/pure.ex", __DIR__)

defmodule Natives do
  @terms [
    0, 1, -1, 3, 255, 0x10FFFF, 0xD800, 2 ** 59, -(2 ** 59) - 1, 2 ** 64 + 7, -(2 ** 70), 0.0, -1.5, 1.0e20, :a, true,
    false, :undefined, :"", :utf8, [], [1, 2, 3], 'abc', [:a | :b], [a: 1, b: 2], [[1], "x", 'yz'], ["a", "bc"],
    [256, 1024], {}, {1, 2}, {:a, :b, :c}, {:b, 2}, "", "abc", <<5::3>>, "å€", <<255, 254>>, %{}, %{1 => :a, b: 2},
    &:erlang.abs/1
  ]
  @fewer [0, 1, -1, 2 ** 64 + 7, :a, true, [], [1, 2], [a: 1], {:a, :b}, "abc", %{a: 1}]
  @fewest [0, 2, :a, [], [1, 2], {:a, :b}, "abc", %{a: 1}]

  def run(chosen) do
    for module <- Pure.modules(),
        Code.ensure_loaded?(module),
        {name, arity} <- Enum.sort(module.module_info(:exports)),
        Pure.native?(module, name, arity),
        native = "#{module}:#{name}/#{arity}",
        chosen in [nil, native] do
      digest =
        Enum.reduce(arguments(arity), :erlang.md5_init(), fn arguments, digest ->
          seen = {arguments, result(module, name, arguments)}
          if chosen, do: IO.inspect(seen, limit: :infinity)
          :erlang.md5_update(digest, :erlang.term_to_binary(seen))
        end)

      IO.puts("#{native} #{digest |> :erlang.md5_final() |> Base.encode16()}")
    end
  end

  defp arguments(1), do: for(a <- @terms, do: [a])
  defp arguments(2), do: for(a <- @terms, b <- @terms, do: [a, b])
  defp arguments(3), do: for(a <- @fewer, b <- @fewer, c <- @fewer, do: [a, b, c])
  defp arguments(4), do: for(a <- @fewest, b <- @fewest, c <- @fewest, d <- @fewest, do: [a, b, c, d])

  defp result(module, name, arguments) do
    {:ok, hide(apply(module, name, arguments))}
  catch
    kind, reason ->
      said = :erl_error.format_exception(kind, reason, Enum.take(__STACKTRACE__, 1))
      {kind, hide(reason), IO.chardata_to_string(said)}
  end

  # What has no equal in another run.
  defp hide(t) when is_pid(t) or is_reference(t) or is_port(t), do: :hidden
  defp hide([head | tail]), do: [hide(head) | hide(tail)]
  defp hide(t) when is_tuple(t), do: t |> Tuple.to_list() |> hide() |> List.to_tuple()
  defp hide(t), do: t
end

Natives.run(List.first(System.argv()))
