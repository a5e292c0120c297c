import os

import pytest

from hw.config import Config
from hw.control.decoder import Decoder
from hw.formats import Int
from hw.isa import COMMANDS, GARBAGE, GROUPS, Command, ErrorCode, Local, encode, float_bits
from sim.programs.configs import random_config
from tests.hw.control.commands import Drawn, Reference, number
from tests.support.plain import NOTHING, PLAIN
from tests.support.streams import never, simulate, stalls

TINY = PLAIN["tiny"]
ODD = Config(
    name="odd",
    dim=3,
    bus_width=32,
    mvin_scale=False,
    counters=2,
    **NOTHING | {"sp_banks": 2, "sp_bank_rows": 16, "acc_bank_rows": 8},
)
NARROW = Config(  # 64 blocks in one move
    name="narrow",
    dim=4,
    input=Int(2),
    weight=Int(2),
    output=Int(2),
    accumulator=Int(8),
    sp_banks=8,
    sp_bank_rows=1 << 10,
    acc_bank_rows=512,
    **NOTHING,
)
ACC, FULL, ADD = Local.ACC, Local.FULL, Local.ACCUMULATE
ONE = float_bits(1.0)
COUNTER = encode("counter").funct
UNITS = ("load", "execute", "store")


def plain(payload):
    """A Dispatch as ``(unit, fields of the op, valid reads, write)`` of plain numbers."""
    op = getattr(payload.op, UNITS[payload.unit])
    fields = {name: number(getattr(op, name)) for name in op.shape().members}
    spans = [
        {name: int(getattr(s, name)) for name in ("valid", "acc", "first", "last")}
        for s in (*payload.reads, payload.write)
    ]
    reads = [s for s in spans[:3] if s["valid"]]
    return payload.unit, fields, reads, spans[3] if spans[3]["valid"] else None


def decode(config, commands, stall=(never, never, never)):
    """Outcome of each command by its index, and the cycle in which each was accepted."""
    dut = Decoder(config)
    outcomes, accepted = {}, []

    async def bench(ctx):
        sent, cycle, holds = 0, 0, False
        while sent < len(commands) or ctx.get(dut.busy):
            holds = holds or (sent < len(commands) and not stall[0]())
            if holds:
                command = commands[sent]
                ctx.set(dut.i.p, {"funct": command.funct, "rs1": command.rs1, "rs2": command.rs2})
            ctx.set(dut.number, sent)
            ctx.set(dut.i.valid, holds)
            ctx.set(dut.o.ready, not stall[1]())
            ctx.set(dut.special.ready, not stall[2]())
            index = ctx.get(dut.index)
            if ctx.get(dut.error.valid):
                assert ctx.get(dut.error.index) == index and index not in outcomes
                outcomes[index] = ("error", int(ctx.get(dut.error.code)))
            if ctx.get(dut.special.valid) and ctx.get(dut.special.ready):
                assert index not in outcomes
                outcomes[index] = ("special", ctx.get(dut.special.p.funct))
            if ctx.get(dut.o.valid) and ctx.get(dut.o.ready):
                assert index not in outcomes
                outcomes[index] = ("op", *plain(ctx.get(dut.o.payload)))
            if holds and ctx.get(dut.i.ready):
                accepted.append(cycle)
                sent, holds = sent + 1, False
            cycle += 1
            await ctx.tick()

    simulate(dut, bench, cycles=20 * len(commands) + 1000)
    return [outcomes.get(n) for n in range(len(commands))], accepted


def agree(expected, got):
    """Whether an outcome is what was expected, in the fields that matter."""
    if expected is None or expected[0] != "op" or got is None or got[0] != "op":
        return expected == got
    _, unit, fields, reads, write = expected
    _, got_unit, got_fields, got_reads, got_write = got
    for name in "ad":
        used = fields.get(f"{name}_read")
        if used is not None and got_fields["c_rows"]:
            if bool(got_fields[f"{name}_rows"] and got_fields[f"{name}_cols"]) != bool(used):
                return False
    same = all(got_fields[k] == v for k, v in fields.items() if not k.endswith("_read"))
    order = lambda spans: sorted((s["first"], s["last"], s["acc"]) for s in spans)  # noqa: E731
    return (unit, order(reads), write) == (got_unit, order(got_reads), got_write) and same


