"""Tiles through the array: the states of the computes."""

from amaranth.hdl import Module

from ..control.states import UnitState


class Tiles:
    """States of execute; a part of :class:`.engine.Engine`, whose registers it uses.

    A row of the scratchpad comes in the cycle after it was asked for, and goes where it was asked
    for: to the weights, to d or to x. Two cycles behind x the row's sums are in the lanes, and then
    in the accumulator memory, row after row; or they go element by element to the scratchpad.
    """

    def _fetch(self, m: Module, target: str, cols, exists=1):
        """A row for one of the array's registers; zeros if it does not exist."""
        m.d.comb += self.sp_read.en.eq(1)
        m.d.sync += [getattr(self, target).eq(1), self.limit.eq(0)]
        with m.If(exists):
            m.d.sync += self.limit.eq(cols)

    def _inputs(self, m: Module):
        """What comes next of a row of C."""
        m.next = "INPUTS"
        with m.If(self.execute.d_rows != 0):
            m.next = "ADDENDS"

    def _flow(self, m: Module):
        """Rows on their way through the array."""
        op, lanes = self.execute, self.lanes
        m.d.sync += [self.weights.eq(0), self.addends.eq(0), self.inputs.eq(0)]
        m.d.sync += [self.adds.eq(self.inputs), self.ready.eq(self.adds)]
        m.d.sync += [self.target1.eq(self.target), self.target2.eq(self.target1)]
        with m.If(self.inputs):
            m.d.comb += self.acc_read.en.eq(op.c_acc)
            with m.If(op.c_acc):
                m.d.sync += self.target.eq(self.target + op.c_stride)
        with m.If(self.adds):
            m.d.comb += [lanes.step.eq(1), lanes.add.eq(op.c_acc & op.c_accumulate)]
        with m.If(self.ready & op.c_acc):
            m.d.comb += self.acc_write.en.eq(self.lane_mask)

    def _execute(self, m: Module):
        op, lanes = self.execute, self.lanes
        with m.State("WEIGHTS"):
            self._show(m, "execute", UnitState.WEIGHTS)
            m.d.comb += self.sp_read.en.eq(1)
            m.d.sync += [self.weights.eq(1 << self.number), self.limit.eq(op.b_cols)]
            m.d.sync += self.number.eq(self.number + 1)
            self._step(m, 1)
            with m.If(self._last_row(op.k)):
                m.d.sync += self.number.eq(0)
                m.next = "START"
        with m.State("START"):
            self._show(m, "execute", UnitState.ROWS)
            m.d.comb += self.starting.eq(1)
            m.d.sync += [self.local.eq(self.base), self.target.eq(op.c_row)]
            m.next = "CLEAR"
            with m.If(op.c_rows == 0):
                m.next = "DONE"
        with m.State("CLEAR"):  # d, for tiles that have none
            self._show(m, "execute", UnitState.ROWS)
            m.d.sync += [self.addends.eq(1), self.limit.eq(0)]
            self._inputs(m)
        with m.State("ADDENDS"):
            self._show(m, "execute", UnitState.ROWS)
            m.d.comb += self.adding.eq(1)
            self._fetch(m, "addends", op.d_cols, self.number < op.d_rows)
            m.next = "INPUTS"
        with m.State("INPUTS"):
            self._show(m, "execute", UnitState.ACTIVE)
            self._fetch(m, "inputs", op.a_cols, self.number < op.a_rows)
            self._step(m, op.a_stride)
            m.d.sync += self.number.eq(self.number + 1)
            self._inputs(m)
            with m.If(~op.c_acc):
                m.next = "SUMS"
            with m.Elif(self._last_row(op.c_rows)):
                m.next = "DRAIN"
        with m.State("SUMS"):
            self._show(m, "execute", UnitState.ROWS)
            m.d.sync += self.slot.eq(0)
            with m.If(self.ready):
                m.next = "NARROW"
        with m.State("NARROW"):
            self._show(m, "execute", UnitState.ROWS)
            m.d.comb += [self.narrows.eq(1), self.gathers.eq(1)]
            m.d.comb += [lanes.step.eq(1), lanes.shift.eq(1)]
            m.d.sync += self.slot.eq(self.slot + 1)
            with m.If(self.block_ends):
                m.next = "PUT"
        with m.State("PUT"):
            self._show(m, "execute", UnitState.ROWS)
            m.d.comb += self.sp_write.en.eq(self.lane_mask)
            m.d.sync += self.target.eq(self.target + op.c_stride)
            self._inputs(m)
            with m.If(self.number == op.c_rows):
                m.next = "DONE"
        with m.State("DRAIN"):
            self._show(m, "execute", UnitState.DRAIN)
            with m.If(~(self.inputs | self.adds)):
                m.next = "DONE"
