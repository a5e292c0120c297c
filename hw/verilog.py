"""Verilog text of any component."""

import re

from amaranth.back import verilog
from amaranth.lib import wiring

ZERO_ROW = re.compile(r"^ +\S+\[\d+\] = \d+'h0+;\n", re.MULTILINE)


def emit(component: wiring.Component, name: str = "top", *, ports=None, platform=None) -> str:
    """Verilog of `component` as module `name`, without Amaranth's internal attributes.

    Memory rows that start as zeros are left without an initial value: a line for each would be
    most of the text, and no simulator or device needs it.

    `ports` defaults to the component's signature (``member__payload`` and so on); an elaboratable
    without signature gives a dict of name to (signal, direction), as `amaranth.back.verilog` does.
    """
    text = verilog.convert(
        component,
        name=name,
        ports=ports,
        platform=platform,
        emit_src=False,
        strip_internal_attrs=True,
    )
    return ZERO_ROW.sub("", text)
