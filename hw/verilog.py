"""Verilog text of any component."""

from amaranth.back import verilog
from amaranth.lib import wiring


def emit(component: wiring.Component, name: str = "top", *, ports=None, platform=None) -> str:
    """Verilog of `component` as module `name`, without Amaranth's internal attributes.

    `ports` defaults to the component's signature (``member__payload`` and so on); an elaboratable
    without signature gives a dict of name to (signal, direction), as `amaranth.back.verilog` does.
    """
    return verilog.convert(
        component,
        name=name,
        ports=ports,
        platform=platform,
        emit_src=False,
        strip_internal_attrs=True,
    )
