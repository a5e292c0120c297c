"""Multiply-accumulate units for any input, weight and accumulator format."""

from .mac import Mac
from .multiplier import Multiplier

__all__ = ["Mac", "Multiplier"]
