defmodule ListSort do
  def bench do
    list = Enum.map(1..200_000, &rem(&1 * 7_368_787, 1_000_003))
    {200_000, fn -> {Enum.sort(list), Enum.sort_by(list, &(-&1))} end}
  end
end
