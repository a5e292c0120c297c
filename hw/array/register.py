"""A register that stays one of its own."""

from amaranth.hdl import ClockSignal, Instance, Module, ResetSignal, Signal, Value

from ..arith.mac.chain import device


def own_register(m: Module, name: str, value: Value, platform) -> Signal:
    """The bit `value` a cycle later, 0 after reset.

    Synthesis merges registers that always hold the same; where such registers stand all over the
    device, so that each serves its neighbourhood, the one that is left would have to reach all of
    it. An instantiated one is not merged (ECP5: Lattice FPGA-TN-02200, section "Slice").
    """
    kept = Signal(name=f"{name}_kept")
    if not device(platform).startswith("LFE5"):
        m.d.sync += kept.eq(value)
        return kept
    m.submodules[name] = Instance(
        "TRELLIS_FF",
        p_GSR="AUTO",
        p_CEMUX="1",
        p_CLKMUX="CLK",
        p_LSRMUX="LSR",
        p_REGSET="RESET",
        p_SRMODE="LSR_OVER_CE",
        i_CLK=ClockSignal(),
        i_LSR=ResetSignal(allow_reset_less=True),
        i_DI=value,
        o_Q=kept,
    )
    return kept
