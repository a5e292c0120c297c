"""The machine itself: memory, state and the dispatch of commands."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from hw.config import Config
from hw.isa import RESPONDS, Command, ErrorCode, supported
from sim.engine import Run, check_memory_bytes, check_range

from . import checks
from .checks import KEEP_SCALE, RELU, Fault
from .compute import compute, preload
from .moves import mvin, mvout
from .rows import Memory
from .state import LoadSet, State, Tile


def _float(bits: int) -> np.float32:
    return np.uint32(bits).view(np.float32)


class Machine:
    """Instruction-set simulator: an Engine without time, bit-exact to docs/semantics.md.

    Commands run one after another; `Run.cycles` is None and performance counters read 0.

    Members
    -------
    scratchpad, accumulator : int64[rows, dim]
        The local memories, for comparison with other engines.
    """

    def __init__(self, config: Config, memory_bytes: int = 1 << 24):
        self.config = config
        self.memory_bytes = check_memory_bytes(memory_bytes)
        self._memory = Memory(memory_bytes, config.bus_bytes)
        self.reset()

    def reset(self) -> None:
        self.state = State(self.config)

    @property
    def scratchpad(self) -> NDArray[np.int64]:
        return self.state.scratchpad

    @property
    def accumulator(self) -> NDArray[np.int64]:
        return self.state.accumulator

    def read(self, address: int, count: int) -> bytes:
        check_range(self.memory_bytes, address, count)
        return self._memory.bytes[address : address + count].tobytes()

    def write(self, address: int, data: bytes) -> None:
        check_range(self.memory_bytes, address, len(data))
        self._memory.bytes[address : address + len(data)] = np.frombuffer(bytes(data), np.uint8)

    def run(self, commands: Sequence[Command]) -> Run:
        state = self.state
        responses = []
        for command in commands:
            answer = 0
            try:
                answer = self._execute(command)
            except Fault as fault:
                state.report(fault.code, state.index)
            if command.funct in RESPONDS:
                responses.append(answer)
            state.index += 1
        return Run(error=state.error, error_index=state.error_index, responses=responses)

    def _execute(self, command: Command) -> int:
        """Check and execute one command; returns its answer (0 for most)."""
        spec = command.spec
        if spec is None:
            raise Fault(ErrorCode.BAD_FUNCT)
        if not supported(self.config, spec):
            raise Fault(ErrorCode.NOT_SUPPORTED)
        return getattr(self, f"_{spec.name}")(command.fields()) or 0

    def _config_ex(self, f: dict[str, int]) -> None:
        checks.config_ex(f)
        self.state.a_stride, self.state.c_stride = f["a_stride"], f["c_stride"]
        if not f["strides_only"]:
            self.state.execute_relu = f["activation"] == RELU

    def _config_ld(self, f: dict[str, int]) -> None:
        checks.config_ld(self.config, f)
        self.state.loads[f["set"]] = LoadSet(
            f["block_stride"], f["stride"], _float(f["scale"]), bool(f["shrunk"])
        )

    def _config_st(self, f: dict[str, int]) -> None:
        checks.config_st(f)
        self.state.store_stride = f["stride"]
        self.state.store_relu = f["activation"] == RELU
        if f["scale"] != KEEP_SCALE:
            self.state.store_scale = _float(f["scale"])

    def _load(self, f: dict[str, int], number: int) -> None:
        settings = self.state.loads[number]
        checks.mvin(self.config, f, settings)
        self._bus(mvin(self.state, self._memory, f, settings))

    def _mvin(self, f: dict[str, int]) -> None:
        self._load(f, 0)

    def _mvin2(self, f: dict[str, int]) -> None:
        self._load(f, 1)

    def _mvin3(self, f: dict[str, int]) -> None:
        self._load(f, 2)

    def _mvout(self, f: dict[str, int]) -> None:
        checks.mvout(self.config, f)
        self._bus(mvout(self.state, self._memory, f))

    def _bus(self, code: ErrorCode) -> None:
        if code is not ErrorCode.NONE:
            self.state.report(code, self.state.index)

    def _preload(self, f: dict[str, int]) -> None:
        try:
            checks.preload(self.config, f, self.state.c_stride)
        except Fault:
            self.state.b, self.state.c = Tile(), Tile()
            raise
        preload(self.state, f)

    def _compute_preloaded(self, f: dict[str, int]) -> None:
        checks.compute(self.config, f, self.state)
        compute(self.state, f, preloaded=True)

    def _compute_accumulated(self, f: dict[str, int]) -> None:
        checks.compute(self.config, f, self.state)
        compute(self.state, f, preloaded=False)

    def _flush(self, f: dict[str, int]) -> None:
        del f

    def _counter(self, f: dict[str, int]) -> int:
        checks.counter(self.config, f)
        return 0

    def _error(self, f: dict[str, int]) -> int:
        state = self.state
        answer = state.error | (state.error_index & 0xFF_FFFF) << 8
        if f["clear"]:
            state.error, state.error_index = ErrorCode.NONE, 0
        return answer
