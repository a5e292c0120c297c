"""Processing element of the weight-stationary mesh."""

from amaranth.hdl import Module, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ..arith.mac import IN_LUTS, Mac
from ..config import Config
from ..formats import Int
from ..formats.draws import TURN, WORD
from ..register import data_register
from .register import own_register


def mac_of(config: Config, place: int = 0) -> Mac:
    """What every processing element does; that with number `place` in a block or not, as
    `Config.dsps` has it."""
    formats = config.input, config.factor, config.summed
    multiplier, aligned = config.multiplier, False
    if config.dsps is not None:
        aligned = not isinstance(config.summed, Int)
        multiplier = IN_LUTS if place >= config.dsps else None
    return Mac(*formats, config.mac_stages, multiplier, aligned)


def clears(config: Config) -> bool:
    """Whether weights that no tile brings must be zeros: integers times zero are zero anyway."""
    return not isinstance(config.summed, Int)


class PE(wiring.Component):
    """Multiplies the element that passes by its weight and adds the sum from above.

    ::

                 w_in   sum_in                three weights: one on its way down (w_out),
                   |      |                   one waiting (shadow), one at work (active)
         a_in -> [ active, MAC ] -> a_out
                   |      |
                 w_out  sum_out

    Elements and weights take a cycle per hop, sums `Mac.hop` cycles; a sum comes `Mac.before`
    cycles after the element that it meets. Elements and weights are decoded, see :class:`.Mac`.

    Parameters
    ----------
    config : Config
    place : int
        As :func:`mac_of` takes it.

    Members
    -------
    shift : In(1)
        Weights move down one row.
    clear : In(1), if :func:`clears`
        The weight that moves here, now, becomes zero.
    capture : In(1)
        The passing weight becomes the waiting one.
    swap_in, swap_out : In(1), Out(1)
        The waiting weight goes to work; one cycle ahead of the first element that needs it.
    a_in, a_out, w_in, w_out, sum_in, sum_out
        Element, weight and partial sum.

    random_in, random_out : In(16), Out(16), if rounding is stochastic
        Random bits that come with the sum; the next column has them rotated.

    With `Config.depthwise`:

    swap_now : In(1)
        The waiting weight goes to work, and nobody hears of it.
    line, a_line : In(1), In(element)
        `a_out` takes `a_line` instead of `a_in`: an element of the next column's own.
    hold : In(1)
        The sum stays.
    """

    def __init__(self, config: Config, place: int = 0):
        self.config = config
        self.mac = mac = mac_of(config, place)
        element, weight, total = mac.input_layout, mac.weight_layout, mac.sum_layout
        depthwise = {"swap_now": In(1), "line": In(1), "a_line": In(element), "hold": In(1)}
        super().__init__(
            (depthwise if config.dw_lines else {})
            | ({"clear": In(1)} if clears(config) else {})
            | {
                "shift": In(1),
                "capture": In(1),
                "swap_in": In(1),
                "swap_out": Out(1),
                "a_in": In(element),
                "a_out": Out(element),
                "w_in": In(weight),
                "w_out": Out(weight),
                "sum_in": In(total),
                "sum_out": Out(total),
            }
            | ({"random_in": In(WORD), "random_out": Out(WORD)} if config.stochastic else {})
        )

    def elaborate(self, platform):
        m = Module()
        steps = self.config.dw_lines > 0
        swap = self.swap_in | self.swap_now if steps else self.swap_in
        m.submodules.mac = mac = self.mac.create(hold=steps)
        m.d.comb += [
            mac.input.eq(self.a_in),
            mac.weight.eq(held_weight(m, self, swap)),
            mac.sum_in.eq(self.sum_in),
            self.sum_out.eq(mac.sum_out),
        ]
        element = data_register(m, self.a_out, "element")
        m.d.sync += element.eq(self.a_in)
        m.d.comb += self.swap_out.eq(own_register(m, "swap", self.swap_in, platform))
        if self.config.stochastic:
            m.d.comb += mac.random.eq(self.random_in)
            m.d.sync += self.random_out.eq(self.random_in.rotate_left(TURN))
        if steps:
            m.d.comb += mac.hold.eq(self.hold)
            with m.If(self.line):
                m.d.sync += element.eq(self.a_line)
        return m


def held_weight(m: Module, pe, swap: Value, name: str = "") -> Signal:
    """The weight at work, behind the waiting one and the one on its way down, of an element with
    the members of a :class:`PE`."""
    passing, shadow, active = (
        Signal.like(pe.w_in, name=f"{x}{name}", reset_less=True)
        for x in ("passing", "shadow", "active")
    )
    clears = "clear" in pe.signature.members  # by the register's own reset
    m.d.comb += pe.w_out.eq(passing)
    with m.If(pe.shift):
        m.d.sync += passing.eq(pe.w_in)
    if clears:
        with m.If(pe.clear):
            m.d.sync += passing.eq(0)
    with m.If(pe.capture):
        m.d.sync += shadow.eq(passing)
    with m.If(swap):
        m.d.sync += active.eq(shadow)
    return active
