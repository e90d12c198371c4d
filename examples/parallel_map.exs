# A parallel map: one process an element, results in order.

defmodule Parallel do
  def map(enumerable, fun) do
    parent = self()

    enumerable
    |> Enum.map(fn x ->
      ref = make_ref()
      spawn_link(fn -> send(parent, {ref, fun.(x)}) end)
      ref
    end)
    |> Enum.map(fn ref ->
      receive do
        {^ref, result} -> result
      end
    end)
  end
end

1..10
|> Parallel.map(fn x ->
  Process.sleep(100 - 10 * x)
  x * x
end)
|> IO.inspect()

1..5
|> Task.async_stream(fn n -> Enum.product(1..(n * 5)) end)
|> Enum.each(fn {:ok, n} -> IO.puts(n) end)
