"""Two neighbours of a row of the mesh whose products one multiplier block makes."""

from amaranth.hdl import Module
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out, Signature

from ..config import Config
from ..register import data_register
from .pe import held_weight, mac_of
from .register import own_register


class Pair(wiring.Component):
    """What two :class:`.PE` do, at the time of the right one.

    The right column's element and swap, which come a cycle later, serve both. So that the left
    column's weights and sums are there, the mesh brings them and takes its results as late as the
    right column's.

    Members
    -------
    columns : two with the members of a :class:`.PE` (integers, no depthwise lines)
    """

    def __init__(self, config: Config):
        self.config = config
        self.mac = mac = mac_of(config)
        bits = {name: In(1) for name in ("shift", "capture", "swap_in")}
        element, weight, total = mac.input_layout, mac.weight_layout, mac.sum_layout
        column = Signature(
            bits
            | {"swap_out": Out(1), "a_in": In(element), "a_out": Out(element)}
            | {"w_in": In(weight), "w_out": Out(weight)}
            | {"sum_in": In(total), "sum_out": Out(total)}
        )
        super().__init__({"columns": Out(column).array(2)})

    def elaborate(self, platform):
        m = Module()
        m.submodules.mac = mac = self.mac.create_pair()
        late = self.columns[1]
        m.d.comb += mac.input.eq(late.a_in)
        for n, column in enumerate(self.columns):
            m.d.comb += [
                mac.weight[n].eq(held_weight(m, column, late.swap_in, name=f"{n}")),
                mac.sum_in[n].eq(column.sum_in),
                column.sum_out.eq(mac.sum_out[n]),
            ]
            swap = own_register(m, f"swap{n}", column.swap_in, platform)
            m.d.comb += column.swap_out.eq(swap)
            m.d.sync += data_register(m, column.a_out, f"element{n}").eq(column.a_in)
        return m
