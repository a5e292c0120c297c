"""Multiply-accumulate units and adders for any input, weight and accumulator format."""

from .add import Add
from .mac import Mac
from .multiplier import IN_LUTS, Multiplier

__all__ = ["IN_LUTS", "Add", "Mac", "Multiplier"]
