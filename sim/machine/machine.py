"""The machine itself: memory, state and the dispatch of commands."""

from collections.abc import Iterable, Sequence
from dataclasses import fields

import numpy as np

from hw.config import Config
from hw.isa import RESPONDS, Command, ErrorCode, Local, supported
from sim.engine import Run, check_memory_bytes, check_range

from . import checks, loop_conv, loop_ws
from .compute import compute, load_table, operands, preload_b
from .depthwise import depthwise, lines_of
from .elements import Elements
from .faults import KEEP_SCALE, RELU, Fault
from .loops import Around
from .moves import mvin, mvout, mvout_spad
from .rows import Memory
from .state import LoadSet, State, StoreSettings, Tile


def _float(bits: int) -> np.float32:
    return np.uint32(bits).view(np.float32)


class Machine:
    """Instruction-set simulator: an Engine without time, bit-exact to docs/semantics.md.

    Commands run one after another; `Run.cycles` is None and performance counters read 0.

    Members
    -------
    scratchpad, accumulator : elements[rows, dim]
        The local memories, see :mod:`.elements`.
    """

    def __init__(self, config: Config, memory_bytes: int = 1 << 24):
        self.config = config
        self.memory_bytes = check_memory_bytes(memory_bytes)
        self._memory = Memory(memory_bytes, config.bus_bytes)
        self.reset()

    def reset(self) -> None:
        self.state = State(self.config)

    @property
    def scratchpad(self) -> Elements:
        return self.state.scratchpad

    @property
    def accumulator(self) -> Elements:
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
            answer = self._attempt(command)
            if command.funct in RESPONDS:
                responses.append(answer)
            state.index += 1
        return Run(error=state.error, error_index=state.error_index, responses=responses)

    def _attempt(self, command: Command) -> int:
        """Execute one command or report why not; returns its answer (0 for most)."""
        try:
            return self._execute(command)
        except Fault as fault:
            self.state.report(fault.code, self.state.index)
            return 0

    def _execute(self, command: Command) -> int:
        """Check and execute one command; returns its answer (0 for most)."""
        spec = command.spec
        if spec is None:
            raise Fault(ErrorCode.BAD_FUNCT)
        if not supported(self.config, spec):
            raise Fault(ErrorCode.NOT_SUPPORTED)
        if "_config_" in spec.name:
            self._configure_loop(spec.name, command.fields())
            return 0
        return getattr(self, f"_{spec.name}")(command.fields()) or 0

    # Configuration

    def _config_ex(self, f: dict[str, int]) -> None:
        checks.config_ex(self.config, f)
        state = self.state
        state.a_stride, state.c_stride = f["a_stride"], f["c_stride"]
        if f["strides_only"]:
            return
        before = state.weight_stationary, state.transpose_b
        state.weight_stationary = bool(f["dataflow"])
        state.transpose_a, state.transpose_b = bool(f["transpose_a"]), bool(f["transpose_b"])
        state.execute_relu = f["activation"] == RELU
        if not state.weight_stationary:
            state.shift = f["shift"]
        if before != (state.weight_stationary, state.transpose_b):
            state.b, state.c = Tile(), Tile()

    def _config_ld(self, f: dict[str, int]) -> None:
        checks.config_ld(self.config, f)
        self.state.loads[f["set"]] = LoadSet(
            block_stride=f["block_stride"],
            stride=f["stride"],
            scale=_float(f["scale"]) if self.config.mvin_scale else np.float32(1),
            shrunk=bool(f["shrunk"]),
            lane=f["lane"],
            repeats=f["repeats"],
            weights=bool(f["weights"]) and self.config.weight_parts > 1,
        )

    def _config_st(self, f: dict[str, int]) -> None:
        checks.config_st(self.config, f)
        state = self.state
        state.store_stride = f["stride"]
        state.store_activation = f["activation"]
        state.store = StoreSettings(**{x.name: f[x.name] for x in fields(StoreSettings)})
        if f["scale"] != KEEP_SCALE:
            state.store_scale = _float(f["scale"])

        state.norm.top_bit = 0

    def _config_norm(self, f: dict[str, int]) -> None:
        checks.config_norm(f)
        self.state.norm.configure(f)

    def _configure_loop(self, name: str, f: dict[str, int]) -> None:
        if name.startswith("loop_ws"):
            self.state.loop_ws.update(loop_ws.configure(name, f))
        else:
            self.state.loop_conv.update(loop_conv.configure(name, f))

    # Moves

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
        checks.mvout(self.config, f, self.state.store)
        self._bus(mvout(self.state, self._memory, f))

    def _mvout_spad(self, f: dict[str, int]) -> None:
        checks.mvout_spad(self.config, f)
        mvout_spad(self.state, f)

    def _bus(self, code: ErrorCode) -> None:
        if code is not ErrorCode.NONE:
            self.state.report(code, self.state.index)

    # Tiles

    def _preload(self, f: dict[str, int]) -> None:
        state = self.state
        b = preload_b(state, f)
        try:
            checks.preload(self.config, f, b, state.c_stride)
        except Fault:
            state.b, state.c = Tile(), Tile()
            raise
        state.b, state.c = b, Tile(f["c_addr"], f["c_rows"], f["c_cols"], state.c_stride)

    def _compute(self, f: dict[str, int], preloaded: bool) -> None:
        a, second = operands(self.state, f)
        checks.compute(self.state, a, second, preloaded)
        compute(self.state, a, second, preloaded)

    def _weight_table(self, f: dict[str, int]) -> None:
        checks.weight_table(self.config, f)
        load_table(self.state, Local.parse(f["table_addr"]).row, f["table_rows"])

    def _compute_preloaded(self, f: dict[str, int]) -> None:
        self._compute(f, preloaded=True)

    def _compute_accumulated(self, f: dict[str, int]) -> None:
        self._compute(f, preloaded=False)

    def _compute_depthwise(self, f: dict[str, int]) -> None:
        lines = lines_of(self.state, f["lines"])
        checks.depthwise(self.state, f, lines)
        depthwise(self.state, f, lines)

    # Loops

    def _around(self) -> Around:
        state = self.state
        return Around(
            weight_stationary=state.weight_stationary,
            activation=RELU * state.execute_relu,
            shift=state.shift,
            a_stride=state.a_stride,
            c_stride=state.c_stride,
            loads_plain=all(s.lane == 0 and s.repeats <= 1 for s in state.loads),
            stores_plain=not (state.store.pool_stride or state.store.pool_size),
        )

    def _loop(self, commands: Iterable[Command], output: int) -> None:
        """Inner commands one after another, all with the loop's index."""
        state = self.state
        for command in commands:
            self._attempt(command)
        state.halves = state.halves.next(output)

    def _loop_ws(self, f: dict[str, int]) -> None:
        state = self.state
        p = state.loop_ws | f
        context = self.config, p, state.halves, self._around()
        if loop_ws.check(*context):
            commands = loop_ws.expand(*context)
            self._loop(commands, p["c_address"])

    def _loop_conv_ws(self, f: dict[str, int]) -> None:
        state = self.state
        p = state.loop_conv | f
        context = self.config, p, state.halves, self._around()
        if loop_conv.check(*context):
            commands = loop_conv.expand(*context)
            self._loop(commands, p["output"])

    # The rest

    def _random_seed(self, f: dict[str, int]) -> None:
        self.state.draws.seed(f["seed"])

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
