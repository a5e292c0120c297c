"""The command line: JSON is one object, bad input ends in one line that helps."""

import json
import os
import subprocess
import sys

import pytest


def alhena(*arguments: str, limit: float = 120, **environment: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-m", "alhena.cli", *arguments],
        capture_output=True,
        text=True,
        env={**os.environ, "NO_COLOR": "1", "COLUMNS": "200", **environment},
        timeout=limit,
    )


def test_doctor_prints_one_object():
    done = alhena("doctor", "--json")
    report = json.loads(done.stdout)
    assert done.returncode == 0 and report["good"]
    assert {"verilator", "zig", "yosys"} <= {check["name"] for check in report["checks"]}


def test_doctor_says_how_to_mend():
    done = alhena("doctor", "--json", CXX="no-such-compiler")
    report = json.loads(done.stdout)
    bad = [check for check in report["checks"] if not check["good"]]
    assert done.returncode == 1 and not report["good"]
    assert [check["found"] for check in bad] == ["CXX=no-such-compiler is no program"]
    assert bad[0]["remedy"] == "unset CXX or correct it"


def test_isa_lists_every_command():
    commands = json.loads(alhena("isa", "--json").stdout)["commands"]
    assert [c["name"] for c in commands if c["funct"] == 2] == ["mvin"]


def test_isa_encodes():
    done = alhena("isa", "--json", "--assemble", "mvin address=0x1000 local=3 cols=4 rows=2")
    (command,) = json.loads(done.stdout)["commands"]
    assert int(command["rs1"], 0) == 0x1000
    assert int(command["rs2"], 0) == 2 << 48 | 4 << 32 | 3


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["isa", "--assemble", "mvin addres=1"], ["--assemble", "addres", "address, local"]),
        (["isa", "--assemble", "move x=1"], ["--assemble", "'move'", "mvin"]),
        (["isa", "--assemble", "mvin rows=x"], ["--assemble", "rows is 'x'", "whole number"]),
        (["sim", "--images", "0"], ["--images is 0", "from 1 to 450"]),
        (["sim", "--format", "e4m3fn,zz"], ["--format zz: no format 'zz'; there are integers"]),
        (
            ["sim", "--format", "e4m3fn->int32"],
            ["--format e4m3fn->int32: Config.accumulator", "for example fixed56e-18"],
        ),
        (["sim", "--format", "posit8es3"], ["Posit.es is 3;", "0 to 2; the nearest is posit8es2"]),
        (
            ["sim", "--format", "nvfp4"],
            ["--format nvfp4: ", "do not take nvfp4;", "example e2m1"],
        ),
        (
            ["verilog", "--config", "tiny:format=int8*binary->fp32"],
            ["Config.weight is 'binary'; it must be of a width w", "as it is with dim=8"],
        ),
        (["sim", "--format", "e4m3fn*fp16"], ["--format e4m3fn*fp16: Config.weight is 'fp16'"]),
        (["sim", "--format", "int5", "--config", "tiny"], ["dim·w = 4·w is whole bytes"]),
        (["sim", "--format", "bf16->bf16-sr3"], ["random bits of bf16-sr3"]),
        (["sim", "--format", "int8", "--engine", "soc"], ["--engine is soc; it must be rtl or"]),
        (["sim", "--config", "tiny:format=bf16"], ["computes in bf16", "with --format 'bf16'"]),
        (["sim", "--config", "tiny:format=nvfp4"], ["computes in nvfp4", "it runs without blocks"]),
        (["sim", "--engine", "machine"], ["without --format every engine runs"]),
        (["sim", "--config", "huge"], ["--config: no preset 'huge'", "tiny, small, default"]),
        (
            ["sim", "--soc-config", "huge"],
            ["--soc-config: no preset 'huge'", "tiny, small, default"],
        ),
        (["sim", "--output", "/dev/null/sim"], ["error:", "/dev/null/sim"]),
        (["verilog", "--config", "x"], ["--config: no preset 'x'", "tiny, small, default"]),
        (["bench", "--suite", "speed"], ["--suite is 'speed'", "gemmini"]),
        (["sim", "--images", "many"], ["--images", "many"]),
        (["simulate"], ["simulate"]),
    ],
)
def test_bad_input_is_named(arguments, words):
    done = alhena(*arguments)
    assert done.returncode != 0
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    for word in words:
        assert word in done.stderr