def code(config, *commands):
    """The error code of the last of some commands."""
    outcome = decode(config, list(commands))[0][-1]
    return ErrorCode(outcome[1]) if outcome and outcome[0] == "error" else ErrorCode.NONE


def tile(**fields):
    return {"rows": 1, "cols": 1} | fields


def compute(a_addr=GARBAGE, d_addr=GARBAGE, **fields):
    extents = {f"{name}_{what}": 1 for name in "ad" for what in ("rows", "cols")}
    return encode("compute_preloaded", **(extents | fields), a_addr=a_addr, d_addr=d_addr)


def preload(b_addr=GARBAGE, c_addr=GARBAGE, **fields):
    extents = {f"{name}_{what}": 1 for name in "bc" for what in ("rows", "cols")}
    return encode("preload", **(extents | fields), b_addr=b_addr, c_addr=c_addr)


SP, AC = TINY.sp_rows, TINY.acc_rows  # 4096 and 512 rows of 4 elements
STRIDE = encode("config_ld", scale=ONE, block_stride=100)
A_STRIDE = encode("config_ex", dataflow=1, a_stride=9, c_stride=1)
C_STRIDE = encode("config_ex", dataflow=1, a_stride=1, c_stride=9)
N, SIZE, ADDRESS = ErrorCode.NONE, ErrorCode.BAD_SIZE, ErrorCode.BAD_ADDRESS
LATER, OVERLAP = ErrorCode.NOT_SUPPORTED, ErrorCode.OVERLAP

