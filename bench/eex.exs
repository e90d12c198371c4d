defmodule Templates do
  @template """
  <h1><%= title %></h1>
  <%= for row <- rows do %>
    <li class="<%= if row > 2, do: "many", else: "few" %>"><%= row %></li>
  <% end %>
  """
  def bench do
    {1_000, fn -> for _ <- 1..1_000, do: "<h1>t" <> _ = EEx.eval_string(@template, title: "t", rows: [1, 2, 3, 4, 5]) end}
  end
end
