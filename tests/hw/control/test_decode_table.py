"""weight_table in the decoder: limits, the op, random commands."""

import pytest

from hw.formats import Codebook, Float, Int
from hw.isa import GARBAGE, ErrorCode, Local, encode
from tests.hw.control.commands import Drawn, Reference
from tests.hw.control.test_decoder import agree, code, compute, decode, preload
from tests.support.plain import PLAIN
from tests.support.streams import stalls
from tests.support.tables import tabled

E4M3 = Codebook((0x7E, 0x01, 0x38, 0x00), Float.parse("e4m3fn"))
CONFIGS = {
    "plain": tabled(),
    "transposes": tabled(transposes=True, spad_store=True),
    "odd": tabled(Codebook(tuple(range(256)), Int(8)), dim=3, sp_bank_rows=32),
}
GOOD, BAD, SIZE = ErrorCode.NONE, ErrorCode.BAD_ADDRESS, ErrorCode.BAD_SIZE


def table(addr, rows=4):
    return encode("weight_table", table_addr=addr, table_rows=rows)


@pytest.mark.parametrize(
    ("command", "error"),
    [
        (table(60), GOOD),
        (table(61), BAD),
        (table(61, 3), GOOD),
        (table(1 << 25), BAD),
        (table(0, 5), SIZE),
        (table(0, 1 << 15), SIZE),
        (table(1000, 0), GOOD),
        (table(GARBAGE, 0), BAD),
        (table(Local.ACC, 9), BAD),
        (table(Local.ACC - 1), BAD),
        (table(Local.ACCUMULATE | Local.FULL), GOOD),
    ],
    ids=str,
)
def test_limits(command, error):
    assert code(tabled(), command) is error


def test_not_without_a_table():
    for config in (PLAIN["tiny"], tabled(input=Int(4))):
        assert code(config, table(0)) is ErrorCode.NOT_SUPPORTED


@pytest.mark.parametrize("name", CONFIGS)
@pytest.mark.parametrize("stall", [0, 0.4])
def test_random_commands(name, stall):
    config = CONFIGS[name]
    drawn, reference = Drawn(config, seed=f"{name} {stall}"), Reference(config)
    commands = [drawn.command() for _ in range(500)]
    commands = [c for c in commands if c.spec is None or c.spec.name != "counter"]
    expected = [reference.expect(command) for command in commands]
    got, _ = decode(config, commands, [stalls(seed, stall) for seed in (1, 2, 3)])
    for n, command in enumerate(commands):
        assert agree(expected[n], got[n]), f"{command}: {expected[n]} is not {got[n]}"
    tables = [got for want, got in zip(expected, got, strict=True) if want and "table" in str(want)]
    assert len(tables) > 3


def test_zeros_are_not_transposed():
    """A tile without B is a row of no columns, which the array takes as zeros."""
    config = tabled(E4M3, dim=8, transposes=True)
    turned = encode("config_ex", dataflow=1, transpose_b=1, a_stride=1, c_stride=1)
    for b, k, cols, turn in ((GARBAGE, 1, 0, 0), (3, 1, 1, 1)):
        op = decode(config, [turned, preload(b, Local.ACC), compute(0)])[0][-1][2]
        assert (op["k"], op["b_cols"], op["b_turn"]) == (k, cols, turn)
