"""Boards and bitstreams: nothing yet."""
