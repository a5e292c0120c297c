"""The front door: an accelerator on any engine, with numpy in and numpy out."""

import importlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hw.config import Config
from hw.config_text import parse_config
from hw.formats import Accumulator, Blocks, Format, pack_codes, row_bytes
from hw.isa import Command, Event, encode
from sim.engine import EngineError, Run
from sw.compiler.blocked import Scales
from sw.compiler.conv import conv2d
from sw.compiler.depthwise import Depthwise, depthwise
from sw.compiler.gemm import gemm
from sw.compiler.layout import Allocator, Image, Matrix
from sw.compiler.lines import Convolution
from sw.compiler.loop_add import loop_add
from sw.compiler.loop_conv import LoopConvolution, border_for, loop_conv
from sw.compiler.loop_dense import Dense, loop_dense
from sw.compiler.loop_gemm import Product, loop_gemm
from sw.compiler.pooled import Pool
from sw.compiler.weight_table import weight_table

from .observe import note
from .tensors import checked, fetched, finite, in_blocks, packed, stored, summands

ENGINES = {
    "machine": ("sim.machine", "Machine"),
    "rtl": ("sim.rtl.engine", "RtlEngine"),
    "soc": ("sw.runtime.engine", "SocEngine"),
    "timing": ("sim.timing", "TimingEngine"),
    "board": ("sw.board.engine", "BoardEngine"),
}
"""Engines by name: module and class."""