LIMITS = {
    "unknown funct": ([Command(99)], ErrorCode.BAD_FUNCT),
    "flush": ([encode("flush", skip=1)], N),
    "mvin last row": ([encode("mvin", local=SP - 4, **tile(rows=4))], N),
    "mvin beyond": ([encode("mvin", local=SP - 3, **tile(rows=4))], ADDRESS),
    "mvin high row bits": ([encode("mvin", local=1 << 25, **tile())], ADDRESS),
    "mvin ignored flags": ([encode("mvin", local=ADD | FULL | 7 << 26, **tile())], N),
    "mvin acc last row": ([encode("mvin2", local=ACC | AC - 4, **tile(rows=4))], N),
    "mvin acc beyond": ([encode("mvin2", local=ACC | AC - 3, **tile(rows=4))], ADDRESS),
    "mvin garbage": ([encode("mvin3", local=GARBAGE, **tile())], ADDRESS),
    "mvin garbage and too large": ([encode("mvin", local=GARBAGE, rows=9, cols=1)], ADDRESS),
    "mvin rows": ([encode("mvin", rows=5, cols=1)], SIZE),
    "mvin most cols": ([encode("mvin", rows=1, cols=64)], N),
    "mvin too many cols": ([encode("mvin", rows=1, cols=65)], SIZE),
    "mvin most wide cols": ([encode("mvin", local=ACC, rows=1, cols=16)], N),
    "mvin too many wide cols": ([encode("mvin", local=ACC, rows=1, cols=17)], SIZE),
    "mvin size before address": ([encode("mvin", local=SP, rows=5, cols=1)], SIZE),
    "mvin of nothing anywhere": ([encode("mvin", local=SP + 9, rows=0, cols=4)], N),
    "mvin no columns, too many rows": ([encode("mvin", rows=5, cols=0)], SIZE),
    "mvin shrunk cols": (
        [encode("config_ld", shrunk=1, scale=ONE), encode("mvin", local=ACC, rows=1, cols=64)],
        N,
    ),
    "mvin blocks last": ([STRIDE, encode("mvin", local=SP - 303, rows=3, cols=16)], N),
    "mvin blocks beyond": ([STRIDE, encode("mvin", local=SP - 302, rows=3, cols=16)], ADDRESS),
    "mvin far stride": (
        [encode("config_ld", scale=ONE, block_stride=65535), encode("mvin", rows=1, cols=64)],
        ADDRESS,
    ),
    "mvout last row": ([encode("mvout", local=SP - 8, rows=4, cols=8)], N),
    "mvout beyond": ([encode("mvout", local=SP - 7, rows=4, cols=8)], ADDRESS),
    "mvout full cols": ([encode("mvout", local=ACC | FULL, rows=1, cols=4)], N),
    "mvout too many full cols": ([encode("mvout", local=ACC | FULL, rows=1, cols=5)], SIZE),
    "mvout sp full is no matter": ([encode("mvout", local=FULL, rows=1, cols=64)], N),
    "mvout norm": ([encode("mvout", local=ACC | 1 << 26, **tile())], LATER),
    "mvout norm first": ([encode("mvout", local=ACC | 1 << 26, rows=9, cols=1)], LATER),
    "mvout sp norm is no matter": ([encode("mvout", local=1 << 26, **tile())], N),
    "mvout garbage": ([encode("mvout", local=GARBAGE, **tile())], ADDRESS),
    "mvout rows": ([encode("mvout", rows=5, cols=1)], SIZE),
    "preload last B": ([preload(SP - 4, b_rows=4)], N),
    "preload B beyond": ([preload(SP - 3, b_rows=4)], ADDRESS),
    "preload B of no columns": ([preload(SP - 3, b_rows=4, b_cols=0)], N),
    "preload B in acc": ([preload(ACC, b_rows=0)], ADDRESS),
    "preload extent": ([preload(b_cols=5)], SIZE),
    "preload size first": ([preload(ACC, c_rows=5)], SIZE),
    "preload C last": ([C_STRIDE, preload(c_addr=ACC | AC - 28, c_rows=4)], N),
    "preload C beyond": ([C_STRIDE, preload(c_addr=ACC | AC - 27, c_rows=4)], ADDRESS),
    "preload C sp beyond": ([C_STRIDE, preload(c_addr=SP - 27, c_rows=4)], ADDRESS),
    "compute last A": ([A_STRIDE, compute(SP - 28, a_rows=4)], N),
    "compute A beyond": ([A_STRIDE, compute(SP - 27, a_rows=4)], ADDRESS),
    "compute A of no rows": ([compute(SP + 5, a_rows=0)], N),
    "compute A in acc": ([compute(ACC)], ADDRESS),
    "compute last D": ([compute(d_addr=SP - 4, d_rows=4)], N),
    "compute D beyond": ([compute(d_addr=SP - 3, d_rows=4)], ADDRESS),
    "compute D in acc": ([compute(d_addr=ACC, d_rows=0)], ADDRESS),
    "compute extent": ([compute(d_cols=5)], SIZE),
    "C on A": ([preload(c_addr=20, c_rows=4), compute(20, a_rows=2)], N),
    "C below A": ([preload(c_addr=20, c_rows=4), compute(23, a_rows=4)], OVERLAP),
    "C just below A": ([preload(c_addr=20, c_rows=4), compute(24, a_rows=4)], N),
    "C on A, other stride": ([A_STRIDE, preload(c_addr=20), compute(20)], OVERLAP),
    "C above D": ([preload(c_addr=23, c_rows=4), compute(d_addr=20, d_rows=4)], OVERLAP),
    "C just above D": ([preload(c_addr=24, c_rows=4), compute(d_addr=20, d_rows=4)], N),
    "C of no columns": ([preload(c_addr=20, c_cols=0), compute(20, a_rows=4)], N),
    "C in acc": ([preload(c_addr=ACC | 20, c_rows=4), compute(23, a_rows=4)], N),
    "failed preload leaves nothing": (
        [preload(c_addr=20), preload(c_addr=20, c_rows=5), compute(20, a_rows=2)],
        N,
    ),
    "unknown configuration": ([encode("config_norm")], LATER),
    "counter": ([encode("counter", index=7, configure=1, event=63)], N),
}


@pytest.mark.parametrize("case", LIMITS)
def test_limits(case):
    commands, expected = LIMITS[case]
    assert code(TINY, *commands) == expected
    reference = Reference(TINY)
    last = [reference.expect(command) for command in commands][-1]
    refused = last is not None and last[0] == "error"
    if commands[-1].funct != COUNTER:
        assert (last[1] if refused else N) == expected


