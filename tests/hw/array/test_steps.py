"""Depthwise steps through the mesh, among ordinary rows, against numpy."""

import numpy as np
import pytest

from hw.array.mesh import Mesh
from tests.support.plain import PLAIN
from tests.support.streams import never, put, simulate, stalls

TINY = PLAIN["tiny"].replace(name="steps", depthwise=True)
CONFIGS = {dim: TINY.replace(dim=dim) for dim in (3, 4, 6, 9)}


class Jobs:
    """Weight tiles and inputs to send, and the results that should come out."""

    def __init__(self, config, rng, change=0.5):
        self.config, self.rng, self.change = config, rng, change
        self.weights, self.inputs, self.wanted = [], [], []
        self.now = None

    def _draw(self, *shape):
        return self.rng.integers(-128, 128, shape)

    def _tile(self):
        """Perhaps new weights: all rows, so that rows and steps may share them."""
        load = self.now is None or self.rng.random() < self.change
        if load:
            self.now = self._draw(self.config.dim, self.config.dim)
            last = self.config.dim - 1
            rows = self.now[::-1].tolist()
            self.weights += [{"lanes": r, "last": n == last} for n, r in enumerate(rows)]
        return load

    def _send(self, tag_wanted, **fields):
        self.inputs.append(fields | {"tag": len(self.inputs) & 0xFFFF})
        if tag_wanted is not None:
            self.wanted.append((tag_wanted.tolist(), self.inputs[-1]["tag"]))

    def rows(self):
        load, count = self._tile(), int(self.rng.integers(1, 6))
        for n in range(count):
            a, d = self._draw(self.config.dim), self._draw(self.config.dim)
            self._send(a @ self.now + d, a=a.tolist(), d=d.tolist(), swap=load and n == 0)

    def line(self):
        load, lines = self._tile(), self.config.dw_lines
        count = int(self.rng.integers(3, 10))
        pixels = self._draw(count, lines, self.config.dim)
        for n in range(count):
            wanted = n >= 2 and (n == count - 1 or self.rng.random() < 0.7)
            out = None
            if wanted:
                window = pixels[n - 2 : n + 1]  # tap, line, lane
                taps = self.now[: 3 * lines].reshape(lines, 3, -1)
                out = np.einsum("tlj,ltj->j", window, taps)
            fields = dict(zip("adx", pixels[n].tolist(), strict=False))
            flags = {"swap": load and n == 0, "wanted": wanted, "end": n == count - 1}
            self._send(out, **fields, **flags, step=1)


def run(config, jobs, stall):
    """Results with tags, and the cycle in which each input was accepted and each result left."""
    dut = Mesh(config, tag_shape=16)
    got, accepted, left = [], [], []

    async def send_weights(ctx):
        await put(ctx, dut.weights, jobs.weights, stall(1))

    async def send_inputs(ctx):
        await put(ctx, dut.inputs, jobs.inputs, stall(2))

    async def watch(ctx):
        cycle = 0
        while len(got) < len(jobs.wanted):
            _, _, taken, ready, valid, row = await ctx.tick().sample(
                dut.inputs.valid, dut.inputs.ready, dut.results.valid, dut.results.payload
            )
            if taken and ready:
                accepted.append(cycle)
            if valid:
                left.append(cycle)
                got.append(([int(x) for x in row.lanes], int(row.tag)))
            cycle += 1

    simulate(dut, watch, send_weights, send_inputs)
    return got, accepted, left


@pytest.mark.parametrize("dim", CONFIGS)
@pytest.mark.parametrize("chance", [0.0, 0.3])
def test_rows_and_lines_equal_numpy(dim, chance):
    config = CONFIGS[dim]
    rng = np.random.default_rng(dim)
    jobs = Jobs(config, rng)
    for _ in range(40):
        (jobs.line if rng.random() < 0.6 else jobs.rows)()
    got, _, _ = run(config, jobs, lambda salt: stalls(salt, chance) if chance else never)
    assert got == jobs.wanted


@pytest.mark.parametrize("dim", CONFIGS)
def test_one_step_per_cycle_over_lines_with_the_promised_latency(dim):
    config = CONFIGS[dim]
    jobs = Jobs(config, np.random.default_rng(0), change=0)
    for _ in range(5):
        jobs.line()
    count = len(jobs.inputs)
    got, accepted, left = run(config, jobs, lambda salt: never)
    assert got == jobs.wanted
    assert accepted == list(range(accepted[0], accepted[0] + count))
    delay = 3 * (config.dw_lines - 1) + 3
    assert left == [accepted[tag] + delay for _, tag in got]
