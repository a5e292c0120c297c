"""Multiply-accumulate units and adders for any input, weight and accumulator format."""

from .add import Add
from .mac import Mac
from .multiplier import Multiplier

__all__ = ["Add", "Mac", "Multiplier"]
