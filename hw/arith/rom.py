"""Constant tables."""

from collections.abc import Sequence

from amaranth.hdl import Const, Module, Value
from amaranth.lib import memory


def rom(m: Module, name: str, words: Sequence[int], width: int, address: Value) -> Value:
    """Word number `address` of a power of two of `words`, each of `width` bits, combinational."""
    if len(words) == 1:
        return Const(int(words[0]), width)
    table = memory.Memory(shape=width, depth=len(words), init=[int(word) for word in words])
    m.submodules[name] = table
    port = table.read_port(domain="comb")
    m.d.comb += port.addr.eq(address)
    return port.data
