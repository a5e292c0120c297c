"""Drive and collect streams in Amaranth's simulator, with seeded random stalls."""

import random
from collections.abc import Callable, Iterable

from amaranth.sim import Simulator

Stall = Callable[[], bool]


def never() -> bool:
    """No stalls: full rate."""
    return False


def stalls(seed: int, probability: float = 0.5) -> Stall:
    """A reproducible coin: True in `probability` of the cycles."""
    rng = random.Random(seed)
    return lambda: rng.random() < probability


async def put(ctx, stream, payloads: Iterable, stall: Stall = never, domain: str = "sync"):
    """Send every payload; between two of them wait while `stall()`."""
    for payload in payloads:
        while stall():
            await ctx.tick(domain)
        ctx.set(stream.payload, payload)
        ctx.set(stream.valid, 1)
        await ctx.tick(domain).until(stream.ready)
        ctx.set(stream.valid, 0)


async def get(
    ctx,
    stream,
    count: int,
    stall: Stall = never,
    when: list | None = None,
    domain: str = "sync",
) -> list:
    """Take `count` payloads; `when` collects the clock cycle (from the call) of each."""
    taken, cycle = [], 0
    while len(taken) < count:
        ready = not stall()
        ctx.set(stream.ready, ready)
        _, _, valid, payload = await ctx.tick(domain).sample(stream.valid, stream.payload)
        if ready and valid:
            taken.append(payload)
            if when is not None:
                when.append(cycle)
        cycle += 1
    ctx.set(stream.ready, 0)
    return taken


def simulate(
    dut,
    *testbenches,
    background=(),
    cycles: int = 100_000,
    vcd: str | None = None,
    times: int = 1,
):
    """Run testbenches until all end; AssertionError if they have not after `cycles` cycles. With
    `times` beyond 1 there are so many cycles of a clock ``array`` in one of the other."""
    sim = Simulator(dut)
    period = 1.2e-6
    sim.add_clock(period, phase=period)
    if times > 1:
        sim.add_clock(period / times, phase=period, domain="array")
    running = len(testbenches)

    def counted(testbench):
        async def run(ctx):
            nonlocal running
            await testbench(ctx)
            running -= 1

        return run

    for testbench in testbenches:
        sim.add_testbench(counted(testbench))
    for testbench in background:
        sim.add_testbench(testbench, background=True)

    def go():
        for _ in range(cycles):
            if not running:
                return
            sim.advance()
        raise AssertionError(f"{running} test benches still running after {cycles} steps")

    if vcd:
        with sim.write_vcd(vcd):
            go()
    else:
        go()
