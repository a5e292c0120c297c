"""mvout of images and mvout_spad in the decoder: the limits of docs/semantics.md, one by one."""

import pytest

from hw.control.decoder import Decoder
from hw.isa import GARBAGE, ErrorCode, Local, encode, float_bits
from tests.hw.control.commands import Drawn, Reference
from tests.hw.control.test_decoder import COUNTER, agree, code, decode
from tests.support.plain import PLAIN
from tests.support.streams import get, put, simulate, stalls

BOTH = PLAIN["tiny"].replace(name="both", pooling=True, spad_store=True)
CONFIGS = [
    BOTH,
    PLAIN["tiny"].replace(name="copies", spad_store=True, dim=3, sp_bank_rows=16),
    PLAIN["small"].replace(name="pools", pooling=True, mvout_scale=False, acc_bank_rows=32),
]
SP, AC = BOTH.sp_rows, BOTH.acc_rows
ACC, FULL, NORM = Local.ACC, Local.FULL, 1 << Local.NORM_LSB
ONE, KEEP = float_bits(1.0), 0xFFFF_FFFF
NONE, SIZE, ADDRESS = ErrorCode.NONE, ErrorCode.BAD_SIZE, ErrorCode.BAD_ADDRESS
OVERLAP, LATER = ErrorCode.OVERLAP, ErrorCode.NOT_SUPPORTED
IMAGE = {"out_rows": 5, "out_cols": 7, "pool_out_rows": 2, "pool_out_cols": 3}


def pool(**changes):
    fields = {"pool_stride": 2, "pool_size": 3, "scale": ONE} | IMAGE
    return encode("config_st", **fields | changes)


def line(**changes):
    return pool(pool_stride=0, pool_size=1, pool_out_rows=0, pool_out_cols=0, **changes)


def mvout(local, rows=0, cols=4):
    return encode("mvout", address=64, local=local, rows=rows, cols=cols)


def copy(source, destination, rows=4, cols=4, stride=1):
    where = {"source_addr": source, "destination": destination, "stride": stride}
    return encode("mvout_spad", source_rows=rows, source_cols=cols, **where)


LIMITS = {
    "pooled last row": ([pool(), mvout(SP - 35)], NONE),
    "pooled beyond": ([pool(), mvout(SP - 34)], ADDRESS),
    "pooled acc last row": ([pool(), mvout(ACC | AC - 35)], NONE),
    "pooled acc beyond": ([pool(), mvout(ACC | AC - 34)], ADDRESS),
    "pooled rows are no matter": ([pool(), mvout(ACC, rows=9)], NONE),
    "pooled cols": ([pool(), mvout(ACC, cols=5)], SIZE),
    "pooled size before address": ([pool(), mvout(ACC | AC, cols=5)], SIZE),
    "pooled full is not": ([pool(), mvout(ACC | FULL | AC - 4, rows=4)], NONE),
    "pooled full has limits of its own": ([pool(), mvout(ACC | FULL, rows=5)], SIZE),
    "pooled norm": ([pool(), mvout(ACC | NORM)], LATER),
    "pooled garbage": ([pool(), mvout(GARBAGE)], ADDRESS),
    "pooled no columns anywhere": ([pool(), mvout(ACC | AC, cols=0)], NONE),
    "pooled no rows anywhere": ([pool(out_rows=0), mvout(ACC | AC)], NONE),
    "pooled to nothing anywhere": ([pool(pool_out_cols=0), mvout(ACC | AC)], NONE),
    "pooled to no rows anywhere": ([pool(pool_out_rows=0), mvout(ACC | AC)], NONE),
    "pooled large image": ([pool(out_rows=255, out_cols=255), mvout(0)], ADDRESS),
    "pooled twice the memory": ([pool(out_rows=128, out_cols=64), mvout(0)], ADDRESS),
    "pooled large row": ([pool(), mvout((1 << 26) - 1)], ADDRESS),
    "line last row": ([line(), mvout(ACC | AC - 35)], NONE),
    "line beyond": ([line(), mvout(ACC | AC - 34)], ADDRESS),
    "line rows are no matter": ([line(), mvout(ACC, rows=9)], NONE),
    "line cols": ([line(), mvout(ACC, cols=5)], SIZE),
    "line of nothing anywhere": ([line(out_cols=0), mvout(ACC | AC)], NONE),
    "pooling ends": ([pool(), encode("config_st", scale=ONE), mvout(ACC, rows=5)], SIZE),
    "pool size 0": ([pool(pool_size=0)], ErrorCode.BAD_CONFIG),
    "pool size 0 before scale": ([pool(pool_size=0, scale=KEEP - 1)], ErrorCode.BAD_CONFIG),
    "refused pool keeps the old": ([pool(), pool(pool_size=0), mvout(SP - 35)], NONE),
    "copy last rows": ([copy(ACC | AC - 4, SP - 4)], NONE),
    "copy source beyond": ([copy(ACC | AC - 3, 0)], ADDRESS),
    "copy target beyond": ([copy(ACC, SP - 3)], ADDRESS),
    "copy far stride": ([copy(ACC, SP - 10, stride=3)], NONE),
    "copy too far stride": ([copy(ACC, SP - 9, stride=3)], ADDRESS),
    "copy stride of 16 bits": ([copy(ACC, SP - 4, stride=0x1_0001)], NONE),
    "copy stride beyond": ([copy(ACC, 0, rows=2, stride=0xFFFF)], ADDRESS),
    "copy rows": ([copy(ACC, 0, rows=5)], SIZE),
    "copy cols": ([copy(ACC, 0, cols=5)], SIZE),
    "copy size before address": ([copy(ACC | AC, SP, rows=5)], SIZE),
    "copy nothing anywhere": ([copy(ACC | AC, SP, rows=0)], NONE),
    "copy no columns anywhere": ([copy(ACC | AC, SP, cols=0)], NONE),
    "copy full": ([copy(ACC | FULL, 0)], ADDRESS),
    "copy norm": ([copy(ACC | NORM, 0)], ADDRESS),
    "copy sp flags are no matter": ([copy(FULL | NORM, 8)], NONE),
    "copy to acc": ([copy(0, ACC)], ADDRESS),
    "copy garbage": ([copy(GARBAGE, 0)], ADDRESS),
    "copy to garbage": ([copy(ACC, GARBAGE)], ADDRESS),
    "copy onto itself": ([copy(8, 8)], NONE),
    "copy onto itself with a stride": ([copy(8, 8, stride=2)], OVERLAP),
    "copy just below": ([copy(8, 4)], NONE),
    "copy below": ([copy(8, 5)], OVERLAP),
    "copy just above": ([copy(8, 12)], NONE),
    "copy above": ([copy(8, 11)], OVERLAP),
    "copy around": ([copy(8, 6, stride=6)], OVERLAP),
    "copy from the same rows of acc": ([copy(ACC | 8, 9)], NONE),
    "copy in pooling": ([pool(), copy(ACC, 8)], NONE),
}


