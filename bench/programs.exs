defmodule Programs do
  # Small programs as they are written every day, one after the other: a report of sales, a cache with statistics, words
  # of a text, a state machine over a log, a bank with processes.
  def bench do
    log = Enum.map_join(1..400, "\n", fn i -> "2024-02-#{pad(rem(i, 28) + 1)} #{Enum.at(~w(open read fail close), rem(i, 4))} user=#{rem(i * 7, 30)} took=#{i / 8}" end)
    {200, fn -> for i <- 1..200, do: {report(i), cache(i), words(log), machine(log), bank(i)} end}
  end

  defp pad(n), do: n |> Integer.to_string() |> String.pad_leading(2, "0")

  defp report(seed) do
    sales = for i <- 1..100, do: %{day: Date.add(~D[2024-01-01], rem(i * seed, 90)), region: Enum.at([:north, :south, :east], rem(i, 3)), cents: i * 37}

    sales
    |> Enum.group_by(&{&1.region, &1.day.month})
    |> Enum.map(fn {key, rows} -> {key, rows |> Enum.map(& &1.cents) |> Enum.sum()} end)
    |> Enum.sort()
    |> Enum.map_join("\n", fn {{region, month}, cents} -> "#{region}\t#{month}\t#{Float.round(cents / 100, 2)}" end)
    |> byte_size()
  end

  defp cache(seed) do
    Enum.reduce(1..300, {%{}, 0, 0}, fn i, {entries, hits, misses} ->
      key = {:page, rem(i * seed, 40)}

      case entries do
        %{^key => {value, used}} -> {%{entries | key => {value, used + 1}}, hits + 1, misses}
        _ -> {Map.put(entries, key, {i, 1}), hits, misses + 1}
      end
    end)
  end

  defp words(text) do
    text |> String.downcase() |> String.split(~r/[^a-z]+/, trim: true) |> Enum.frequencies() |> Enum.max_by(&elem(&1, 1))
  end

  defp machine(log) do
    for line <- String.split(log, "\n"), reduce: %{open: 0, failed: [], slowest: 0.0} do
      acc ->
        [day, event, "user=" <> user, "took=" <> took] = String.split(line, " ")
        acc = %{acc | slowest: max(acc.slowest, String.to_float(took))}

        case event do
          "open" -> %{acc | open: acc.open + 1}
          "fail" -> %{acc | failed: [{Date.from_iso8601!(day), String.to_integer(user)} | acc.failed]}
          _ -> acc
        end
    end
  end

  defp bank(seed) do
    accounts = for i <- 1..10, do: elem(Agent.start_link(fn -> 100 * i end), 1)

    tasks =
      for i <- 1..20 do
        Task.async(fn ->
          [from, to] = [Enum.at(accounts, rem(i * seed, 10)), Enum.at(accounts, rem(i + seed, 10))]
          amount = Agent.get_and_update(from, fn n -> if n >= i, do: {i, n - i}, else: {0, n} end)
          Agent.update(to, &(&1 + amount))
        end)
      end

    Task.await_many(tasks)
    total = accounts |> Enum.map(&Agent.get(&1, fn n -> n end)) |> Enum.sum()
    Enum.each(accounts, &Agent.stop/1)
    5_500 = total
  end
end
