"""The board's loader and engine over a line that loses, doubles and corrupts bytes."""

import numpy as np
import pytest
import serial

import alhena as al
from hw.isa import Command, ErrorCode, Local, encode
from hw.soc.host import DEFAULT, Host
from hw.soc.map import FIRMWARE
from sim.engine import Engine, EngineError
from sim.soc.line import Noise, SimulatedLine
from sim.soc.model import Soc
from sw.board.engine import BoardEngine
from sw.board.frames import MAGIC, MOST, Frame, Operation, Parser
from sw.board.loader import loader
from sw.runtime.build import build

from .conftest import CONFIG, FULL, PROGRAMS


@pytest.fixture
def board():
    """Makes a board: a simulated system behind a terminal that pyserial opens."""
    lines = []

    def make(host=DEFAULT, down=None, up=None, config=CONFIG, cycles_per_byte=40):
        soc = Soc(CONFIG, 1 << 16, host, boot=True)
        program = loader(CONFIG, host, silence=100 * cycles_per_byte)
        assert program.size < 8192
        soc.load(program.segments)
        line = SimulatedLine(soc, down, up, cycles_per_byte)
        lines.append(line)
        port = serial.Serial(line.path, timeout=0.05)
        options = {"memory_bytes": 1 << 16, "firmware_bytes": FIRMWARE.size}
        options["patience"] = 0.5 if host.core == "vexriscv" else 4
        acc = al.Accelerator(config, "board", line=port, host=host, **options)
        acc.engine.line = line
        return acc

    yield make
    for line in lines:
        line.close()


def noise(seed, chance):
    return Noise(chance, chance, chance, seed)


@pytest.mark.parametrize("host", [Host(), Host("picorv32")][: 1 + FULL], ids=lambda host: host.name)
def test_products_equal_numpy(board, host):
    acc, rng = board(host), np.random.default_rng(3)
    assert isinstance(acc.engine, Engine)
    for rows, cols in ((9, 7), (20, 12)):
        a, b = rng.integers(-128, 128, (rows, 11)), rng.integers(-128, 128, (11, cols))
        assert (acc.matmul(a, b, full_width=True) == a @ b).all()
    acc.reset()
    assert (acc.matmul(a, b, full_width=True) == a @ b).all()


def test_products_come_through_noise(board):
    acc, rng = board(down=noise(1, 5e-4), up=noise(2, 5e-4)), np.random.default_rng(3)
    for _ in range(3):
        a, b = rng.integers(-128, 128, (5, 4)), rng.integers(-128, 128, (4, 6))
        assert (acc.matmul(a, b, full_width=True) == a @ b).all()
    assert sum(acc.engine.line.down.faults + acc.engine.line.up.faults) > 0


def test_no_request_is_carried_out_twice(board):
    """Rows that accumulate, over a line on which many frames break."""
    engine = board(down=noise(5, 2e-3), up=noise(6, 2e-3)).engine
    ones, one, times = 256, 0x3F80_0000, 15
    engine.write(ones, np.ones(4, "<i4").tobytes())
    engine.run([encode("config_ld", scale=one, stride=16), encode("config_st", stride=16)])
    for number in range(times):
        local = Local.ACC | (Local.ACCUMULATE if number else 0)
        run = engine.run([encode("mvin", address=ones, local=local, rows=1, cols=4)])
        assert run.error is ErrorCode.NONE
    engine.run([encode("mvout", address=512, local=Local.ACC | Local.FULL, rows=1, cols=4)])
    assert np.frombuffer(engine.read(512, 16), "<i4").tolist() == [times] * 4
    assert engine.link.repeats > 3
    run = engine.run([Command(99)])
    assert (run.error, run.error_index) == (ErrorCode.BAD_FUNCT, 2 + times + 1)


def test_numbers_may_come_again(board):
    """A list like the last one is a new one, from another host or after 255 requests."""
    engine = board().engine
    ones = 256
    lists = [encode("mvin", address=ones, local=Local.ACC | Local.ACCUMULATE, rows=1, cols=4)]
    engine.write(ones, np.ones(4, "<i4").tobytes())
    engine.run([encode("config_ld", scale=0x3F80_0000, stride=16), encode("config_st", stride=16)])
    engine.run([encode("mvin", address=ones, local=Local.ACC, rows=1, cols=4)])
    for _ in range(2):  # the same requests from the first number on
        again = BoardEngine(CONFIG, engine.link.line, engine.memory_bytes, engine.firmware_bytes)
        again.run(lists)
    for _ in range(255):
        again.ping()
    again.run(lists)
    again.run([encode("mvout", address=512, local=Local.ACC | Local.FULL, rows=1, cols=4)])
    assert np.frombuffer(again.read(512, 16), "<i4").tolist() == [4] * 4


def test_programs_run_and_end(board):
    engine = board(down=noise(7, 2e-4), up=noise(8, 2e-4)).engine
    done = engine.run_firmware("hello")
    assert done.exit_code == 0 and len(done.console) > 30
    refused = build(PROGRAMS / "refused.c", CONFIG, include=[PROGRAMS])
    done = engine.run_firmware(refused, check=False)
    assert done.exit_code == ErrorCode.BAD_ADDRESS
    with pytest.raises(EngineError, match=r"the program ended with 5; console:"):
        engine.run_firmware(refused)
    assert engine.ping().exit_code == ErrorCode.BAD_ADDRESS


def test_a_quiet_line_passes_the_console_whole(board):
    engine, shown = board().engine, []
    done = engine.run_firmware("hello", show=shown.append)
    assert done.console == "".join(shown) == "Hello from tiny: 4x4 array, 32-bit bus.\n"


def test_memory_is_read_as_written(board):
    engine = board().engine
    data = np.random.default_rng(1).integers(0, 256, 3 * MOST + 5).astype(np.uint8).tobytes()
    engine.write(1001, data)
    assert engine.read(1001, len(data)) == data
    with pytest.raises(EngineError, match="outside the memory"):
        engine.read(engine.memory_bytes - 4, 5)


def test_a_board_with_another_configuration_is_named(board):
    with pytest.raises(EngineError, match="the board has tiny, not other; load its bitstream"):
        board(config=CONFIG.replace(name="other"))


def test_a_line_without_a_board_is_named():
    class Silent:
        def write(self, data):
            return len(data)

        def read(self, size):
            return b""

    with pytest.raises(EngineError, match="has not answered PING in 20 tries; is it on this port"):
        BoardEngine(CONFIG, Silent(), 4096, 4096, patience=0.001)


def test_frames_are_found_among_other_bytes():
    frames = [Frame(n, Operation.READ, bytes([MAGIC]) * n) for n in range(5)]
    parser, found = Parser(), []
    stream = b"text" + bytes([MAGIC, 1]) + b"".join(b"-" + f.pack() for f in frames) + b"end"
    for n in range(0, len(stream), 3):
        found += parser.feed(stream[n : n + 3])
    found += parser.flush()
    assert found == frames
    assert bytes(parser.console) == b"text" + bytes([MAGIC, 1]) + b"-" * 5 + b"end"
    broken = bytearray(frames[3].pack())
    broken[6] ^= 4
    assert Parser().feed(bytes(broken)) == []
    with pytest.raises(ValueError, match="a frame of 1025 bytes; it holds at most 1024"):
        Frame(1, Operation.READ, bytes(1025)).pack()