@pytest.mark.parametrize("spec", [s for s in COMMANDS if s.group in GROUPS], ids=str)
def test_commands_that_come_later(spec):
    assert code(ODD, encode(spec.name)) == LATER


def test_limits_of_a_size_that_is_no_power_of_two():
    rows = ODD.sp_rows
    assert code(ODD, encode("mvin", local=rows - 3, rows=3, cols=3)) == N
    assert code(ODD, encode("mvin", local=rows - 2, rows=3, cols=3)) == ADDRESS
    assert code(ODD, encode("mvin", local=0, rows=4, cols=3)) == SIZE
    assert code(ODD, encode("mvin", local=0, rows=3, cols=63)) == ADDRESS
    assert code(ODD, encode("mvin", local=0, rows=3, cols=64)) == SIZE


def outcome(*commands):
    return decode(TINY, list(commands))[0][-1]


def test_mvin_with_everything():
    set_up = encode("config_ld", set=2, stride=1000, scale=0x40000000, block_stride=8, shrunk=1)
    load = encode("mvin3", address=0x8000_0004, local=ACC | ADD | 40, rows=3, cols=7)
    _, unit, fields, reads, write = outcome(set_up, load)
    assert unit == 0 and reads == []
    assert write == {"valid": 1, "acc": 1, "first": 40, "last": 50}
    assert fields == {
        "address": 0x8000_0004,
        "stride": 1000,
        "zero": 0,
        "rows": 3,
        "cols": 7,
        "lane": 0,
        "more": 0,
        "acc": 1,
        "accumulate": 1,
        "wide": 0,
        "row": 40,
        "block_stride": 8,
        "scale": 0x40000000,
        "index": 1,
    }


PIXELS = PLAIN["tiny"].replace(name="pixels", first_layer=True, mvin_bytes=256)
LONG = ODD.replace(name="long", mvin_bytes=1024)  # 341 blocks, counted in two cycles
WIDE = TINY.replace(name="wide", dim=6, mvin_bytes=512, first_layer=True, sp_bank_rows=512)


def test_mvin_from_a_lane_and_with_copies():
    """A row of columns begins at a lane; copies reach rows before it, in its half."""
    lane = encode("config_ld", scale=ONE, block_stride=10, lane=3)
    op = decode(PIXELS, [lane, encode("mvin", address=4, local=100, rows=2, cols=6)])[0][-1]
    assert (op[2]["lane"], op[2]["more"], op[2]["cols"]) == (3, 0, 6)
    assert op[4] == {"valid": 1, "acc": 0, "first": 100, "last": 100 + 2 * 10 + 1}
    three = encode("config_ld", scale=ONE, repeats=3)
    half = PIXELS.sp_rows // 2
    for row, first in ((0, 0), (1, 0), (2, 0), (7, 5), (half, half), (half + 1, half)):
        op = decode(PIXELS, [three, encode("mvin", local=row, **tile(rows=4))])[0][-1]
        assert (op[2]["lane"], op[2]["more"]) == (2, 2)
        assert op[4] == {"valid": 1, "acc": 0, "first": first, "last": row + 3}


@pytest.mark.parametrize(
    "settings, local, cols, error",
    [
        ({"lane": 3}, 0, 253, N),
        ({"lane": 3}, 0, 254, SIZE),
        ({"lane": 3, "shrunk": 1}, ACC, 253, N),
        ({"lane": 3, "shrunk": 1}, ACC, 254, SIZE),
        ({"lane": 3}, ACC, 64, N),
        ({"lane": 3}, ACC, 65, SIZE),
        ({"lane": 3}, SP - 2, 1, N),
        ({"lane": 3, "block_stride": 2}, SP - 2, 2, ADDRESS),
        ({"repeats": 2}, 0, 2, N),
        ({"repeats": 2}, 0, 3, SIZE),
        ({"repeats": 3}, 0, 0, N),
        ({"repeats": 3}, 0, 2, SIZE),
        ({"repeats": 3}, 0, 1 << 14, SIZE),
        ({"repeats": 3}, ACC, 64, N),
        ({"repeats": 1}, 0, 256, N),
    ],
)
def test_limits_of_lanes_and_copies(settings, local, cols, error):
    set_up = encode("config_ld", scale=ONE, **({"block_stride": 1} | settings))
    assert code(PIXELS, set_up, encode("mvin", local=local, rows=1, cols=cols)) is error