@pytest.mark.parametrize("case", LIMITS)
def test_limits(case):
    commands, expected = LIMITS[case]
    assert code(BOTH, *commands) == expected
    reference = Reference(BOTH)
    last = [reference.expect(command) for command in commands][-1]
    assert (last[1] if last is not None and last[0] == "error" else NONE) == expected


def outcome(*commands):
    return decode(BOTH, list(commands))[0][-1]


def test_a_pooled_mvout_with_everything():
    set_up = pool(
        upper_pad=1, left_pad=2, pool_out_dim=9, stride=77, activation=1, scale=0x3E000000
    )
    _, unit, fields, reads, write = outcome(set_up, mvout(ACC | 10, cols=3))
    pooling = {"pool_stride": 2, "pool_size": 3, "upper_pad": 1, "left_pad": 2, "pool_out_dim": 9}
    assert unit == 2 and write is None
    assert reads == [{"valid": 1, "acc": 1, "first": 10, "last": 44}]
    expected = {"address": 64, "stride": 77, "cols": 3, "acc": 1, "full": 0, "relu": 1, "row": 10}
    expected |= {"scale": 0x3E000000, "index": 1, "local": 0, "pooled": 1}
    assert {name: fields[name] for name in expected} == expected
    assert fields["pooling"] == pooling | IMAGE


def test_a_copy_with_everything():
    set_up = encode("config_st", activation=1, stride=64, scale=0x3E000000)
    _, unit, fields, reads, write = outcome(set_up, copy(ACC | 9, 100, 3, 2, 5))
    assert unit == 2
    assert reads == [{"valid": 1, "acc": 1, "first": 9, "last": 11}]
    assert write == {"valid": 1, "acc": 0, "first": 100, "last": 110}
    expected = {"address": 100, "stride": 5, "rows": 3, "cols": 2, "acc": 1, "full": 0, "relu": 1}
    expected |= {"row": 9, "scale": 0x3E000000, "index": 1, "local": 1, "pooled": 0}
    assert {name: fields[name] for name in expected} == expected


def test_only_stores_in_order_may_follow_tiles():
    """Pooling does not take rows one after another, and a copy has rows of its own to wait for."""
    commands = [mvout(ACC, 4), copy(ACC, 8), line(), mvout(ACC), pool(), mvout(ACC)]
    dut, seen = Decoder(BOTH), []

    async def feed(ctx):
        payloads = [{"funct": c.funct, "rs1": c.rs1, "rs2": c.rs2} for c in commands]
        await put(ctx, dut.i, payloads)

    async def check(ctx):
        seen.extend(payload.in_order for payload in await get(ctx, dut.o, 4))

    simulate(dut, feed, check)
    assert seen == [1, 0, 1, 0]


@pytest.mark.parametrize("config", CONFIGS, ids=lambda config: config.name)
@pytest.mark.parametrize("stall", [0, 0.4])
def test_random_commands(config, stall):
    drawn = Drawn(config, seed=f"{config.name} {stall}")
    commands = [drawn.command() for _ in range(900)]
    reference = Reference(config)
    expected = [reference.expect(command) for command in commands]
    got, _ = decode(config, commands, [stalls(seed, stall) for seed in (1, 2, 3)])
    stores = [want for want in expected if want and want[:2] == ("op", 2)]
    for n, command in enumerate(commands):
        want = expected[n] if command.funct != COUNTER else ("special", COUNTER)
        assert agree(want, got[n]), f"{command}: {want} is not {got[n]}"
    assert sum(bool(want[2].get("pooled")) for want in stores) > 0 or not config.pooling
    assert sum(bool(want[2].get("local")) for want in stores) > 2 or not config.spad_store
