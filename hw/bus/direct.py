"""Commands through memory-mapped registers, from the registers straight to the accelerator."""

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In

from ..control.fields import responds
from ..soc.map import COMMAND
from .issue import issuing
from .registers import RegisterBus
from .replay import ALIGNED, COMMAND_BYTES

KEPT = ("rs1_low", "rs1_high", "rs2_low", "rs2_high")
"""In the order in which they lie in memory, behind funct and a spare word."""


class DirectPort(wiring.Component):
    """The registers of :data:`hw.soc.map.COMMAND` for accelerators that take a command when they
    are ready for it: there is no queue, and a list's commands pass the same registers.

    A write to `issue` ends when the accelerator has taken the command. Its response stays there
    until `response` is read, or goes unread with the next *issue*, *wait* or *run*. While a list is
    read, writes wait; its responses are dropped.

    Rate of a list: one request a command, six cycles for its words, one to hand it on.

    Members
    -------
    bus : In(RegisterBus())
    command, response, read_request, read_data, busy, error, hold, idle, fault, status
        As in :class:`~hw.bus.issue.Issuer`; a core whose stores have ended needs no `hold`, and
        `fault_address` is that of the word that could not be read.
    """

    def __init__(self, width: int):
        self.width = width
        super().__init__({"bus": In(RegisterBus()), **issuing(width)})

    def elaborate(self, platform):
        m = Module()
        self.kept = {name: Signal(32, name=name) for name in KEPT}
        self.funct = Signal(7)
        self.left, self.address = Signal(32), Signal(32)  # commands of a list, the next word
        self.piece = Signal(range(COMMAND_BYTES // 4))
        self.listing, self.sends, self.owes = Signal(), Signal(), Signal()
        command, kept, status = self.command, self.kept, self.status
        taken, recent = Signal(), Signal(2)  # the accelerator may not yet say that it is busy
        m.d.sync += recent.eq(Cat(taken, recent[0]))
        m.d.comb += [
            command.p.funct.eq(self.funct),
            command.p.rs1.eq(Cat(kept["rs1_low"], kept["rs1_high"])),
            command.p.rs2.eq(Cat(kept["rs2_low"], kept["rs2_high"])),
            taken.eq(command.valid & command.ready),
            self.idle.eq(~(self.listing | self.sends | taken | recent.any() | self.busy)),
            self.response.ready.eq(~self.owes),
            status.busy.eq(~self.idle),
            status.free.eq(~self.listing),
            status.error.eq(self.error),
            self.fault_address.eq(self.address),
        ]
        with m.If(taken):
            m.d.sync += [kept["rs1_high"].eq(0), kept["rs2_high"].eq(0)]
        self._bus(m, taken)
        self._list(m, taken)
        return m

    def _at(self, name: str, write: bool):
        bus = self.bus
        return bus.select & (bus.word == COMMAND.word(name)) & (bus.write == write)

    def _bus(self, m: Module, taken):
        """Accesses of the core."""
        bus, at = self.bus, self._at
        able = ~self.listing & ~self.sends
        m.d.comb += [bus.done.eq(~bus.write | able), bus.data_r.eq(self.status)]
        for name, register in self.kept.items():
            with m.If(at(name, True) & able):
                m.d.sync += register.eq(bus.data_w)
        with m.If(at("issue", True)):
            m.d.comb += bus.done.eq(self.sends & taken)
            with m.If(able):
                m.d.sync += [self.funct.eq(bus.data_w), self.sends.eq(1), self.owes.eq(0)]
        with m.If(self.sends & taken):
            m.d.sync += [self.sends.eq(0), self.owes.eq(responds(self.funct))]
        with m.If(at("wait", False)):
            m.d.comb += bus.done.eq(self.idle)
            m.d.sync += self.owes.eq(0)
        with m.If(at("response", False)):
            m.d.comb += [bus.data_r.eq(0), bus.done.eq(1)]
            with m.If(self.owes):
                m.d.comb += [bus.data_r.eq(self.response.payload), bus.done.eq(self.response.valid)]
                m.d.comb += self.response.ready.eq(1)
                m.d.sync += self.owes.eq(~self.response.valid)

    def _list(self, m: Module, taken):
        """A list's commands, one after the other."""
        request, word = self.read_request, self.read_data
        lanes = self.width // 32
        lane = self.address[2 : 2 + (lanes - 1).bit_length()]
        last = lane == lanes - 1 if lanes > 1 else 1
        value = word.p.data.word_select(lane, 32) if lanes > 1 else word.p.data
        whole = self.piece == COMMAND_BYTES // 4 - 1
        broken = Signal()  # a word of the command came with an error
        m.d.comb += [
            self.listing.eq(1),
            request.p.address.eq(self.address),
            request.p.bytes.eq(COMMAND_BYTES),
            self.command.valid.eq(self.sends),
        ]
        with m.FSM(name="list"):
            with m.State("IDLE"):
                m.d.comb += self.listing.eq(0)
                m.d.sync += self.piece.eq(0)
                with m.If(self._at("run", True) & ~self.sends):
                    m.d.sync += [
                        self.address.eq(self.kept["rs1_low"]),
                        self.left.eq(self.bus.data_w),
                        self.owes.eq(0),
                    ]
                    m.next = "CHECK"
            with m.State("CHECK"):
                m.next = "ASK"
                with m.If(self.address % ALIGNED != 0):
                    m.d.comb += self.fault.eq(1)
                    m.next = "IDLE"
                with m.Elif(self.left == 0):
                    m.next = "IDLE"
            with m.State("ASK"):
                m.d.comb += request.valid.eq(1)
                with m.If(request.ready):
                    m.next = "TAKE"
            with m.State("TAKE"):
                m.d.comb += word.ready.eq(last | whole)
                with m.If(word.valid):
                    m.d.sync += [
                        self.piece.eq(Mux(whole, 0, self.piece + 1)),
                        broken.eq((broken | word.p.error) & ~whole),
                        self.address.eq(self.address + 4),
                    ]
                    m.d.comb += self.fault.eq(word.p.error & ~broken)
                    self._keep(m, value)
                    with m.If(whole):
                        m.d.sync += self.left.eq(self.left - 1)
                        m.next = "SEND"
                        with m.If(broken | word.p.error):
                            m.next = "IDLE"
            with m.State("SEND"):
                m.d.comb += self.command.valid.eq(1)
                with m.If(taken):
                    m.next = "CHECK"

    def _keep(self, m: Module, value):
        """A word of a list in the register that it is for."""
        with m.If(self.piece == 0):
            m.d.sync += self.funct.eq(value)
        for n, register in enumerate(self.kept.values()):
            with m.If(self.piece == n + 2):
                m.d.sync += register.eq(value)
