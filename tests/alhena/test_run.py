"""`alhena run`: programs on the simulated system, and what it says of choices that do not work."""

import pytest

from tests.alhena.test_cli import alhena

FAILS = """#include "runtime.h"
int main(void) { return 3; }
"""


def test_hello_on_the_simulated_system():
    done = alhena("run", "hello")
    assert (done.returncode, done.stdout) == (0, "Hello from tiny: 4x4 array, 32-bit bus.\n")


def test_an_exit_code_is_passed_on(tmp_path):
    file = tmp_path / "fails.c"
    file.write_text(FAILS)
    done = alhena("run", str(file))
    assert done.returncode == 3


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["helo"], "no program 'helo'; give a C file, or hello"),
        (["hello", "--engine", "fpga"], "--engine is 'fpga'; it must be soc or board"),
        (
            ["hello", "--core", "arm"],
            "core is 'arm'; it must be one of vexriscv, vexriscv_lite, picorv32, serv",
        ),
        (["hello", "--engine", "board"], "--port is not given; --engine board needs one"),
        (["hello", "--port", "/dev/x"], "--port is /dev/x; --engine soc does not take it"),
        (["hello", "--engine", "board", "--core", "serv"], "--core is serv; --engine board does"),
        (["hello", "--engine", "board", "--port", "/dev/x"], "--port is /dev/x, which does not"),
        (["hello", "--engine", "board", "--port", "x", "--board", "y"], "board is 'y'; it must"),
    ],
)
def test_choices_that_do_not_work_say_what_would(arguments, message):
    done = alhena("run", *arguments)
    assert done.returncode == 2 and done.stderr.startswith("error: " + message)
