"""docs/systems.md."""

from alhena.report.systems_page import systems_page

PATHS = {"core": ["board.a", "board.b"], "array": ["board.pe_0_0", "board.c"]}
GOT = {
    **{"board": "ulx3s", "changes": "", "seed": 1, "host": "vexriscv_lite"},
    **{"aims_mhz": {"core": 45, "array": 45}, "reached_mhz": {"core": 49.9, "array": 49.9}},
    **{"paths": PATHS, "timing_met": True, "untimed": "", "tools": {"yosys": "Yosys 0.70"}},
    "area": {"lut": 24437, "ff": 1, "dsp": 70, "bram": 2},
    **{"peak_gops": 5.76, "digits_gops": None, "minutes": 7.4, "beside": (None, None, None, "")},
}
CLOCKED = GOT | {
    **{"changes": "dim=12", "timing_met": False, "digits_gops": 1.5},
    **{"aims_mhz": {"core": 46.875, "array": 140.625}},
    **{"reached_mhz": {"core": 67.3, "array": 139.9}, "beside": (10274, 58, 194, "somebody")},
}
SMALL = GOT | {"area": {"lut": 5040, "dsp": 8, "bram": 29, "spram": 4}}
UNTIMED = GOT | {"untimed": "multiplier blocks"}


def test_a_system_is_a_row():
    page = systems_page(
        {"ulx3s": GOT, "12x12 int8": CLOCKED, "icebreaker": SMALL, "tang_nano_20k": UNTIMED}
    )
    assert "| ulx3s | 49.9 (45) | 49.9 (45) | yes | 24,437 | 1 | 70 | 2 | 5.76 | – | 7.4 |" in page
    assert "| 12x12 int8 | 67.3 (46.88) | 139.9 (140.6) | **no** | 24,437 |" in page
    assert "| yes | 5,040 | – | 8 | 29 |" in page
    assert "| yes, without the delays of multiplier blocks, which" in page
    assert "| 12x12 int8 | ulx3s | vexriscv_lite | `dim=12` | 1 |" in page
    assert "| 12x12 int8 | array | `board.pe_0_0` | `board.c` |" in page
    assert "| ulx3s | core | `board.a`" in page and "| ulx3s | array |" not in page
    assert "| 12x12 int8 | 24,437 | 67.3 | 139.9 | 10,274 | 58 | 194 | somebody |" in page
    assert "Tools: Yosys 0.70." in page
