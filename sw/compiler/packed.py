"""First layers: local rows that hold all pixels under the kernel, without gaps.

A kernel line is `kw·cin` neighbouring elements of memory. Each is loaded behind the one before it,
from the lane where that ended, so that K takes the fewest tiles.
"""

from hw.config import Config

from .jobs import Move
from .layout import Image
from .lines import Convolution, OutputLines
from .tiling import Access, Step


class PackedKernels(OutputLines):
    """Pieces are strips of outputs by all of K; `merge` output rows may share a piece."""

    a_stride = 1
    covers_first = True

    def __init__(self, config: Config, conv: Convolution, x: Image, merge: int):
        strip = config.dim if merge == 1 else merge * config.dim
        super().__init__(config, conv, x, merge, strip, conv.padding)
        self.frame_rows = self.frame
        dim = config.dim
        self.steps = [Step(row, min(dim, conv.k - row)) for row in range(0, conv.k, dim)]
        self.slot_rows = dim * len(self.steps)

    @staticmethod
    def possible(config: Config, conv: Convolution, x: Image) -> bool:
        """Whether kernel lines can be loaded behind one another, from memory as it is."""
        width = config.input.width
        count = conv.kernel[1] * conv.cin
        room = config.dim * (config.max_load_blocks - 1) + 1
        fits = count <= room and 4 * (conv.k + config.dim) <= config.sp_rows // 2
        bytes_whole = count * width % 8 == 0 and config.dim * width % 8 == 0
        dense = x.pixel_bytes * 8 == conv.cin * width
        return config.first_layer and fits and bytes_whole and dense and conv.padding <= x.border

    def accesses(self, line: int, step: int) -> list[Access]:
        start = self.part(line).start
        if self.merge > 1:
            return [Access(0, self.rows(line), (line, 0), step * self.config.dim)]
        return [
            Access(first - start, end - first, (line, strip), step * self.config.dim)
            for strip, first, end in self.strips(line, 0, self.out_w)
        ]

    def moves(self, key: tuple[int, int]) -> list[Move]:
        line, strip = key
        dim, conv, x = self.config.dim, self.conv, self.x
        kh, kw = conv.kernel
        end = min(strip + self.strip, self.part(line).stop)
        found = []
        for i in range(kh):
            block, lane = divmod(i * kw * conv.cin, dim)
            for n, row in enumerate(self.out_rows_of(line)):
                image, y = self.input_row(row, i)
                move = Move(
                    x.pixel(image, y, strip * conv.stride - conv.padding),
                    block * dim + n * self.out_w,
                    end - strip,
                    kw * conv.cin,
                    conv.stride * x.pixel_bytes,
                    dim,
                    lane,
                )
                found.append(move)
        return found