class Accelerator:
    """An accelerator on an engine.

    `config` is a :class:`Config` or text such as ``small``, ``small:dim=6`` or
    ``tiny:format=e4m3fn``. (The RTL of the same name is :class:`hw.accelerator.Accelerator`.)

    Operands are values that their format has (``config.input``, ``config.weight``); an error names
    the first that it has not. D and biases become values of ``config.accumulator``: integers must
    fit, anything else is rounded to nearest, ties to even. Results are values of
    ``config.output``: ``int64`` if it is an `Int`, else ``float64``. In the formulas below
    ``q(x)`` is the path to the output's format (docs/numbers.md, *Scaling*); integers round to
    nearest and saturate.

    Parameters
    ----------
    engine
        ``machine`` (instruction-set simulator), ``rtl`` (Verilated accelerator), ``soc`` (Verilated
        RISC-V system), ``timing`` (machine with predicted cycles) or ``board`` (docs/board.md).
    options
        Passed on to the engine, for example ``memory_bytes`` or ``latency``.

    Members
    -------
    last : Run | None
        What the last run reported (cycles, error register, responses).
    weight : Format
        What weights are: ``config.weight``, with the values of the last `weight_table`.
    """

    def __init__(self, config: Config | str = "default", engine: str = "machine", **options):
        self.config = config if isinstance(config, Config) else parse_config(config)
        if engine not in ENGINES:
            raise EngineError(f"engine is {engine!r}; the engines are {', '.join(ENGINES)}")
        module, name = ENGINES[engine]
        self.engine = getattr(importlib.import_module(module), name)(self.config, **options)
        self.last: Run | None = None
        self.weight = self.config.weight

    def read(self, address: int, count: int) -> bytes:
        """Bytes of the memory."""
        return self.engine.read(address, count)

    def write(self, address: int, data: bytes) -> None:
        """Store bytes in the memory."""
        self.engine.write(address, data)

    def reset(self) -> None:
        """Back to the state after power-up; the memory keeps its bytes."""
        self.engine.reset()
        self.weight = self.config.weight

    def run(self, commands: Sequence[Command]) -> Run:
        """Execute commands until the accelerator is idle; errors stay in the returned Run."""
        self.last = self.engine.run(commands)
        note(self.last)
        return self.last

    def weight_table(self, values: ArrayLike) -> None:
        """Weights are `values` from now on, until `reset` or the next table.

        For configurations whose weights are indices into a table that can be loaded
        (``config.weight_table``). Values are such as the table's format has; those that are not
        given stay (of an array with more dimensions, row by row). ``acc.weight.quantize(b)`` rounds
        weights to them.
        """
        config = self.config
        if not config.weight_table:
            name = config.weight.name
            raise ValueError(
                f"weights are {name}; only those of a Codebook have a table to load, of a format "
                f"of at most {config.input.width} bits"
            )
        book = self.weight.replace(values)
        codes = np.zeros(config.table_rows * config.dim, np.uint64)
        codes[: len(book.table)] = book.table
        rows = codes.reshape(config.table_rows, config.dim)
        data = b"".join(pack_codes(config.input.width, row) for row in rows)
        address = Allocator(end=self.engine.memory_bytes).take("table", len(data))
        self.write(address, data)
        source = Matrix(address, config.row_bytes)
        self.run(weight_table(config, source, len(rows))).check()
        self.weight = book

    def matmul(
        self,
        a: ArrayLike,
        b: ArrayLike,
        d: ArrayLike | None = None,
        *,
        scale: float = 1.0,
        relu: bool = False,
        full_width: bool = False,
        output_stationary: bool = False,
        loops: bool = False,
    ) -> NDArray:
        """``q(scale·act(A·B + D))`` of A[m,k], B[k,n] and D[m,n] or D[n].

        With `full_width` the accumulator's values as they are (no scale, no ReLU). The dataflow is
        weight-stationary unless `output_stationary`; with `loops` the accelerator is sent a few
        loop commands. Neither changes the result.

        Where the configuration has blocks, A (along its rows) and B (along its columns) are real
        numbers, which are rounded to them, or :class:`Blocks`. A scale of a whole tensor (nvfp4)
        is multiplied into `scale`, D is divided by it; with `full_width` the values are multiplied.
        ValueError if the scale is then no float32, or so small that it would count as 0.
        """
        place = Allocator(end=self.engine.memory_bytes)
        at_a, a_scales, (m, k), a_tensor = self._operand(place, "a", a, "input")
        at_b, b_scales, (k_of_b, n), b_tensor = self._operand(place, "b", b, "weight")
        if k != k_of_b:
            raise ValueError(f"a has {k} columns and b {k_of_b} rows; they must be equal")
        tensor = a_tensor * b_tensor
        if d is not None and tensor != 1:
            d = np.divide(d, tensor)
        at_d = None if d is None else self._put_d(place, d, m, n)
        fmt = self.config.accumulator if full_width else self.config.output
        at_c = Matrix(place.take("c", m * row_bytes(fmt, n)), row_bytes(fmt, n))
        how = {"full_width": full_width, "output_stationary": output_stationary}
        options = {"scale": self._scale(scale, 1.0 if full_width else tensor), "relu": relu}
        if loops:
            product = Product(m, n, k, at_a, at_b, at_c, at_d, **how)
            program = loop_gemm(self.config, product, **options)
        else:
            options["scales"] = Scales(a_scales, b_scales)
            program = gemm(self.config, m, n, k, at_a, at_b, at_c, at_d, **how, **options)
        self.run(program.commands).check()
        c = self._get(at_c, m, n, fmt)
        return c * tensor if full_width and tensor != 1 else c

    def add(
        self,
        a: ArrayLike,
        b: ArrayLike,
        *,
        scales: tuple[float, float] = (1.0, 1.0),
        scale: float = 1.0,
        relu: bool = False,
    ) -> NDArray:
        """``q(scale·act(q(scales[0]·A) + q(scales[1]·B)))`` as loops; A and B stay inputs."""
        a = checked("a", a, self.config, "input", 2)
        b = checked("b", b, self.config, "input", 2)
        if a.shape != b.shape:
            raise ValueError(f"a has shape {a.shape} and b {b.shape}; they must be equal")
        place = Allocator(end=self.engine.memory_bytes)
        at_a, at_b = self._put(place, "a", a, "input"), self._put(place, "b", b, "input")
        at_c = Matrix(place.take("c", len(a) * at_a.pitch), at_a.pitch)
        factors = tuple(finite("scales", each) for each in scales)
        options = {"scales": factors, "scale": self._scale(scale), "relu": relu}
        program = loop_add(self.config, *a.shape, at_a, at_b, at_c, **options)
        self.run(program.commands).check()
        return self._get(at_c, *a.shape, self.config.output)

    def dense(
        self,
        x: ArrayLike,
        weights: Sequence[ArrayLike],
        *,
        scales: Sequence[float],
        relus: Sequence[bool],
    ) -> NDArray:
        """A chain of fully connected layers on x[m,k], m at most `dim`; resets the engine first,
        all but its table of weights.

        Only the last layer's outputs reach memory.
        """
        x = checked("x", x, self.config, "input", 2)
        self._restart()
        place = Allocator(end=self.engine.memory_bytes)
        at_x = self._put(place, "x", x, "input")
        layers = []
        for number, (w, scale, relu) in enumerate(zip(weights, scales, relus, strict=True)):
            w = self._weights(f"weights[{number}]", w, 2)
            at_w = self._put(place, f"w{number}", w, "weight")
            layers.append(Dense(*w.shape, at_w, scale=self._scale(scale), relu=relu))
        if not layers:
            raise ValueError("weights is empty; a chain has one layer at least")
        m, n = len(x), layers[-1].n
        pitch = row_bytes(self.config.output, n)
        out = Matrix(place.take("out", m * pitch), pitch)
        self.run(loop_dense(self.config, m, layers, at_x, out).commands).check()
        return self._get(out, m, n, self.config.output)

    def conv2d(
        self,
        x: ArrayLike,
        w: ArrayLike,
        bias: ArrayLike | None = None,
        *,
        stride: int = 1,
        padding: int = 0,
        scale: float = 1.0,
        relu: bool = False,
        pool: Pool | None = None,
        loops: bool = False,
    ) -> NDArray:
        """Convolution of x[n,h,w,cin] with w[kh,kw,cin,cout], bias[cout] added before the scale.

        With a `pool` the result is max-pooled on its way to memory. Padding is stored around the
        images, as a compiled network would have it; with `loops`, where the accelerator is sent a
        few loop commands, only if there are few channels.
        """
        x = checked("x", x, self.config, "input", 4)
        w = self._weights("w", w, 4)
        kh, kw, cin, cout = w.shape
        if x.shape[3] != cin:
            raise ValueError(f"x has {x.shape[3]} channels and w {cin}; they must be equal")
        conv = Convolution(len(x), cin, cout, (kh, kw), stride, padding)
        outputs = conv.output_size(x.shape[1], x.shape[2])
        size = pool.output_size(*outputs) if pool else outputs
        place = Allocator(end=self.engine.memory_bytes)
        border = border_for(self.config, cin, (kh, kw), padding) if loops else padding
        source = self._put_image(place, x, border)
        at_w = self._put(place, "w", w.reshape(-1, cout), "weight").address
        at_bias = None if bias is None else self._put_d(place, bias, 1, cout).address
        target = self._room(place, len(x), *size, cout)
        options = {"scale": self._scale(scale), "relu": relu}
        if loops:
            shape = (*x.shape, cout, (kh, kw), *outputs, stride, (padding, padding))
            loop = LoopConvolution(*shape, pool=pool)
            program = loop_conv(self.config, loop, source, at_w, target, at_bias, **options)
        else:
            options["pool"] = pool
            program = conv2d(self.config, conv, source, at_w, target, at_bias, **options)
        self.run(program.commands).check()
        return self._get_image(target, len(x), cout)

    def depthwise(
        self,
        x: ArrayLike,
        w: ArrayLike,
        bias: ArrayLike | None = None,
        *,
        stride: int = 1,
        padding: int = 1,
        scale: float = 1.0,
        relu: bool = False,
        loops: bool = False,
    ) -> NDArray:
        """Every channel of x[n,h,w,c] with its own kernel of w[3,3,c]; options as in conv2d."""
        x = checked("x", x, self.config, "input", 4)
        w = self._weights("w", w, 3)
        channels = x.shape[3]
        if w.shape != (3, 3, channels):
            raise ValueError(f"w has shape {w.shape}; it must be (3, 3, {channels})")
        conv = Depthwise(len(x), channels, stride, padding)
        size = conv.output_size(x.shape[1], x.shape[2])
        place = Allocator(end=self.engine.memory_bytes)
        source = self._put_image(place, x, 0)
        at_w = self._put(place, "w", w.reshape(9, channels), "weight").address
        at_bias = None if bias is None else self._put_d(place, bias, 1, channels).address
        target = self._room(place, len(x), *size, channels)
        options = {"scale": self._scale(scale), "relu": relu}
        if loops:
            shape = (*x.shape, channels, (3, 3), *size, stride, (padding, padding))
            loop = LoopConvolution(*shape, depthwise=True)
            program = loop_conv(self.config, loop, source, at_w, target, at_bias, **options)
        else:
            program = depthwise(self.config, conv, source, at_w, target, at_bias, **options)
        self.run(program.commands).check()
        return self._get_image(target, len(x), channels)

    @contextmanager
    def counters(self, *events: Event) -> Iterator[dict[Event, int]]:
        """Count events during the block; the yielded dict is filled at its end.

        >>> with acc.counters(Event.EXECUTE_ACTIVE) as counted:
        ...     acc.matmul(a, b)
        """
        if len(events) > self.config.counters:
            raise ValueError(
                f"{len(events)} events, but Config.counters is {self.config.counters}; "
                "count fewer at a time"
            )
        setup = [
            encode("counter", configure=1, index=i, event=event) for i, event in enumerate(events)
        ]
        self.engine.run(setup).check()
        counted: dict[Event, int] = {}
        yield counted
        reads = [encode("counter", index=i) for i in range(len(events))]
        counted.update(zip(events, self.engine.run(reads).responses, strict=True))

    def _restart(self) -> None:
        """Reset, but for the table of weights."""
        weight = self.weight
        self.reset()
        if weight != self.weight:
            self.weight_table(weight.decode(range(len(weight.table))))

    def _weights(self, name: str, values: ArrayLike, dims: int) -> NDArray:
        """`values` as weights."""
        config = self.config
        if self.weight != config.weight:
            config = config.replace(weight=self.weight)
        return checked(name, values, config, "weight", dims)

    def _put(self, place: Allocator, name: str, values: NDArray, role: str) -> Matrix:
        """Write a matrix to fresh memory, rows packed one after another."""
        fmt = self.weight if role == "weight" else getattr(self.config, role)
        return self._put_bytes(place, name, stored(fmt, values))

    def _operand(self, place: Allocator, name: str, values: ArrayLike | Blocks, role: str):
        """Write an operand: where it is, and its scales, its shape and its tensor's scale."""
        block = getattr(self.config, f"{role}_block")
        if block is None:
            if role == "weight":
                plain = self._weights(name, values, 2)
            else:
                plain = checked(name, values, self.config, role, 2)
            return self._put(place, name, plain, role), None, plain.shape, 1.0
        blocks = in_blocks(name, values, self.config, role)
        at = self._put_bytes(place, name, packed(block.element, blocks.codes))
        scales = self._put_bytes(place, f"{name}'s scales", packed(block.scale, blocks.scales))
        return at, scales, blocks.codes.shape, blocks.tensor

    def _put_bytes(self, place: Allocator, name: str, data: NDArray[np.uint8]) -> Matrix:
        address = place.take(name, data.size)
        self.write(address, data.tobytes())
        return Matrix(address, data.shape[1])

    def _put_d(self, place: Allocator, d: ArrayLike, m: int, n: int) -> Matrix:
        dims = 1 if np.ndim(d) == 1 else 2
        d = summands("d" if m > 1 else "bias", d, self.config, dims)
        if d.shape not in ((n,), (m, n)):
            raise ValueError(f"d has shape {d.shape}; it must be ({n},) or ({m}, {n})")
        at = self._put(place, "d", d.reshape(-1, n), "accumulator")
        return Matrix(at.address, 0) if dims == 1 else at

    def _scale(self, scale: float, tensor: float = 1.0) -> float:
        """The multiplier of a store: `scale`, and the scale of whole tensors."""
        scale = finite("scale", scale) * tensor
        if scale != 1 and not self.config.mvout_scale:
            name = self.config.name
            raise ValueError(f"scale is {scale}; {name} needs mvout_scale=on to multiply results")
        return finite("scale" if tensor == 1 else "scale, the tensors' included,", scale)

    def _put_image(self, place: Allocator, x: NDArray, border: int) -> Image:
        """Write images with a border of zeros to fresh memory."""
        margin = (border, border)
        stored = np.pad(x, ((0, 0), margin, margin, (0, 0)))
        at = self._put(place, "x", stored.reshape(-1, x.shape[3]), "input")
        return Image(at.address, x.shape[1], x.shape[2], at.pitch, border)

    def _room(self, place: Allocator, images: int, height: int, width: int, channels: int) -> Image:
        """Fresh memory for output images."""
        pixel = row_bytes(self.config.output, channels)
        return Image(place.take("out", images * height * width * pixel), height, width, pixel)

    def _get_image(self, at: Image, images: int, channels: int) -> NDArray:
        pixels = images * at.height * at.width
        flat = self._get(Matrix(at.address, at.pixel_bytes), pixels, channels, self.config.output)
        return flat.reshape(images, at.height, at.width, channels)

    def _get(self, at: Matrix, rows: int, cols: int, fmt: Format | Accumulator) -> NDArray:
        data = np.frombuffer(self.read(at.address, rows * at.pitch), np.uint8)
        return fetched(fmt, data.reshape(rows, at.pitch), cols)
