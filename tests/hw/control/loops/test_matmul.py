"""loop_ws unrolled: what is sent does what the simulator says that the loop does."""

import random

import numpy as np
import pytest

from hw.isa import ErrorCode, encode, float_bits
from sim.machine.machine import Machine
from tests.hw.control.loops.unrolled import coins, random_work, unit_of, unroll
from tests.support.plain import PLAIN

SMALL = {"loop_ws": True, "sp_bank_rows": 32, "acc_bank_rows": 32}
TINY = PLAIN["tiny"].replace(name="loops", transposes=True, **SMALL)
ODD = PLAIN["tiny"].replace(name="loops3", dim=3, store_queue=2, load_queue=2, **SMALL)
ONE = float_bits(1.0)
MEMORY = 1 << 16


def loop(config, rng):
    """The commands of one random loop; few break a rule."""
    dim = config.dim
    acc, sp = config.acc_rows // 2 // dim, config.sp_rows // 2 // dim
    i = rng.randint(1, min(acc, 5))
    j = rng.randint(1, min(acc // i, 5))
    k = rng.randint(0 if rng.random() < 0.05 else 1, max(1, min(sp // max(i, j), 5)))
    transposes = rng.choice(((0, 0), (1, 0), (0, 1))) if config.transposes else (0, 0)

    def address(none):
        return 0 if rng.random() < none else rng.randrange(1, 20000)

    def stride():
        return rng.randrange(60)

    pads = {f"pad_{x}": rng.randrange(dim) if rng.random() < 0.6 else 0 for x in "ijk"}
    c = 30000 + address(0) if rng.random() < 0.8 else 0
    out = [
        encode("loop_ws_config_bounds", i=i, j=j, k=k, **pads),
        encode("loop_ws_config_addrs_ab", a=address(0.1), b=address(0.1)),
        encode("loop_ws_config_addrs_dc", d=address(0.4), c=c),
        encode("loop_ws_config_strides_ab", a=stride(), b=stride()),
        encode("loop_ws_config_strides_dc", d=stride(), c=stride()),
    ]
    if rng.random() < 0.3:
        rng.shuffle(out)
    if rng.random() < 0.2:
        out.pop(rng.randrange(len(out)))
    rare = rng.random() < 0.05
    go = encode(
        "loop_ws",
        activation=rng.choice((2, 9)) if rare else rng.choice((0, 1, 3)),
        a_spad_id=3 if rng.random() < 0.03 else rng.choice((0, 0, 0, 1, 2)),
        b_spad_id=rng.choice((0, 0, 0, 1, 2)),
        transpose_a=transposes[0],
        transpose_b=transposes[1],
        residual=int(rng.random() < 0.2),
        **{name: rng.randrange(2) for name in ("accumulate", "full_c", "low_d")},
    )
    return [*out, go]


def program(config, seed, loops=4):
    """Random loops with ordinary commands between."""
    rng = random.Random(seed)
    out = [
        encode(
            "config_ld",
            set=n,
            stride=rng.randrange(1, 64),
            scale=ONE,
            block_stride=config.dim if rng.random() < 0.9 else 3,
            shrunk=rng.randrange(2),
        )
        for n in range(3)
    ]
    for _ in range(loops):
        if rng.random() < 0.5:
            out.append(encode("config_st", stride=rng.randrange(1, 64), scale=ONE))
        if rng.random() < 0.2:
            out.append(encode("mvin", address=100, local=rng.randrange(20), rows=2, cols=2))
        out += loop(config, rng)
    return out


def agree(config, commands, seed, probability):
    """Run what is sent on one simulator and `commands` on another; all state must be equal."""
    memory = np.random.default_rng(seed).integers(0, 256, MEMORY, np.uint8).tobytes()
    whole, parts = Machine(config, MEMORY), Machine(config, MEMORY)
    for machine in (whole, parts):
        machine.write(0, memory)
    want = whole.run(commands)
    sent = unroll(config, commands, coins(seed, probability), random_work(seed, 6))
    got = parts.run([command for command, _ in sent.commands])
    errors = list(sent.errors)
    if got.error:
        errors.append((sent.commands[got.error_index][1], int(got.error)))
    assert min(errors, default=(0, 0)) == (want.error_index, int(want.error))
    assert whole.read(0, MEMORY) == parts.read(0, MEMORY)
    assert (whole.scratchpad == parts.scratchpad).all()
    assert (whole.accumulator == parts.accumulator).all()
    assert sent.accepted == len(commands)
    return sent


@pytest.mark.parametrize("config", (TINY, ODD), ids=lambda config: config.name)
@pytest.mark.parametrize("seed", range(12))
def test_random_loops_do_what_the_simulator_does(config, seed):
    agree(config, program(config, seed), seed, 0.3 if seed % 3 else 0)


def bounds(i, j, k):
    """A loop over these tiles, all dense."""
    return [
        encode("loop_ws_config_bounds", i=i, j=j, k=k),
        encode("loop_ws_config_addrs_ab", a=256, b=4096),
        encode("loop_ws_config_addrs_dc", c=8192),
        encode("loop_ws_config_strides_ab", a=64, b=64),
        encode("loop_ws_config_strides_dc", c=64),
        encode("loop_ws"),
    ]


def names(sent):
    return [command.spec.name for command, _ in sent.commands]


def test_first_load_comes_soon():
    commands = bounds(2, 2, 2)
    sent = unroll(TINY.replace(name="fast", transposes=False), commands)
    assert names(sent)[0] == "mvin2"
    assert sent.cycles[0] == len(commands) - 1 + 5
    assert {index for _, index in sent.commands} == {5}


def test_loads_of_the_next_loop_run_ahead():
    sent = unroll(TINY, bounds(2, 2, 2) * 3, work=lambda: 4)
    order = [(index, unit_of(command)) for command, index in sent.commands]
    first_load = {n: order.index((n, 0)) for n in (5, 11, 17)}
    last_store = {n: max(p for p, o in enumerate(order) if o == (n, 2)) for n in (5, 11, 17)}
    assert first_load[11] < last_store[5] < first_load[17] < last_store[11]


def test_computes_start_before_all_loads_are_sent():
    sent = unroll(TINY, bounds(2, 2, 3), work=lambda: 9)
    order = names(sent)
    last_load = max(n for n, name in enumerate(order) if name.startswith("mvin"))
    assert order.index("compute_preloaded") < last_load


def test_tiles_side_by_side_go_together():
    sent = unroll(TINY, bounds(1, 3, 4), work=lambda: 4)
    widths = [c.fields()["cols"] for c, _ in sent.commands if c.spec.name == "mvin"]
    assert widths == [4, 8, 4]


def test_ordinary_commands_keep_their_place():
    commands = [encode("flush"), *bounds(1, 1, 1), encode("flush"), encode("flush")]
    sent = unroll(TINY, commands)
    assert names(sent)[0] == "flush" and names(sent)[-2:] == ["flush", "flush"]
    assert [sent.commands[n][1] for n in (0, 1, -2, -1)] == [0, 6, 7, 8]


@pytest.mark.parametrize(
    ("change", "code"),
    (
        ({"a_spad_id": 3}, ErrorCode.BAD_CONFIG),
        ({"activation": 2}, ErrorCode.NOT_SUPPORTED),
        ({"activation": 5}, ErrorCode.NOT_SUPPORTED),
        ({"transpose_a": 1, "transpose_b": 1}, ErrorCode.BAD_CONFIG),
    ),
)
def test_refused_loops_report_their_index(change, code):
    commands = [*bounds(1, 1, 1)[:-1], encode("loop_ws", **change)]
    sent = unroll(TINY, commands)
    assert sent.errors == [(5, code)] and not sent.commands


@pytest.mark.parametrize(
    ("fields", "code"),
    (
        ({"i": 9, "j": 1, "k": 1}, ErrorCode.BAD_SIZE),
        ({"i": 1, "j": 1, "k": 17}, ErrorCode.BAD_SIZE),
        ({"i": 65535, "j": 65535, "k": 65535}, ErrorCode.BAD_SIZE),
        ({"i": 3, "j": 3, "k": 1}, ErrorCode.BAD_SIZE),
        ({"i": 1, "j": 1, "k": 1, "pad_k": 4}, ErrorCode.BAD_SIZE),
        ({"i": 1, "j": 0, "k": 1, "pad_k": 4}, None),
    ),
)
def test_bounds_beyond_the_memories(fields, code):
    commands = [encode("loop_ws_config_bounds", **fields), encode("loop_ws")]
    sent = unroll(TINY, commands)
    assert sent.errors == ([(1, code)] if code else []) and not sent.commands
