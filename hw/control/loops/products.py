"""The products that a loop needs before it starts."""

from amaranth.hdl import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out


class Products(wiring.Component):
    """I·K, K·J and I·J together, one bit of I and J per cycle.

    Members
    -------
    start : In(1), i, j, k : In
    done : Out(1)
        The products are those of the last start.
    ik, kj, ij : Out
    """

    def __init__(self, ij_bits: int, k_bits: int):
        super().__init__(
            {
                "start": In(1),
                "i": In(ij_bits),
                "j": In(ij_bits),
                "k": In(k_bits),
                "done": Out(1),
                "ik": Out(ij_bits + k_bits),
                "kj": Out(ij_bits + k_bits),
                "ij": Out(2 * ij_bits),
            }
        )

    def elaborate(self, platform):
        m = Module()
        bits_i, bits_j = Signal.like(self.i), Signal.like(self.j)
        shifted_k, shifted_i = Signal.like(self.ik), Signal.like(self.ij)
        m.d.comb += self.done.eq(~(bits_i.any() | bits_j.any()))
        m.d.sync += [
            bits_i.eq(bits_i >> 1),
            bits_j.eq(bits_j >> 1),
            shifted_k.eq(shifted_k << 1),
            shifted_i.eq(shifted_i << 1),
        ]
        for bit, total, addend in (
            (bits_i[0], self.ik, shifted_k),
            (bits_j[0], self.kj, shifted_k),
            (bits_j[0], self.ij, shifted_i),
        ):
            with m.If(bit):
                m.d.sync += total.eq(total + addend)
        with m.If(self.start):
            m.d.sync += [
                bits_i.eq(self.i),
                bits_j.eq(self.j),
                shifted_k.eq(self.k),
                shifted_i.eq(self.i),
            ]
            m.d.sync += [total.eq(0) for total in (self.ik, self.kj, self.ij)]
        return m
