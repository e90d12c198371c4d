# In the place of epmd: node n1 listens on STRESS_PORTS + 1 and is connected with by way of STRESS_PORTS + 101, where a
# proxy is (in the place of 100 any STRESS_PROXIES). Each life of a node has a creation of its own. Only functions of Erlang: nothing else is loaded so early.
defmodule :stress_epmd do
  def start_link, do: :ignore

  def register_node(_, _, _ \\ :inet) do
    life = {:os.getpid(), :os.system_time()}
    {:ok, :erlang.phash2(life, 0xFFFFFFF0) + 4}
  end

  def listen_port_please(name, _), do: {:ok, first() + number(name)}
  def port_please(name, host, _), do: port_please(name, host)
  def port_please(name, _), do: {:port, proxies() + number(name), 6}
  def address_please(name, _, _), do: {:ok, {127, 0, 0, 1}, proxies() + number(name), 6}
  def names(_), do: {:error, :address}

  defp first, do: :erlang.list_to_integer(:os.getenv('STRESS_PORTS'))

  defp proxies do
    case :os.getenv('STRESS_PROXIES') do
      false -> first() + 100
      n -> first() + :erlang.list_to_integer(n)
    end
  end

  defp number(name) when is_atom(name), do: number(:erlang.atom_to_list(name))
  defp number([?n | digits]), do: :erlang.list_to_integer(digits)
end
