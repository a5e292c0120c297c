"""Where operands lie in memory: matrices, images, and an allocator for addresses."""

from dataclasses import dataclass, field

ALIGNMENT = 64
"""Bytes to which the allocator aligns: whole words of every bus, whole rows of a wide mvin."""


@dataclass(frozen=True)
class Matrix:
    """A matrix in memory: its first byte and the bytes from one row to the next.

    `pitch` 0 means that every row is the same one (a bias).
    """

    address: int
    pitch: int


@dataclass(frozen=True)
class Image:
    """Images in memory, NHWC with whole-byte pixels and a border of stored zeros.

    Attributes
    ----------
    address
        First byte of the whole buffer, border included.
    height, width
        Pixels of an image without its border.
    pixel_bytes
        Bytes from one pixel to the next (at least those of its channels).
    border
        Zero pixels stored on every side; reads of padding that lie in it need no special care.
    """

    address: int
    height: int
    width: int
    pixel_bytes: int
    border: int = 0

    @property
    def row_bytes(self) -> int:
        return (self.width + 2 * self.border) * self.pixel_bytes

    @property
    def image_bytes(self) -> int:
        """Bytes from one image to the next."""
        return (self.height + 2 * self.border) * self.row_bytes

    def pixel(self, image: int, y: int, x: int) -> int:
        """Address of a pixel; coordinates down to ``-border`` are inside the buffer."""
        start = self.address + image * self.image_bytes
        return start + (y + self.border) * self.row_bytes + (x + self.border) * self.pixel_bytes


@dataclass
class Allocator:
    """Hands out aligned addresses from `start` (never 0, which reads as zeros) up to `end`."""

    start: int = ALIGNMENT
    end: int = 1 << 32
    regions: dict[str, tuple[int, int]] = field(default_factory=dict)

    def __post_init__(self):
        self.next = max(self.start, ALIGNMENT)

    def take(self, name: str, count: int) -> int:
        """Address of `count` fresh bytes; they stand in `regions` under `name`."""
        address = -(-self.next // ALIGNMENT) * ALIGNMENT
        if address + count > self.end:
            raise ValueError(
                f"{name} needs {count} bytes from {address:#x} on, but memory ends at "
                f"{self.end:#x}; give the engine a larger memory_bytes"
            )
        self.next = address + count
        self.regions[name] = (address, count)
        return address