def test_mvin_of_zeros_into_the_scratchpad():
    _, unit, fields, _, write = outcome(encode("mvin", local=ADD | 5, rows=4, cols=4))
    expected = {"zero": 1, "accumulate": 0, "wide": 0, "block_stride": 4, "scale": ONE}
    assert {key: fields[key] for key in expected} == expected
    assert write == {"valid": 1, "acc": 0, "first": 5, "last": 8}


def test_mvout_with_everything():
    set_up = encode("config_st", activation=1, stride=64, scale=0x3E000000)
    store = encode("mvout", address=0x1234, local=ACC | FULL | 9, rows=2, cols=4)
    _, unit, fields, reads, write = outcome(set_up, store)
    assert unit == 2 and write is None
    assert reads == [{"valid": 1, "acc": 1, "first": 9, "last": 10}]
    assert fields == {
        "address": 0x1234,
        "stride": 64,
        "rows": 2,
        "cols": 4,
        "acc": 1,
        "full": 1,
        "relu": 1,
        "row": 9,
        "scale": 0x3E000000,
        "index": 1,
    }


def test_compute_with_everything():
    set_up = encode("config_ex", dataflow=1, activation=1, a_stride=2, c_stride=3)
    tiles = preload(100, ACC | ADD | 50, b_rows=3, b_cols=2, c_rows=4, c_cols=2)
    go = compute(200, 300, a_rows=4, a_cols=4, d_rows=2, d_cols=1)
    _, unit, fields, reads, write = outcome(set_up, tiles, go)
    assert unit == 1
    assert fields == {
        "load_weights": 1,
        "k": 3,
        "b_row": 100,
        "b_cols": 2,
        "a_rows": 4,
        "a_cols": 3,  # B has no more rows
        "a_row": 200,
        "a_stride": 2,
        "d_rows": 2,
        "d_cols": 1,
        "d_row": 300,
        "c_rows": 4,
        "c_cols": 2,
        "c_row": 50,
        "c_stride": 3,
        "c_acc": 1,
        "c_accumulate": 1,
        "relu": 1,
    }
    assert reads == [
        {"valid": 1, "acc": 0, "first": 200, "last": 206},
        {"valid": 1, "acc": 0, "first": 100, "last": 102},
        {"valid": 1, "acc": 0, "first": 300, "last": 301},
    ]
    assert write == {"valid": 1, "acc": 1, "first": 50, "last": 59}


NORMS = TINY.replace(name="norms", normalisation=True, pooling=True, spad_store=True)
APART = TINY.replace(name="apart", serial_hazards=True, transposes=True, output_stationary=True)
CONFIGS = [TINY, ODD, NARROW, PLAIN["default"], PIXELS, LONG, WIDE, NORMS, APART]
CONFIGS += (random_config(n).replace(loop_ws=False, loop_conv=False) for n in range(5))
COUNT = 3000 if os.environ.get("ALHENA_FULL") else 600


@pytest.mark.parametrize("config", CONFIGS, ids=lambda config: config.name)
@pytest.mark.parametrize("stall", [0, 0.4])
def test_random_commands(config, stall):
    drawn = Drawn(config, seed=f"{config.name} {stall}")
    commands = [drawn.command() for _ in range(COUNT)]
    reference = Reference(config)
    expected = [reference.expect(command) for command in commands]
    got, _ = decode(config, commands, [stalls(seed, stall) for seed in (1, 2, 3)])
    for n, command in enumerate(commands):
        want = expected[n] if command.funct != COUNTER else ("special", COUNTER)
        assert agree(want, got[n]), f"command {n}, {command}: {want} is not {got[n]}"
    kinds = {want and want[:2] for want in expected}
    assert {("op", unit) for unit in range(3)} <= kinds
    assert {("error", number) for number in range(1, 7)} <= kinds
