# stderr
# An uncaught error ends the script with status 1 and its report on standard error.
defmodule Boom do
  def go(x), do: 1 + div(10, x)
end

IO.puts("before")
Boom.go(0)
