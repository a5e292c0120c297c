"""Random products: loop_ws with its configuration."""

from hw.isa import Command, encode, float_bits
from sim.machine.loops import size

from .draw import Drawer

_ONE = float_bits(1.0)


def _bounds(g: Drawer) -> dict[str, int]:
    """Tiles that fit the halves mostly, and the padding of the last ones."""
    config, rng = g.config, g.rng
    sp = max(config.sp_rows // 2 // config.dim, 1)
    acc = max(config.acc_rows // 2 // config.dim, 1)
    fields = {"i": g.few(4), "j": g.few(4), "k": g.few(4)}
    while fields["i"] * fields["j"] > acc and g.chance(0.97):
        fields |= {"i": g.few(acc), "j": g.few(acc)}
    while fields["k"] * (fields["i"] + fields["j"]) > sp and fields["k"] > 1 and g.chance(0.97):
        fields["k"] -= 1
    for name in ("pad_i", "pad_j", "pad_k"):
        fields[name] = 0 if g.chance(0.5) else rng.randrange(config.dim)
    if g.chance(0.03):
        fields[rng.choice(list(fields))] = rng.choice((0, config.dim, config.dim + 1, 65535))
    return fields


def _options(g: Drawer) -> dict[str, int]:
    rng, config = g.rng, g.config
    fields = {
        "accumulate": rng.randrange(2),
        "full_c": int(g.chance(0.3)),
        "low_d": rng.randrange(2),
    }
    fields["residual"] = int(g.chance(0.15))
    if config.transposes:
        pairs = ((0, 0), (1, 0), (0, 1)) if g.state.weight_stationary else ((0, 0), (1, 0), (1, 1))
        fields["transpose_a"], fields["transpose_b"] = rng.choice(pairs)
    for name in ("a_spad_id", "b_spad_id"):
        fields[name] = rng.choice((0, 0, 0, 1, 2)) if g.chance(0.98) else 3
    kinds = (0, 0, 0, 1, 3) + ((2, 4) if config.normalisation else ())
    fields["activation"] = rng.choice(kinds) if g.chance(0.98) else rng.randrange(8)
    return fields


def _configuration(g: Drawer, strides: dict[str, int], options: dict[str, int]) -> list[Command]:
    """config_ld, config_st and config_ex as a compiler would give them, or nearly so."""
    rng, config = g.rng, g.config
    out = []
    stationary = int(not config.output_stationary or g.chance(0.5))
    if g.state.weight_stationary != stationary or g.chance(0.3):
        fields = {"dataflow": stationary}
        fields["activation"] = rng.randrange(4 if config.normalisation else 2)
        fields["shift"] = rng.randrange(8)
        out.append(encode("config_ex", a_stride=1, c_stride=1, **fields))
    elif (g.state.a_stride, g.state.c_stride) != (1, 1) and g.chance(0.95):
        out.append(encode("config_ex", strides_only=1, a_stride=1, c_stride=1))
    narrow = {"a": options["residual"] or g.chance(0.1), "d": options["low_d"] ^ g.chance(0.1)}
    for number, name in enumerate("abd"):
        shrunk = int(narrow.get(name, narrow["a"]))
        fmt = config.input if shrunk or name != "d" else config.accumulator
        stride = size(fmt, strides[name]) if g.chance(0.9) else g.stride()
        plain = {"stride": stride, "shrunk": shrunk, "scale": g.load_scale()}
        plain["block_stride"] = config.dim if g.chance(0.8) else rng.randrange(2 * config.dim)
        out.append(encode("config_ld", set=number, repeats=int(g.chance(0.2)), **plain))
    fmt = config.accumulator if options["full_c"] else config.output
    stride = size(fmt, strides["c"]) if g.chance(0.9) else g.stride()
    relu = rng.randrange(4 if config.normalisation else 2)
    return [*out, encode("config_st", stride=stride, scale=g.store_scale(), activation=relu)]


def _addresses(g: Drawer, bounds, strides, options) -> dict[str, int]:
    """Of A, B, D and C; sometimes 0."""
    config, dim = g.config, g.config.dim
    rows = {"a": max(bounds["i"], bounds["k"]), "b": max(bounds["j"], bounds["k"], bounds["i"])}
    rows |= {"d": bounds["i"], "c": bounds["i"]}
    out = {}
    for name in "abdc":
        wide = name == "d" or (name == "c" and options["full_c"])
        fmt = config.accumulator if wide else config.input
        pages = g.writable if name == "c" else g.readable
        out[name] = g.array(pages, fmt, rows[name] * dim * strides[name])
        absent = {"a": 0.25, "b": 0.25, "d": 0.4, "c": 0.2}[name]
        if g.chance(absent):
            out[name] = 0
        elif g.bus_errors and g.chance(0.04):
            out[name] = g.beyond()
    return out


def loop_ws(g: Drawer) -> list[Command]:
    """One or two products: the second keeps most of the first one's parameters."""
    rng, dim = g.rng, g.config.dim
    bounds, options = _bounds(g), _options(g)
    if options["residual"] and g.chance(0.5):
        bounds["k"] = 0
    widest = max(bounds["i"], bounds["j"], bounds["k"]) % 64 * dim
    strides = {name: widest + rng.choice((0, 0, 1, rng.randrange(9))) for name in "abdc"}
    out = _configuration(g, strides, options) if g.chance(0.8) else []
    for _ in range(g.choice(1, 1, 2)):
        addresses = _addresses(g, bounds, strides, options)
        spad = {"a": rng.getrandbits(32), "b": rng.getrandbits(32)}
        parts = [
            encode("loop_ws_config_bounds", **bounds),
            encode("loop_ws_config_addrs_ab", a=addresses["a"], b=addresses["b"]),
            encode("loop_ws_config_addrs_dc", d=addresses["d"], c=addresses["c"]),
            encode("loop_ws_config_strides_ab", a=strides["a"], b=strides["b"]),
            encode("loop_ws_config_strides_dc", d=strides["d"], c=strides["c"]),
            encode("loop_ws_config_spad_ab", **spad),
            encode("loop_ws_config_spad_c", c=rng.getrandbits(32)),
        ]
        rng.shuffle(parts)
        out += parts[: rng.choice((7, 7, 7, 6))]
        out.append(encode("loop_ws", **options))
        options = options | {"a_spad_id": rng.randrange(3), "b_spad_id": rng.randrange(3)}
    return out
