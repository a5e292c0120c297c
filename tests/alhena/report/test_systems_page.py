"""docs/systems.md."""

from alhena.report.systems_page import systems_page

GOT = {
    **{"board": "ulx3s", "changes": "", "seed": 1, "timing_met": True, "peak_gops": 5.76},
    **{"aims_mhz": {"core": 45, "array": 45}, "reached_mhz": {"core": 49.9, "array": 49.9}},
    **{"lut": 24437, "ff": 1, "dsp": 70, "bram": 2, "digits_gops": None, "minutes": 7.4},
    "beside": (None, None, None, ""),
}
CLOCKED = GOT | {
    **{"changes": "dim=12", "timing_met": False, "digits_gops": 1.5},
    **{"aims_mhz": {"core": 46.875, "array": 140.625}},
    **{"reached_mhz": {"core": 67.3, "array": 139.9}, "beside": (10274, 58, 194, "somebody")},
}


def test_a_system_is_a_row():
    page = systems_page({"ulx3s": GOT, "12x12 int8": CLOCKED})
    own = "| ulx3s | 49.9 (45) | 49.9 (45) | yes | 24,437 | 1 | 70 | 2 | 5.76 | – | 7.4 |"
    changed = "| 12x12 int8 | 67.3 (46.88) | 139.9 (140.6) | **no** | 24,437 |"
    assert own in page and changed in page
    assert "| 12x12 int8 | ulx3s | `dim=12` | 1 |" in page and "| ulx3s | ulx3s |" not in page
    assert "| 12x12 int8 | 10,274 | 58 | 194 | somebody |" in page
