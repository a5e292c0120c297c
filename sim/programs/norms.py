"""Random normalisation: constants, statistics of rows, normalised stores."""

from hw.isa import Command, Local, encode

from .draw import Drawer

STEPS = ((1, 2), (3, 4), (5, 5), (6, 7))
"""Opening and closing step of each series."""


def _constants(g: Drawer) -> dict[str, int]:
    """I-BERT's constants for some step, or any."""
    rng = g.rng
    if g.chance(0.2):
        fields = {name: rng.getrandbits(32) for name in ("q_const", "igelu_qb", "igelu_qc")}
        return {name: value >> rng.randrange(32) for name, value in fields.items()}
    step = 10 ** rng.uniform(-4.2, -0.5)
    if g.chance(0.5):
        fields = {"q_const": 0.6931 / step, "igelu_qb": 1.353 / step}
        fields["igelu_qc"] = 0.344 / (0.3585 * step**2)
    else:
        fields = {"igelu_qb": -1.769 * 2**0.5 / step, "igelu_qc": -2 / (0.2888 * step**2)}
    return {name: int(value) & 0xFFFF_FFFF for name, value in fields.items()}


def config_norm(g: Drawer) -> list[Command]:
    rng = g.rng
    fields = {"stat_id": rng.randrange(4)}
    if g.chance(0.4):
        return [encode("config_norm", stat_only=1, **fields)]
    flags = {"activation_msb": rng.randrange(2), "q_const_type": int(g.chance(0.2))}
    return [encode("config_norm", **fields, **flags, **_constants(g))]


def statistics(g: Drawer) -> list[Command]:
    """Some mvouts of a series and its close."""
    rng, config = g.rng, g.config
    opening, closing = rng.choice(STEPS)
    out = []
    count = g.few(3)
    for number in range(count):
        step = closing if number == count - 1 and g.chance(0.9) else opening
        rows, cols = g.choice(1, 1, g.size()), g.size()
        if g.chance(0.3):
            cols = g.size(config.dim * config.max_block_len)
        span = (max(1, -(-cols // config.dim)) - 1) * config.dim + max(rows, 1)
        if span > g.limit[True]:
            continue
        local = int(Local(g.row(True, span), True, norm=step))
        out.append(encode("mvout", address=rng.getrandbits(32), local=local, rows=rows, cols=cols))
    return out
