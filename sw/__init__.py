"""Compiler, firmware and networks."""
