"""Engines, simulators and traces."""
