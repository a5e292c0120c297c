import pytest

from hw.control.configuration import Configuration
from hw.formats import Int
from hw.isa import ErrorCode, encode, float_bits
from tests.support.plain import PLAIN
from tests.support.streams import simulate

CONFIG = PLAIN["tiny"]
ONE, HALF = float_bits(1.0), float_bits(0.5)
INFINITE, NAN, KEEP = 0x7F80_0000, 0x7FC0_0001, 0xFFFF_FFFF
NONE, REFUSED, BAD = ErrorCode.NONE, ErrorCode.NOT_SUPPORTED, ErrorCode.BAD_CONFIG


def state(ctx, dut):
    """Everything that is kept, as plain numbers."""
    read = lambda view, *names: {name: ctx.get(getattr(view, name)) for name in names}  # noqa: E731
    return {
        "load": [read(s, "stride", "scale", "block_stride", "shrunk") for s in dut.load],
        "execute": read(dut.execute, "a_stride", "c_stride", "relu"),
        "store": read(dut.store, "stride", "scale", "relu"),
    }


def run(*commands, config=CONFIG):
    """Error of each command, and what is kept at the end."""
    dut, errors, kept = Configuration(config), [], []

    async def bench(ctx):
        for name, fields in commands:
            command = encode(name, **fields)
            ctx.set(dut.command, {"funct": command.funct, "rs1": command.rs1, "rs2": command.rs2})
            errors.append(ErrorCode(ctx.get(dut.error)))
            ctx.set(dut.apply, errors[-1] == ErrorCode.NONE)
            await ctx.tick()
        kept.append(state(ctx, dut))

    simulate(dut, bench)
    return errors, kept[0]


RESET = {
    "load": [{"stride": 0, "scale": ONE, "block_stride": CONFIG.dim, "shrunk": 0}] * 3,
    "execute": {"a_stride": 1, "c_stride": 1, "relu": 0},
    "store": {"stride": 0, "scale": ONE, "relu": 0},
}
EX = {"dataflow": 1, "a_stride": 3, "c_stride": 5}


def test_reset_state():
    _, kept = run(("config_norm", {}))
    assert kept == RESET


def test_nothing_happens_without_apply():
    dut = Configuration(CONFIG)

    async def bench(ctx):
        command = encode("config_st", stride=9, scale=ONE)
        ctx.set(dut.command, {"funct": 0, "rs1": command.rs1, "rs2": command.rs2})
        await ctx.tick()
        assert state(ctx, dut) == RESET

    simulate(dut, bench)


@pytest.mark.parametrize("number", [0, 1, 2])
def test_config_ld_changes_one_set(number):
    fields = {"stride": 0xFFFF_FFF0, "scale": HALF, "block_stride": 0xFFFF, "shrunk": 1}
    errors, kept = run(("config_ld", fields | {"set": number}))
    assert errors == [NONE]
    expected = list(RESET["load"])
    expected[number] = fields
    assert kept == RESET | {"load": expected}


def test_config_ex_takes_strides_and_activation():
    errors, kept = run(("config_ex", EX | {"activation": 1}))
    assert errors == [NONE]
    assert kept == RESET | {"execute": {"a_stride": 3, "c_stride": 5, "relu": 1}}


def test_strides_only_keeps_the_activation_and_ignores_the_rest():
    odd = {"strides_only": 1, "dataflow": 0, "transpose_a": 1, "activation": 2}
    errors, kept = run(
        ("config_ex", EX | {"activation": 1}),
        ("config_ex", odd | {"a_stride": 65535, "c_stride": 7}),
    )
    assert errors == [NONE, NONE]
    assert kept["execute"] == {"a_stride": 65535, "c_stride": 7, "relu": 1}


def test_config_st_takes_all_ones_as_the_old_scale():
    errors, kept = run(
        ("config_st", {"stride": 40, "scale": HALF, "activation": 1}),
        ("config_st", {"stride": 80, "scale": KEEP}),
    )
    assert errors == [NONE, NONE]
    assert kept == RESET | {"store": {"stride": 80, "scale": HALF, "relu": 0}}


WRONG = [
    ("config_ex", EX | {"dataflow": 0}, REFUSED),
    ("config_ex", EX | {"transpose_a": 1}, REFUSED),
    ("config_ex", EX | {"transpose_b": 1}, REFUSED),
    ("config_ex", EX | {"activation": 2}, REFUSED),
    ("config_ex", EX | {"activation": 3}, REFUSED),
    ("config_ex", EX | {"c_stride": 0}, BAD),
    ("config_ex", EX | {"c_stride": 0, "strides_only": 1}, BAD),
    ("config_ex", EX | {"c_stride": 0, "transpose_a": 1}, REFUSED),
    ("config_ld", {"set": 3, "scale": ONE}, BAD),
    ("config_ld", {"set": 3, "scale": ONE, "repeats": 2}, BAD),
    ("config_ld", {"repeats": 2, "scale": ONE}, REFUSED),
    ("config_ld", {"repeats": 2, "scale": NAN}, REFUSED),
    ("config_ld", {"scale": INFINITE}, BAD),
    ("config_ld", {"scale": NAN}, BAD),
    ("config_ld", {"scale": KEEP}, BAD),
    ("config_st", {"pool_stride": 1, "scale": ONE}, REFUSED),
    ("config_st", {"pool_size": 1, "scale": ONE}, REFUSED),
    ("config_st", {"activation": 2, "scale": ONE}, REFUSED),
    ("config_st", {"activation": 3, "scale": NAN}, REFUSED),
    ("config_st", {"scale": NAN}, BAD),
    ("config_st", {"scale": INFINITE | 1 << 31}, BAD),
    ("config_norm", {"q_const": 5}, REFUSED),
]


