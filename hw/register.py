"""Registers of data, which need no reset."""

from amaranth.hdl import Module, Signal, ValueLike


def data_register(
    m: Module, port: ValueLike, name: str = "kept", reset_less: bool = True
) -> Signal:
    """A register without reset that drives `port`: what it holds means nothing until something
    else, which has a reset, says so. The reset then has fewer flip-flops to reach. With a reset if
    it is not `reset_less`, for tools that need one."""
    kept = Signal.like(port, name=name, reset_less=reset_less)
    m.d.comb += port.eq(kept)
    return kept
