"""Outputs that see padding only, against a look at every output by itself."""

import random

from amaranth.sim import Simulator

from hw.config import PRESETS
from hw.control.loops.conv_seen import Seen

BITS = 8


def test_leaves_out_what_sees_padding():
    dut = Seen(PRESETS["tiny"], BITS)
    rng = random.Random(3)

    async def look(ctx, **values):
        for name, value in values.items():
            ctx.set(getattr(dut, name), value)
        ctx.set(dut.looks, 1)
        await ctx.tick()
        ctx.set(dut.looks, 0)
        return {name: ctx.get(getattr(dut, name)) for name in ("none", "skipped", "rows", "lines")}

    async def bench(ctx):
        for _ in range(400):
            top, left = rng.randrange(4), rng.randrange(9)
            image = {"top": top, "bottom": top + rng.randrange(4), "left": left}
            image["right"] = left + rng.randrange(6)
            y, x, outputs = rng.randrange(8), rng.randrange(16), rng.randint(1, 4)
            by_row, by_column, doubles = (rng.randrange(2) for _ in range(3))
            at = {"y": y, "x": x, "outputs": outputs, "doubles": doubles}
            got = await look(ctx, **image, **at, by_row=by_row, by_column=by_column)
            lines = [image["top"] <= y + n < image["bottom"] for n in range(3)]
            assert got["lines"] == sum(1 << n for n in range(3) if lines[n])
            columns = (x + n * (1 + doubles) for n in range(outputs))
            inside = [n for n, c in enumerate(columns) if left <= c < image["right"]]
            seen = inside if by_column else list(range(outputs))
            if by_row and not lines[0]:
                seen = []
            assert got["none"] == (not seen)
            if seen:
                assert got["skipped"] == seen[0] and got["rows"] == len(seen)

    sim = Simulator(dut)
    sim.add_clock(1e-6)
    sim.add_testbench(bench)
    sim.run()
