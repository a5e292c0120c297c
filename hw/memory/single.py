"""A memory that is read or written in a cycle, and several of them behind one port."""

from collections.abc import Sequence

from amaranth.hdl import Cat, ClockSignal, Const, Instance, Module, Mux, Signal
from amaranth.lib import memory, wiring
from amaranth.lib.wiring import In, Out

from ..arith.mac.chain import device
from .collisions import NO_COLLISIONS
from .port import MemoryPort, most_words, words_of

SPRAM_WORDS = 1 << 14
"""Of 16 bits, in an iCE40 UltraPlus' SB_SPRAM256KA (Lattice FPGA-TN-02022)."""


class SingleRam(wiring.Component):
    """`words` words of `width` bits; the word at `address` in the next cycle, unless it is written.
    With `init` it begins as that, otherwise as anything: on an iCE40 it is then made of SPRAM.

    Members
    -------
    address : In(range(words))
    mask : In(width // 8)
        Bytes to write.
    data : In(width), word : Out(width)
    """

    def __init__(self, width: int, words: int, init: Sequence[int] = ()):
        self.width = width
        self.words = words
        self.init = list(init)
        super().__init__(
            {
                "address": In(range(words)),
                "mask": In(width // 8),
                "data": In(width),
                "word": Out(width),
            }
        )

    def elaborate(self, platform):
        m = Module()
        if not self.init and device(platform).startswith("UP5K"):
            self._spram(m)
            return m
        m.submodules.storage = storage = memory.Memory(
            shape=self.width, depth=self.words, init=self.init, attrs=NO_COLLISIONS
        )
        read, write = storage.read_port(), storage.write_port(granularity=8)
        m.d.comb += [
            read.addr.eq(self.address),
            read.en.eq(~self.mask.any()),
            write.addr.eq(self.address),
            write.data.eq(self.data),
            write.en.eq(self.mask),
            self.word.eq(read.data),
        ]
        return m

    def _spram(self, m: Module):
        """Blocks side by side, and in as many rows as there have to be."""
        rows = -(-self.words // SPRAM_WORDS)
        bits = SPRAM_WORDS.bit_length() - 1
        row, chosen = Signal(range(rows)), self.address[bits:]
        m.d.sync += row.eq(chosen)
        words = []
        for r in range(rows):
            here = Const(1, 1) if rows == 1 else chosen == r
            word = Signal(self.width, name=f"word{r}")
            for half in range(self.width // 16):
                enables = self.mask[2 * half : 2 * half + 2]
                m.submodules[f"block{r}_{half}"] = Instance(
                    "SB_SPRAM256KA",
                    i_CLOCK=ClockSignal(),
                    i_ADDRESS=Cat(self.address[:bits], Const(0, bits))[:bits],
                    i_DATAIN=self.data.word_select(half, 16),
                    i_MASKWREN=Cat(enables[0].replicate(2), enables[1].replicate(2)),
                    i_WREN=enables.any() & here,
                    i_CHIPSELECT=Const(1, 1),
                    i_STANDBY=Const(0, 1),
                    i_SLEEP=Const(0, 1),
                    i_POWEROFF=Const(1, 1),
                    o_DATAOUT=word.word_select(half, 16),
                )
            words.append(word)
        m.d.comb += self.word.eq(words[0])
        for r in range(1, rows):
            with m.If(row == r):
                m.d.comb += self.word.eq(words[r])


class SharedRam(wiring.Component):
    """A memory for each of the `regions`: (base, bytes, init), one access at a time.

    Sizes are powers of two, bases multiples of the largest. What lies outside answers with errors.
    A read's first word comes two cycles after it was taken, the next ones every other cycle; an
    acknowledgement in the cycle after. Reads go before writes that come in the same cycle.

    Members
    -------
    port : In(MemoryPort(width))
    """

    def __init__(self, width: int, regions: Sequence[tuple[int, int, Sequence[int]]]):
        self.width = width
        self.regions = tuple(regions)
        largest = max(size for _, size, _ in self.regions)
        for base, size, _ in self.regions:
            if size & (size - 1) or base % largest:
                raise ValueError(
                    f"SharedRam has {size:#x} bytes at {base:#x}; sizes are powers of two, and "
                    f"bases multiples of the largest, {largest:#x}"
                )
        self.words = largest * 8 // width
        super().__init__({"port": In(MemoryPort(width))})

    def elaborate(self, platform):
        m = Module()
        port, shift = self.port, (self.width // 8 - 1).bit_length()
        reads, writes, word = port.read_request, port.write_request, port.read_data
        address = Mux(reads.valid, reads.p.address, writes.p.address)
        number = Signal(range(2 * self.words))  # of the word; beyond the largest memory, too
        left = Signal(most_words(self.width))
        inside = Signal(len(self.regions))  # the region of the access, none outside
        stores = Signal()
        outside = self._memories(m, number, inside, stores)
        m.d.comb += [word.p.error.eq(outside), port.write_ack.payload.eq(outside)]
        with m.FSM(name="shared"):
            with m.State("IDLE"):
                m.d.comb += reads.ready.eq(1)
                m.d.sync += [
                    number.eq(address[shift : shift + len(number) - 1]),
                    left.eq(words_of(reads.p, self.width)),
                    inside.eq(Cat(self._holds(address, *region[:2]) for region in self.regions)),
                ]
                with m.If(writes.valid):
                    m.next = "STORE"
                with m.If(reads.valid):
                    m.next = "FETCH"
            with m.State("FETCH"):
                m.next = "GIVE"
            with m.State("GIVE"):
                m.d.comb += word.valid.eq(1)
                with m.If(word.ready):
                    m.d.sync += [number.eq(number + 1), left.eq(left - 1)]
                    m.next = "FETCH"
                    with m.If(left == 1):
                        m.next = "IDLE"
            with m.State("STORE"):
                m.d.comb += [stores.eq(1), writes.ready.eq(1)]
                m.next = "ACKNOWLEDGE"
            with m.State("ACKNOWLEDGE"):
                m.d.comb += port.write_ack.valid.eq(1)
                with m.If(port.write_ack.ready):
                    m.next = "IDLE"
        return m

    def _holds(self, address, base: int, size: int):
        low = (size - 1).bit_length()
        return address[low:] == base >> low

    def _memories(self, m: Module, number, inside, stores):
        """The memories; returns whether the word lies outside all of them."""
        port, beyond = self.port, []
        for n, (_, size, init) in enumerate(self.regions):
            words = size * 8 // self.width
            m.submodules[f"memory{n}"] = ram = SingleRam(self.width, words, init)
            beyond.append(inside[n] & number[words.bit_length() - 1 :].any())
            m.d.comb += [
                ram.address.eq(number),
                ram.data.eq(port.write_request.p.data),
                ram.mask.eq(Mux(stores & inside[n], port.write_request.p.mask, 0)),
            ]
            with m.If(inside[n]):
                m.d.comb += port.read_data.p.data.eq(ram.word)
        return Cat(beyond).any() | ~inside.any()
