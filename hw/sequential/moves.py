"""Rows between memory and the local memories, byte by byte: the states of mvin and mvout."""

from amaranth.hdl import Cat, Module, Mux

from ..control.states import UnitState


class Moves:
    """States of load and store; a part of :class:`.engine.Engine`, whose registers it uses.

    Rows of memory ascend, and blocks within a row. A byte goes from the word that came from memory
    to the row that is assembled, or from a row to the word that memory gets, in a cycle; one that
    an element becomes by scaling is waited for.
    """

    def _next_row(self, m: Module, rows, then: str):
        """Of memory; `then` follows the last one."""
        m.d.sync += self.offset.eq(self.offset + self.stride)
        m.next = "ADDRESS"
        with m.If(self._last_row(rows)):
            m.next = then
        with m.Else():
            m.d.sync += self.number.eq(self.number + 1)

    def _element(self, m: Module, after):
        """An element's last byte goes with `after`: count elements of the row and of the block."""
        with m.If(after):
            m.d.sync += [self.byte.eq(0), self.slot.eq(Mux(self.block_ends, 0, self.slot + 1))]
            m.d.sync += self.left.eq(self.left - (self.left != 0))
        with m.Else():
            m.d.sync += self.byte.eq(self.byte + 1)

    def _row(self, m: Module):
        """A row of memory begins."""
        op, request = self.load, self.memory.read_request

        def show(loading):
            self._show(m, "load", Mux(self.loads, loading, UnitState.IDLE))
            self._show(m, "store", Mux(self.loads, UnitState.IDLE, UnitState.ACTIVE))

        with m.State("ADDRESS"):  # stands in its register in the next cycle
            show(UnitState.ACTIVE)
            m.next = "ROW"
        with m.State("ROW"):
            show(UnitState.REQUESTS)
            m.d.comb += request.valid.eq(self.loads & ~op.zero)
            m.d.sync += [
                self.local.eq(self.base),
                self.left.eq(self.cols),
                self.skip.eq(self.address[: len(self.skip)]),
                *(counter.eq(0) for counter in (self.count, self.here, self.slot, self.byte)),
            ]
            with m.If(~self.loads):
                m.next = "PAD"
            with m.Elif(op.zero | request.ready):
                m.next = "BYTES"

    def _load(self, m: Module):
        op, memory = self.load, self.memory
        size = len(self.word) // 8
        with m.State("BYTES"):
            real = (self.left != 0) & ((self.byte == 0) | op.wide) & ~op.zero
            moves = ~real | (self.here & (self.skip == 0))
            last = (self.byte == self.acc_bytes - 1) | ~op.acc
            self._show(m, "load", Mux(moves, UnitState.ACTIVE, UnitState.MEMORY))
            m.d.comb += [
                self.from_word.eq(real),
                self.gathers.eq(moves),
                self.acc_read.en.eq(1),
                memory.read_data.ready.eq(real & ~self.here),
            ]
            with m.If(real & self.here):
                m.d.comb += self.word_moves.eq(1)
                m.d.sync += self.count.eq(self.count + 1)
                with m.If(self.count == size - 1):
                    m.d.sync += self.here.eq(0)
                with m.If(self.skip != 0):
                    m.d.sync += self.skip.eq(self.skip - 1)
                with m.Else():
                    m.d.sync += self.broken.eq(self.broken | self.word_error)
            with m.If(memory.read_data.valid & memory.read_data.ready):
                m.d.comb += self.word_comes.eq(1)
                m.d.sync += [self.here.eq(1), self.word_error.eq(memory.read_data.p.error)]
            with m.If(moves):
                self._element(m, last)
                m.d.sync += self.enters.eq(last)
                with m.If(last):
                    m.d.sync += self.mask.eq(Cat(self.mask[1:], self.left != 0))
                    with m.If(self.block_ends):
                        m.next = "JOIN"
        with m.State("JOIN"):  # the block's last element enters the lanes
            self._show(m, "load", UnitState.ACTIVE)
            m.d.comb += self.lanes.add.eq(op.accumulate)
            m.next = "WRITE"
        with m.State("WRITE"):
            self._show(m, "load", UnitState.ACTIVE)
            m.d.comb += [
                self.acc_write.en.eq(self.mask & (op.acc & ~self.broken).replicate(len(self.mask))),
                self.sp_write.en.eq(self.mask & (~op.acc & ~self.broken).replicate(len(self.mask))),
            ]
            m.d.sync += [self.broken.eq(0), self.failed.eq(self.failed | self.broken)]
            self._step(m, op.block_stride)
            m.next = "BYTES"
            with m.If(self.left == 0):
                self._next_row(m, op.rows, "DONE")

    def _acknowledged(self, m: Module):
        """Acknowledgements, whenever they come."""
        ack = self.memory.write_ack
        m.d.comb += ack.ready.eq(1)
        with m.If(ack.valid):
            m.d.sync += [self.awaits.eq(0), self.failed.eq(self.failed | ack.payload)]

    def _store(self, m: Module):
        op, request = self.store, self.memory.write_request
        size = len(self.word) // 8

        def move(byte_counts):
            m.d.comb += [self.word_moves.eq(1), self.counts.eq(byte_counts)]
            m.d.sync += self.count.eq(self.count + 1)

        with m.State("PAD"):  # bytes before the row's first
            self._show(m, "store", UnitState.ACTIVE)
            m.d.sync += self.words.eq(0)
            with m.If(self.count == self.skip):
                m.next = "READ"
            with m.Else():
                move(0)
        with m.State("READ"):
            self._show(m, "store", UnitState.ROWS)
            m.d.comb += [self.sp_read.en.eq(~op.acc), self.acc_read.en.eq(op.acc)]
            m.next = "TAKE"
        with m.State("TAKE"):
            self._show(m, "store", UnitState.ROWS)
            m.d.comb += [self.takes.eq(1), self.lanes.step.eq(1)]
            m.d.comb += [self.lanes.zero.eq(1), self.lanes.add.eq(1)]
            m.next = "OUT"
        with m.State("OUT"):
            self._show(m, "store", UnitState.ACTIVE)
            last = (self.byte == self.acc_bytes - 1) | ~(op.acc & op.full)
            m.d.comb += self.leaves.eq(1)
            with m.If(self.there):
                move(1)
                self._element(m, last)
                m.d.comb += [self.row_moves.eq(1), self.lanes.shift.eq(1)]
                m.d.comb += self.lanes.step.eq(last)
                with m.If(last & self.block_ends):
                    self._step(m, self.config.dim)
                    m.next = "READ"
                with m.If(last & (self.left == 1)):
                    m.next = "FILL"
                with m.If(self.count == size - 1):
                    m.next = "SEND"
        with m.State("FILL"):  # bytes behind the row's last
            self._show(m, "store", UnitState.ACTIVE)
            move(0)
            with m.If(self.count == size - 1):
                m.next = "SEND"
        with m.State("SEND"):
            self._show(m, "store", UnitState.MEMORY)
            m.d.comb += request.valid.eq(~self.awaits)
            with m.If(request.valid & request.ready):
                m.d.sync += [self.awaits.eq(1), self.words.eq(self.words + 1)]
                m.next = "OUT"
                with m.If((self.slot == 0) & (self.byte == 0)):
                    m.next = "READ"
                with m.If(self.left == 0):
                    self._next_row(m, op.rows, "ACKNOWLEDGED")
        with m.State("ACKNOWLEDGED"):
            self._show(m, "store", UnitState.ACKS)
            with m.If(~self.awaits):
                m.next = "DONE"
