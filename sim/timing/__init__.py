"""The cycle model: how long a program takes on a configuration, and why, without RTL."""

from .engine import TimingEngine
from .predict import Timing, predict

__all__ = ["Timing", "TimingEngine", "predict"]
