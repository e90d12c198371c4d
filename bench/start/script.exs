# A short script with a module, as one writes for a task of a minute; its whole run is timed.
defmodule Inventory do
  defstruct items: %{}

  def new(names), do: Enum.reduce(names, %__MODULE__{}, &add(&2, &1))

  def add(%__MODULE__{items: items} = inventory, name, count \\ 1) when count > 0 do
    %{inventory | items: Map.update(items, name, count, &(&1 + count))}
  end

  def remove(%__MODULE__{items: items} = inventory, name) do
    case items do
      %{^name => 1} -> {:ok, %{inventory | items: Map.delete(items, name)}}
      %{^name => count} -> {:ok, %{inventory | items: %{items | name => count - 1}}}
      _ -> {:error, :missing}
    end
  end

  def total(%__MODULE__{items: items}), do: items |> Map.values() |> Enum.sum()
end

inventory = Inventory.new(~w(bolt nut bolt washer))
{:ok, inventory} = Inventory.remove(inventory, "nut")
3 = Inventory.total(inventory)
{:error, :missing} = Inventory.remove(inventory, "nut")

[_, peak] = Regex.run(~r/VmHWM:\s*(\d+)/, File.read!("/proc/self/status"))
IO.puts(peak)
