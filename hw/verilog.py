"""Verilog text of any component."""

import contextlib
import gc
import re

from amaranth.back import verilog
from amaranth.lib import wiring

INITIAL = re.compile(r"^  initial begin\n.*?^  end\n", re.MULTILINE | re.DOTALL)
ZERO_ROW = re.compile(r"^ +\S+\[\d+\] = \d+'h0+;\n", re.MULTILINE)
ASSERTION = re.compile(r"^ +assert \(.*\);\n", re.MULTILINE)
LONE_CONSTANT = re.compile(r"^  always @\*\n +(\S+ ?\[[\d:]+\]) = \d+'h0*[1-9a-f]", re.MULTILINE)


@contextlib.contextmanager
def uncollected():
    """Without garbage collection: what a conversion makes lives to its end, and looking through
    it again and again is a quarter of the time."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


def emit(
    component: wiring.Component, name: str = "top", *, ports=None, platform=None, assertions=True
) -> str:
    """Verilog of `component` as module `name`, without Amaranth's internal attributes.

    Memory rows that start as zeros are left without an initial value: a line for each would be
    most of the text, and no simulator or device needs it.

    Without `assertions` it is plain Verilog of 2005; what asserts is left as empty blocks.

    ValueError if a field of a structure is a constant while other fields of it are assigned under
    a condition: the constant becomes an ``always @*`` that nothing ever triggers.

    `ports` defaults to the component's signature (``member__payload`` and so on); an elaboratable
    without signature gives a dict of name to (signal, direction), as `amaranth.back.verilog` does.
    """
    with uncollected():
        text = verilog.convert(
            component,
            name=name,
            ports=ports,
            platform=platform,
            emit_src=False,
            strip_internal_attrs=True,
        )
    lone = LONE_CONSTANT.search(text)
    if lone:
        raise ValueError(f"{lone[1]} is a constant beside conditional fields; no simulator sees it")
    text = text if assertions else ASSERTION.sub("", text)
    return INITIAL.sub(lambda block: ZERO_ROW.sub("", block[0]), text)
