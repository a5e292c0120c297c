"""The smallest device's bitstream: everything fits, and its clock is met."""

from alhena.jobs.bitstream import run
from fpga.board import board

PREAMBLE = bytes.fromhex("7eaa997e")
"""What an iCE40 waits for (FPGA-TN-02001, "Bitstream")."""


def test_a_system_for_a_up5k_fits_and_meets_its_clock():
    there = board("icebreaker")
    report = run(there, there.configured(), (1,))
    assert report["timing_met"] and report["system_mhz"] >= 20
    area = {name: kind["used"] for name, kind in report["area"].items()}
    assert area["dsp"] == 8 and area["spram"] == 4 and area["lut"] <= 5280
    with open(report["files"]["bitstream"], "rb") as file:
        assert PREAMBLE in file.read(100)
    speed = report["throughput"]
    assert speed["peak_gops"] == round(2 * 16 * there.mhz / 1000, 4)
    assert speed["digits"]["images_per_s"] > 80
    assert "compute_depthwise" in speed["ds_cnn"]["reason"]
