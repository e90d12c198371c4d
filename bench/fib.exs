defmodule Fib do
  def bench, do: {7_049_155, fn -> 2_178_309 = fib(32) end}
  def fib(n) when n < 2, do: n
  def fib(n), do: fib(n - 1) + fib(n - 2)
end
