# The node that the other programs here talk to: it answers, and ends when it is told or after two minutes.
defmodule Far do
  def echo do
    receive do
      {from, message} -> send(from, {:echo, message})
    end

    echo()
  end

  # Runs a function for whoever asks, and reports what it gives.
  def keep(messages) do
    receive do
      {:get, from} -> send(from, {:kept, Enum.reverse(messages)})
      message -> keep([message | messages])
    end
  end
end

:logger.set_primary_config(:level, :none)
Process.register(spawn(&Far.echo/0), :echo)
IO.puts("up")
Process.sleep(120_000)
