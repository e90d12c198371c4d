# options: +P 1024
# A full process table refuses further processes in each way of starting one, and has room again afterwards.
# Each refusal is logged as an error, at times of its own.
:logger.set_primary_config(:level, :none)

defmodule Full do
  def fill(pids) do
    fill([spawn(fn -> Process.sleep(:infinity) end) | pids])
  rescue
    e in SystemLimitError -> {e, pids}
  end
end

{e, pids} = Full.fill([])
IO.puts(Exception.message(e))
IO.inspect(:erlang.system_info(:process_count) == :erlang.system_info(:process_limit), label: "full")
for f <- [fn -> spawn_link(fn -> :ok end) end, fn -> spawn_monitor(fn -> :ok end) end, fn -> :erlang.spawn_opt(fn -> :ok end, [:link, :monitor]) end,
          fn -> Task.async(fn -> :ok end) end, fn -> Agent.start(fn -> 1 end) end] do
  IO.inspect(try do f.() catch k, r -> {k, r} end)
end
r = :erlang.spawn_request(fn -> :ok end)
receive do: ({:spawn_reply, ^r, result, why} -> IO.inspect({result, why}))
Enum.each(pids, &Process.exit(&1, :kill))
refs = Enum.map(pids, &Process.monitor/1)
for r <- refs, do: receive(do: ({:DOWN, ^r, _, _, _} -> :ok))
IO.inspect(Task.await(Task.async(fn -> :room end)))
