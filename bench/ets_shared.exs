defmodule EtsShared do
  @workers 4
  @each 50_000
  def bench do
    table = :ets.new(:bench, [:set, :public, write_concurrency: true, read_concurrency: true])
    {@workers * @each, fn -> run(table) end}
  end

  defp run(table) do
    1..@workers
    |> Enum.map(fn w -> Task.async(fn -> work(table, w, @each) end) end)
    |> Task.await_many(60_000)
  end

  defp work(_, _, 0), do: :ok

  defp work(table, w, n) do
    :ets.update_counter(table, {w, rem(n, 100)}, 1, {{w, rem(n, 100)}, 0})
    work(table, w, n - 1)
  end
end
