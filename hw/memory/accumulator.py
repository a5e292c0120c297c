"""The accumulator memory: rows that can be added to."""

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, flipped

from ..arith.mac import Add
from ..config import Config
from .banked import BankedRows
from .local import (
    AccReadPort,
    AccWrite,
    RowWrite,
    acc_row,
    read_buffered,
    registered,
    unhurried,
    write_latency,
)


class Stage:
    """A row on its way through the pipeline; one that is not valid means nothing."""

    def __init__(self, config: Config, shape: data.ArrayLayout, name: str):
        self.valid = Signal(name=f"{name}_valid")
        self.write = Signal(RowWrite(config, shape), name=f"{name}_write", reset_less=True)


class AccumulatorMemory(wiring.Component):
    """`acc_rows` rows of `dim` accumulator elements, with one read-add-write pipeline.

    ::

        results --+-> read old row -> (register) -> add, registers -> write
        load -----+ (accumulating)
        load ------- (overwriting) --------------------------------> write, where the bank is free

    A write is seen by reads requested `write_latency` cycles later. Results never wait: whoever
    sends them keeps `write_latency` cycles between two accumulations onto the same row. The load
    port waits by itself while a write to its row is on its way. Rows that overwrite are added to
    the neutral element, and where rows go one at a time (:func:`.local.unhurried`), loads that
    overwrite pass the pipeline, too.

    Members
    -------
    results, load : In(AccWrite)
        Where registers stand around the array, no bit of the results' mask is set while there are
        none.
    store : In(AccReadPort)
    """

    def __init__(self, config: Config, guarded: bool = False):
        self.config = config
        self.guarded = guarded
        self.one_way = unhurried(config)
        super().__init__(
            {
                "results": In(AccWrite(config)),
                "load": In(AccWrite(config)),
                "store": In(AccReadPort(config)),
            }
        )

    def elaborate(self, platform):
        m = Module()
        config = self.config
        shape, early = acc_row(config), registered(config)
        add = Add(config.accumulator, config.mac_stages)
        m.submodules.banks = banks = BankedRows(
            config,
            shape,
            rows=config.acc_rows,
            banks=config.acc_banks,
            readers=1,
            writers=1 if self.one_way else 2,
            single=[0] if self.one_way else [],
            absent=add.neutral,
            guarded=self.guarded,
            before=early,
            behind=early,
        )
        read_buffered(m, "store", flipped(self.store), banks.reads[0], self.one_way)
        stages = [Stage(config, shape, f"stage{n}") for n in range(2 + early + add.latency)]
        if early:
            stages.insert(0, Stage(config, shape, "entered"))
        entering = self._enter(m, banks, stages)
        for before, stage in zip((entering, *stages), stages, strict=False):
            m.d.sync += [stage.valid.eq(before.valid), stage.write.eq(before.write)]
        if early:
            entering = stages.pop(0)
        reading, ready = stages[1 + early].write, stages[-1]
        m.d.comb += [
            banks.peek.eq(entering.valid & entering.write.accumulate),
            banks.peek_row.eq(entering.write.row),
            banks.writes[0].valid.eq(ready.valid),
            banks.writes[0].p.row.eq(ready.write.row),
            banks.writes[0].p.mask.eq(ready.write.mask),
        ]
        for lane in range(config.dim):
            m.submodules[f"add{lane}"] = adder = add.create()
            m.d.comb += [
                adder.x.eq(banks.peek_data[lane]),
                adder.y.eq(reading.lanes[lane]),
                banks.writes[0].p.lanes[lane].eq(adder.o),
            ]
        return m

    def _pending(self, m: Module, stages):
        """Whether load's row has to wait for a write to it; where registers stand around the array
        this is found in the cycle before, and a row always waits for that."""
        load, pending = self.load, Signal()
        early = registered(self.config)
        ahead = [(stage.valid, stage.write.row) for stage in stages]
        if early:
            youngest = ahead[: write_latency(self.config) - 2]  # of those that matter
            ahead = [(self.results.valid, self.results.p.row), *youngest]  # as they will be
        found = m.d.sync if early else m.d.comb
        found += pending.eq(Cat(valid & (row == load.p.row) for valid, row in ahead).any())
        if not early:
            return pending
        stood = Signal()
        m.d.sync += stood.eq(load.valid & ~load.ready)
        return pending | ~stood

    def _enter(self, m: Module, banks: BankedRows, stages):
        """What enters the pipeline: a result, or else a load that accumulates (or any)."""
        entering = Stage(self.config, acc_row(self.config), "entering")
        load = self.load
        pending = self._pending(m, stages)
        m.d.comb += [
            self.results.ready.eq(1),
            entering.valid.eq(self.results.valid),
            entering.write.eq(self.results.payload),
        ]
        with m.If(load.p.accumulate | self.one_way):
            m.d.comb += load.ready.eq(~pending & ~self.results.valid)
            with m.If(~self.results.valid):
                m.d.comb += [
                    entering.valid.eq(load.valid & ~pending),
                    entering.write.eq(load.payload),
                ]
            if registered(self.config):  # a lane by its own bit: there is one where it counts
                for n, lane in enumerate(entering.write.lanes):
                    result = self.results.p
                    m.d.comb += lane.eq(Mux(result.mask[n], result.lanes[n], load.p.lanes[n]))
        if self.one_way:
            return entering
        write = banks.writes[1]
        m.d.comb += write.payload.eq(load.payload)
        with m.If(~load.p.accumulate):
            m.d.comb += [
                write.valid.eq(load.valid & ~pending),
                load.ready.eq(write.ready & ~pending),
            ]
        return entering
