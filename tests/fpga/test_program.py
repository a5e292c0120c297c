"""What programming a board calls, and what it says without a bitstream."""

from tests.alhena.test_cli import alhena


def test_a_bitstream_must_be_there(tmp_path):
    done = alhena("fpga", "program", "--board", "ulx3s", ALHENA_BUILD=str(tmp_path))
    assert done.returncode == 2
    assert done.stderr.strip().endswith("is not there; run: alhena fpga build --board ulx3s")


def test_openfpgaloader_gets_board_and_file(tmp_path):
    loader = tmp_path / "loader"
    loader.write_text('#!/bin/sh\nif [ "$1" = -V ]; then echo v1.1; else echo "$@"; fi\n')
    loader.chmod(0o755)
    build = tmp_path / "fpga" / "ulx3s"
    build.mkdir(parents=True)
    (build / "top.bit").write_bytes(b"bits")
    settings = {"ALHENA_BUILD": str(tmp_path), "OPENFPGALOADER": str(loader)}
    done = alhena("fpga", "program", "--board", "ulx3s", **settings)
    assert (done.returncode, done.stdout.strip()) == (0, "-b ulx3s top.bit")