@pytest.mark.parametrize("name, fields, code", WRONG)
def test_refused_and_without_effect(name, fields, code):
    others = {"stride": 77, "block_stride": 7} if name == "config_ld" else {}
    assert run((name, fields | others)) == ([code], RESET)


@pytest.mark.parametrize("bits", [0, 1, 0x8000_0000, 0x7F7F_FFFF, 0x0000_0001, HALF])
def test_every_finite_scale_will_do(bits):
    errors, kept = run(("config_ld", {"scale": bits}), ("config_st", {"scale": bits}))
    assert errors == [NONE, NONE]
    assert (kept["load"][0]["scale"], kept["store"]["scale"]) == (bits, bits)


def test_one_repeat_is_none():
    assert run(("config_ld", {"repeats": 1, "scale": ONE}))[0] == [NONE]


PACKING = [  # repeats, lane, error with int8 and dim 4, error with int4 and dim 4
    (0, 0, NONE, NONE),
    (1, 3, NONE, BAD),
    (0, 2, NONE, NONE),
    (0, 4, BAD, BAD),
    (0, 255, BAD, BAD),
    (3, 0, NONE, NONE),
    (4, 0, NONE, NONE),
    (5, 0, BAD, BAD),
    (255, 0, BAD, BAD),
    (2, 2, BAD, BAD),
]


@pytest.mark.parametrize("repeats, lane, code8, code4", PACKING)
def test_lanes_and_repeats(repeats, lane, code8, code4):
    four = {"input": Int(4), "weight": Int(4), "output": Int(4)}
    command = ("config_ld", {"repeats": repeats, "lane": lane, "scale": ONE})
    for code, formats in ((code8, {}), (code4, four)):
        packing = CONFIG.replace(first_layer=True, **formats)
        assert run(command, config=packing)[0] == [code]
    assert run(command)[0] == [REFUSED if repeats > 1 or lane else NONE]


def test_without_a_scaler_only_one_will_do():
    bare = CONFIG.replace(mvin_scale=False)
    commands = [("config_ld", {"scale": x, "stride": 4}) for x in (HALF, 0, ONE)]
    errors, kept = run(*commands, config=bare)
    assert errors == [REFUSED, NONE, NONE]
    assert kept["load"][0] == {"stride": 4, "scale": ONE, "block_stride": 0, "shrunk": 0}


POOLING = CONFIG.replace(pooling=True)
IMAGE = {"pool_stride": 2, "pool_size": 3, "upper_pad": 1, "left_pad": 2, "pool_out_dim": 200}
IMAGE |= {"pool_out_rows": 3, "pool_out_cols": 4, "out_rows": 255, "out_cols": 254}


def image(*commands):
    """Errors, and what is kept of the image: all fields, its rows and whether it is none."""
    dut, errors, kept = Configuration(POOLING), [], {}

    async def bench(ctx):
        for fields in commands:
            command = encode("config_st", scale=ONE, **fields)
            ctx.set(dut.command, {"funct": 0, "rs1": command.rs1, "rs2": command.rs2})
            errors.append(ErrorCode(ctx.get(dut.error)))
            ctx.set(dut.apply, errors[-1] == ErrorCode.NONE)
            await ctx.tick()
        pooling = ctx.get(dut.store.pooling)
        kept.update({name: getattr(pooling, name) for name in IMAGE})
        kept.update(rows=ctx.get(dut.store.image_rows), nothing=ctx.get(dut.store.nothing))

    simulate(dut, bench)
    return errors, kept


def test_config_st_takes_the_image_and_multiplies_its_rows():
    assert image(IMAGE) == ([NONE], IMAGE | {"rows": 255 * 254, "nothing": 0})


NOTHING = [
    ({"out_rows": 0}, 1),
    ({"out_cols": 0}, 1),
    ({"pool_out_rows": 0}, 1),
    ({"pool_out_cols": 0}, 1),
    ({"pool_out_dim": 0}, 0),
    ({"pool_stride": 0, "pool_out_rows": 0, "pool_out_cols": 0}, 0),
    ({"pool_stride": 0, "out_cols": 0}, 1),
]


@pytest.mark.parametrize("changes, nothing", NOTHING)
def test_images_of_no_rows(changes, nothing):
    assert image(IMAGE | changes)[1]["nothing"] == nothing


def test_a_window_of_size_0_is_refused_and_changes_nothing():
    errors, kept = image(IMAGE, {"pool_stride": 1, "out_rows": 9, "out_cols": 9})
    assert errors == [NONE, BAD]
    assert kept == IMAGE | {"rows": 255 * 254, "nothing": 0}


def test_a_later_config_st_ends_pooling():
    _, kept = image(IMAGE, {})
    assert (kept["pool_stride"], kept["pool_size"]) == (0, 0)


def test_without_a_scaler_on_the_way_out_only_one_will_do():
    bare = CONFIG.replace(mvout_scale=False)
    commands = [{"scale": HALF}, {"scale": KEEP, "stride": 4}, {"scale": ONE, "stride": 8}]
    errors, kept = run(*(("config_st", fields) for fields in commands), config=bare)
    assert errors == [REFUSED, NONE, NONE]
    assert kept["store"] == {"stride": 8, "scale": ONE, "relu": 0}
    assert run(("config_st", {"scale": NAN}), config=bare)[0] == [BAD]
