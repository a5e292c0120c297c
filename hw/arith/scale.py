"""The scaling of a row: the output path of mvout and the input path of mvin."""

from numpy.typing import ArrayLike, NDArray

from ..formats import Format
from .convert import Convert
from .row import ConvertRow


def row_latency(source: Format, target: Format) -> int:
    """Cycles of a row through :class:`ScaleRow`."""
    return Convert(source, target).latency


class ScaleRow(ConvertRow):
    """``y = target(to24(to24(relu(x)) * scale))`` of `lanes` elements per cycle.

    Three roundings, each to nearest even: the element to a significand of 24 bits, the product
    again, then to the target, which saturates or does what its format says
    (:func:`hw.formats.scaling.scale`). `scale` is any finite float32, the same for all lanes of a
    row. Elements of an `Int` are its values, all others codes.

    One row per cycle; `latency` cycles from `i` to `o`: 5, one more if not every source value has
    24 bits, one more for integers of more than 16 bits. The pipeline stands still while a row at
    `o` waits.

    Parameters
    ----------
    lanes : int
    source, target : Format
    tag_shape : ShapeLike
        What travels along with a row.

    Members
    -------
    i : In(stream({values, scale, relu, tag}))
    o : Out(stream({values, tag}))
    """

    def __init__(self, lanes: int, source: Format, target: Format, tag_shape):
        self.source = source
        self.target = target
        super().__init__(lanes, Convert(source, target), tag_shape)

    def golden(self, values: ArrayLike, scale: float, relu: bool = False) -> NDArray:
        """The same in numpy: values (not codes) of the target for values of the source."""
        return self.convert.golden(values, scale, relu)
