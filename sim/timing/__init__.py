"""The cycle model: how long a program takes on a configuration, and why, without RTL."""

from sim.breakdown import Timing

from .engine import TimingEngine
from .predict import predict

__all__ = ["Timing", "TimingEngine", "predict"]
