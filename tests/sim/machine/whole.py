"""A machine with every option, and numpy's own ideas of products and convolutions."""

from dataclasses import dataclass

import numpy as np

from hw.config import Config
from hw.isa import Command, ErrorCode, encode, float_bits
from sim.machine import Machine
from tests.support.plain import PLAIN

EVERYTHING = dict.fromkeys(
    ("output_stationary", "transposes", "depthwise", "first_layer", "pooling", "spad_store"), True
) | {"normalisation": True, "loop_ws": True, "loop_conv": True}
TINY = PLAIN["tiny"].replace(name="everything", **EVERYTHING)
ONE = float_bits(1.0)


def machine(config: Config = TINY) -> Machine:
    return Machine(config, 1 << 18)


def run(m: Machine, *commands: Command) -> None:
    """Run commands that are all good."""
    result = m.run(commands)
    assert result.error is ErrorCode.NONE, (result.error, commands[-1])


def configuration(config: Config, stride: int = 0, scale: float = 1.0) -> list[Command]:
    """Everything plain; `stride` is that of stores."""
    loads = [
        encode("config_ld", set=n, scale=ONE, stride=0, block_stride=config.dim) for n in range(3)
    ]
    store = encode("config_st", scale=float_bits(scale), stride=stride)
    return [encode("config_ex", dataflow=1, a_stride=1, c_stride=1), *loads, store]


def put(m: Machine, address: int, values: np.ndarray, dtype=np.int8) -> int:
    m.write(address, np.ascontiguousarray(values, dtype).tobytes())
    return address


def get(m: Machine, address: int, shape, dtype=np.int8) -> np.ndarray:
    count = int(np.prod(shape)) * np.dtype(dtype).itemsize
    return np.frombuffer(m.read(address, count), dtype).reshape(shape).astype(int)


def clip8(values: np.ndarray) -> np.ndarray:
    return np.clip(values, -128, 127)


@dataclass
class Convolution:
    """A convolution of ``image[batch, rows, cols, in]`` with ``kernel[k, k, in, out]``."""

    image: np.ndarray
    kernel: np.ndarray
    bias: np.ndarray
    stride: int = 1
    padding: int = 0
    dilation: int = 1
    input_dilated: bool = False
    rotate: bool = False

    def spread(self) -> np.ndarray:
        """The image with its zeros between pixels and around it."""
        image = self.image
        if self.input_dilated:
            batch, rows, cols, channels = image.shape
            wide = np.zeros((batch, 2 * rows - 1, 2 * cols - 1, channels), int)
            wide[:, ::2, ::2] = image
            image = wide
        around = ((0, 0), (self.padding, self.padding), (self.padding, self.padding), (0, 0))
        return np.pad(image, around).astype(int)

    def result(self) -> np.ndarray:
        """``[batch, rows, cols, out]``, pixel by pixel."""
        image, kernel = self.spread(), self.kernel.astype(int)
        if self.rotate:
            kernel = kernel[::-1, ::-1]
        size = kernel.shape[0]
        reach = (size - 1) * self.dilation + 1
        rows, cols = ((n - reach) // self.stride + 1 for n in image.shape[1:3])
        out = np.zeros((len(image), rows, cols, kernel.shape[3]), int) + self.bias
        for row in range(rows):
            for col in range(cols):
                top, left = row * self.stride, col * self.stride
                window = image[:, top : top + reach, left : left + reach]
                window = window[:, :: self.dilation, :: self.dilation]
                out[:, row, col] += np.einsum("bhwi,hwio->bo", window, kernel)
        return out


def pool(values: np.ndarray, size: int, stride: int, up: int, left: int, rows: int, cols: int):
    """Max-pooling of ``values[rows, cols, channels]``, taps outside are 0; tap by tap."""
    out = np.empty((rows, cols, values.shape[2]), int)
    for y in range(rows):
        for x in range(cols):
            taps = []
            for a in range(size):
                for b in range(size):
                    r, c = y * stride - up + a, x * stride - left + b
                    inside = 0 <= r < values.shape[0] and 0 <= c < values.shape[1]
                    taps.append(values[r, c] if inside else np.zeros(values.shape[2], int))
            out[y, x] = np.max(taps, axis=0)
    return out
