# The resident memory of a node in a storm, taken from round to round.
defmodule Storm.Memory do
  # In kB, when every process has collected; 0 where the system does not tell.
  def now do
    for pid <- Process.list(), do: :erlang.garbage_collect(pid)

    case File.read("/proc/self/status") do
      {:ok, text} -> [_, kb] = Regex.run(~r/VmRSS:\s+(\d+) kB/, text); String.to_integer(kb)
      _ -> 0
    end
  end

  # The peak of the first half bounds the end, with so many MB more: a leak grows from round to round.
  def check(memory, _) when length(memory) < 12, do: :ok

  def check(memory, more) do
    {first, second} = Enum.split(memory, div(length(memory), 2))
    {before, now} = {Enum.max(first), Enum.min(Enum.take(second, -5))}
    IO.puts("resident: at most #{div(before, 1024)} MB in the first half, #{div(now, 1024)} MB at the end")
    if now > before + more * 1024 and now > before * 1.1, do: {:grew, before, now}, else: :ok
  end
end
