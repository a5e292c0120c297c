"""What proofs of local memories look at: the ports of their banks, and the rows on their way."""

from amaranth.hdl import Cat, Signal

from hw.memory.banked import BankedRows
from tests.formal.board import total


class Watched(BankedRows):
    """Remembers the ports of its banks (fixture `watched` puts it into the memories)."""

    made = []

    def _write_side(self, m, ports):
        self.write_ports = ports
        super()._write_side(m, ports)

    def _write_in_turn(self, m, ports):
        self.write_ports = ports
        super()._write_in_turn(m, ports)

    def _read_side(self, m, ports):
        self.read_ports = ports
        self.made.append(self)
        super()._read_side(m, ports)

    def meet(self, row):
        """Whether `row` is read from its bank while it is written."""
        address, bank = row[self.bank_bits :], row[: self.bank_bits]
        return Cat(
            (bank == n) & read.en & (read.addr == address) & w.en.any() & (w.addr == address)
            for n, (read, w) in enumerate(zip(self.read_ports, self.write_ports, strict=True))
        ).any()

    def asked(self, m, inside, n: int, name: str, port):
        """(valid, row) of what reader `n` of a memory has asked for at its `port`, up to the bank:
        there, in the two places of a buffer or in the only one, and in the bank's own register."""
        last = self.reads[n].request
        asked = [(s.valid, s.payload) for s in (port.request, last)]
        if n not in self.single:
            asked.append([inside.signal(f"{name}_requests.{part}") for part in SPARE])
        if self.before:
            there = Signal(name=f"{name}_granted")
            row = Signal.like(last.payload, name=f"{name}_granted_row")
            m.d.sync += [there.eq(goes(last)), row.eq(last.payload)]
            asked.append((there, row))
        return asked

    def under_way(self, inside, n: int):
        """What is known of reader `n` behind registers: its rows under way, and those it may ask
        for, agree."""
        answer = f"banks.answer{n}"
        if n in self.single:
            late = [inside.signal(f"{answer}.late{cycle}_1") for cycle in range(3)]
            one = total([*late, inside.signal(f"{answer}.o__valid")])
            return inside.signal(f"{answer}.waits") == one
        late = [inside.signal(f"{answer}.{name}") for name in ("late0_1", "late1_1", "valid")]
        used, level, produce, consume = (
            inside.signal(f"banks.{name}")
            for name in (f"used{n}", *(f"queue{n}.{part}" for part in QUEUE))
        )
        agree = [bits & (bits + 1) == 0 for bits in (used, level)]
        agree.append(total(used) == total([*level, *late]))
        agree.append((consume + total(level))[: len(produce)] == produce)
        return Cat(agree).all()


QUEUE = ("level", "produce", "consume")
SPARE = ("spare_valid", "spare")


def goes(s):
    """A stream's payload is taken in this cycle."""
    return s.valid & s.ready


def among(asked, row):
    """Whether `row` is one of those asked for."""
    return Cat(there & (wanted == row) for there, wanted in asked).any()
