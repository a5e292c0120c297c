"""Two ways to bring the pixels of a convolution into the scratchpad, a kernel position per pass."""

from hw.config import Config
from hw.formats import row_bytes

from .gemm import ramp
from .jobs import Move
from .layout import Image
from .lines import Convolution, OutputLines, centre_first
from .tiling import Access, Step


class SharedPixels(OutputLines):
    """Pieces are the pixels that a strip of one output row needs, by a group of channels."""

    def __init__(self, config: Config, conv: Convolution, x: Image, strip: int):
        super().__init__(config, conv, x, 1, strip)
        self.a_stride = conv.stride
        dim, (kh, kw) = config.dim, conv.kernel
        blocks = -(-conv.cin // dim)
        self.pixels = (strip - 1) * conv.stride + kw
        room = config.sp_rows // 2 // self.pixels
        limit = max(1, min(config.max_block_len, room // (2 * kh), blocks))
        self.slot_rows = self.pixels * limit
        self.steps, self._what = [], []
        for group in ramp(blocks, limit):
            for i in centre_first(kh):
                for block in group:
                    for j in centre_first(kw):
                        row = (i * kw + j) * conv.cin + block * dim
                        self.steps.append(Step(row, min(dim, conv.cin - block * dim)))
                        self._what.append((i, j, block, group))
        self.covers_first = self.covers(0)

    def _first_pixel(self, strip: int) -> int:
        return strip * self.conv.stride - self.conv.padding

    def accesses(self, line: int, step: int) -> list[Access]:
        i, j, block, group = self._what[step]
        where = self.input_row(line // self.parts, i)
        if where is None:
            return []
        start = self.part(line).start
        found = []
        for strip, first, end in self.strips(line, *self.reach(j)):
            pixel = (first - strip) * self.conv.stride + j
            offset = (block - group.start) * self.pixels + pixel
            key = (*where, strip, group.start, len(group))
            found.append(Access(first - start, end - first, key, offset))
        return found

    def moves(self, key) -> list[Move]:
        image, y, strip, start, count = key
        dim, x = self.config.dim, self.x
        begin = self._first_pixel(strip)
        low, high = max(begin, 0), min(begin + self.pixels, x.width)
        cols = min(count * dim, self.conv.cin - start * dim)
        column = row_bytes(self.config.input, start * dim)
        return [
            Move(
                x.pixel(image, y, pixel) + column,
                pixel - begin,
                min(dim, high - pixel),
                cols,
                x.pixel_bytes,
                self.pixels,
            )
            for pixel in range(low, high, dim)
        ]

    @staticmethod
    def strip_for(config: Config, conv: Convolution, out_w: int) -> int:
        """Longest strip whose pixels fit a slot; 0 if even one output does not."""
        room = config.sp_rows // 2 - conv.kernel[1]
        return 0 if room < 0 else min(config.dim, out_w, room // conv.stride + 1)


class FoldedColumns(OutputLines):
    """Pieces are strips of outputs by a part of one kernel row's ``kw·cin`` elements.

    With `merge` > 1 a piece spans several output rows, so that a compute is long although rows are
    short; then kernel rows share nothing.
    """

    a_stride = 1

    def __init__(self, config: Config, conv: Convolution, x: Image, fold: int, merge: int):
        strip = config.dim if merge == 1 else merge * config.dim
        frame = conv.padding if fold > 1 or merge > 1 else 0
        super().__init__(config, conv, x, merge, strip, frame)
        dim, (kh, kw) = config.dim, conv.kernel
        self.steps, self._what = [], []
        width = fold * conv.cin
        blocks = -(-width // dim)
        room = config.sp_rows // 2 // dim
        limit = max(1, min(config.max_block_len, room // 4, blocks))
        self.slot_rows = dim * limit
        for i in centre_first(kh):
            for j in range(0, kw, fold):
                for group in ramp(blocks, limit):
                    for block in group:
                        row = (i * kw + j) * conv.cin + block * dim
                        self.steps.append(Step(row, min(dim, width - block * dim)))
                        self._what.append((i, j, block, group))
        self._width = width
        self.covers_first = self.covers(0)

    def accesses(self, line: int, step: int) -> list[Access]:
        i, j, block, group = self._what[step]
        offset = (block - group.start) * self.config.dim
        if self.merge > 1:
            return [Access(0, self.rows(line), (line, i, j, 0, group.start, len(group)), offset)]
        where = self.input_row(line // self.parts, i)
        if where is None:
            return []
        start = self.part(line).start
        found = []
        for strip, first, end in self.strips(line, *self.reach(j)):
            key = (*where, j, strip, group.start, len(group))
            found.append(Access(first - start, end - first, key, offset + first - strip))
        return found

    def moves(self, key) -> list[Move]:
        dim, conv, x = self.config.dim, self.conv, self.x
        head, i, j, strip, start, count = key if self.merge > 1 else (key[:2], None, *key[2:])
        cols = min(count * dim, self._width - start * dim)
        column = row_bytes(self.config.input, start * dim)
        low, high = self.reach(j)
        first, end = max(strip, low), min(strip + self.strip, self.out_w, high)
        if self.merge > 1:
            places = [self.input_row(row, i) for row in self.out_rows_of(head)]
        else:
            places = [head]
        return [
            Move(
                x.pixel(image, y, first * conv.stride - conv.padding + j) + column,
                n * self.out_w + first - strip,
                end - first,
                cols,
                conv.stride * x.pixel_bytes,
                dim,
            )
            for n, (image, y) in enumerate(places)
        ]
