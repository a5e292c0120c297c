"""The instruction-set simulator: docs/semantics.md in numpy, bit for bit."""

from .machine import Machine

__all__ = ["Machine"]
