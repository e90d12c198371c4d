defmodule Exceptions do
  def bench, do: {300_000, fn -> loop(100_000) end}
  defp loop(0), do: :ok

  defp loop(n) do
    :caught = catch_throw(n)
    %ArgumentError{} = rescue_error(n)
    :ok = ensure(n)
    loop(n - 1)
  end

  defp catch_throw(n) do
    throw({:value, n})
  catch
    {:value, ^n} -> :caught
  end

  defp rescue_error(n) do
    raise ArgumentError, message: "bad #{n}"
  rescue
    e in ArgumentError -> e
  end

  defp ensure(n) do
    n + 1
    :ok
  after
    n
  end
end
