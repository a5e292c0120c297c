"""Boards and bitstreams: from a configuration to a file for the device, and what it came to.

:mod:`.board` says what a board is, `boards/` has one file for each, `families/` one for each kind
of device; :mod:`.top` is what goes into it, :mod:`.build` runs the tools.
"""
