"""Numbers to logarithmic ones."""

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value, signed

from .log import exponents_of, octave
from .pack_unit import PackUnit
from .rom import rom
from .to24 import exponents


class PackLogUnit(PackUnit):
    """The border between two neighbouring values lies halfway; a table over the highest bits of the
    significand, so many that no two borders have the same, holds the place within the octave and
    the rest of the border, if there is one, with which the other bits are compared.

    A tie goes to the odd field: to the even place in the list of all values, in which zero's is
    odd. From half the least number on, nothing becomes zero.
    """

    @property
    def borders(self) -> list[int]:
        """Between the values of an octave and the next one, in units of 2**-(man + 1)."""
        words = octave(self.target) if self.target.fraction else [1 << self.target.man]
        return [a + b for a, b in zip(words, [*words[1:], 2 << self.target.man], strict=True)]

    def table(self) -> tuple[int, list[tuple[int, int, int]]]:
        """Address bits, and (place, whether there is a border, its other bits) by address."""
        bits = self.target.man + 1
        borders = [border - (1 << bits) for border in self.borders]
        high = next(
            n for n in range(bits + 1) if len({b >> bits - n for b in borders}) == len(borders)
        )
        words, place = [], 0
        for start in range(0, 1 << bits, 1 << bits - high):
            here = [b - start for b in borders if 0 <= b - start < 1 << bits - high]
            words.append((place, len(here), *here, 0)[:3])
            place += len(here)
        return high, words

    @property
    def field(self):
        """Shape of a field that no limit holds."""
        fmt, reach = self.target, exponents(self.parameters.source)
        ends = [(e << fmt.fraction) + fmt.bias for e in (reach.start, reach.stop)]
        return signed(max(abs(end) for end in ends).bit_length() + 2)

    def middle(self) -> dict:
        flags = ("up", "some", "least", "over", "sign", "nan")
        return {"field": self.field} | dict.fromkeys(flags, 1)

    def aligned(self, m: Module) -> dict:
        i, fmt, source = self.i, self.target, self.parameters.source
        high, words = self.table()
        bits = fmt.man + 1
        frame = Cat(Const(0, max(bits - (source.bits - 1), 0)), i.significand[:-1])
        low, tail = frame[: len(frame) - high], frame[: len(frame) - bits]
        width = bits - high
        packed = [place | has << fmt.fraction + 1 | rest << fmt.fraction + 2
                  for place, has, rest in words]  # fmt: skip
        address = frame[len(frame) - high :]
        word = rom(m, "borders", packed, fmt.fraction + 2 + width, address)
        place, has, rest = (
            word[: fmt.fraction + 1],
            word[fmt.fraction + 1],
            word[fmt.fraction + 2 :],
        )
        field, border, up = Signal(self.field), Signal(len(low)), Signal()
        m.d.comb += [
            field.eq((i.exponent << fmt.fraction) + place + fmt.bias),
            border.eq(Cat(Const(0, len(tail)), rest)),
            up.eq(has & ((low > border) | ((low == border) & ~field[0]))),
        ]
        nan, infinite = self.specials()
        return {
            "field": field,
            "up": up,
            "some": i.significand[-1],
            "least": self._from_half_the_least(frame),
            "over": infinite,
            "sign": i.sign,
            "nan": nan,
        }

    def _from_half_the_least(self, frame: Value) -> Value:
        """Whether the least number is at most twice as large."""
        fmt, exponent = self.target, self.i.exponent
        least = exponents_of(fmt).start - 1
        first = int(fmt.decode(1) * 2.0 ** (fmt.man - least - 1)) - (1 << fmt.man)
        reaches = frame[len(frame) - fmt.man :] >= first if fmt.man else 1
        return (exponent > least) | ((exponent == least) & reaches)

    def finish(self, m: Module, x) -> Value:
        fmt, most = self.target, (1 << self.target.width - 1) - 1
        total, size = Signal(signed(len(x.field) + 1)), Signal(fmt.width - 1)
        m.d.comb += total.eq(x.field + x.up)
        with m.If(x.over | (x.some & (total > most))):
            m.d.comb += size.eq(most)
        with m.Elif(x.some):
            m.d.comb += size.eq(Mux(total > 0, total, x.least))
        code = Cat(size, x.sign & size.any())
        return Mux(x.nan, fmt.nan_code, code)
