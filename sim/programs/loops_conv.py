"""Random convolutions: loop_conv_ws with its configuration."""

from hw.isa import BY_NAME, Command, encode

from .draw import Drawer

_PARTS = [name for name in BY_NAME if name.startswith("loop_conv_ws_config_")]


def _kernel(g: Drawer) -> dict[str, int]:
    """Kernel, strides, dilations and the layouts that go with them."""
    rng, config = g.rng, g.config
    k = rng.choice((1, 2, 3, 3))
    p = {"kernel": k, "krows": k, "kcols": k, "stride": g.few(3), "kernel_dilation": g.few(2)}
    if g.chance(0.15):
        p |= {"krows": g.few(3), "kcols": g.few(3), "kernel": 3}
    kind = rng.randrange(8)
    if kind == 0:
        p |= {"input_dilated": 1, "stride": rng.randrange(2)}
    elif kind == 1:
        p |= {"downsample": 1, "stride": 2, "krows": 1, "kcols": 1, "kernel": g.few(3)}
    for name in ("weights_1203", "transpose_output", "rotate"):
        p[name] = int(g.chance(0.2))
    if config.transposes and g.chance(0.3):
        p[g.choice("input_3120", "weights_0132")] = 1
    return p


def _channels(g: Drawer, p: dict[str, int]) -> dict[str, int]:
    config, dim = g.config, g.config.dim
    q = {"kchs": g.few(2 * dim), "pochs": g.few(2 * dim), "max_pixels_per_row": g.choice(0, 1)}
    if g.chance(0.05):
        q[g.choice("kchs", "pochs")] = dim * config.max_block_len + g.few(dim)
    if config.first_layer and not p.get("input_3120") and g.chance(0.3):
        pixels = g.few(dim)
        q |= {"max_pixels_per_row": pixels, "kchs": g.few(dim // pixels)}
        if pixels > 1 and g.chance(0.95):
            q |= {"kernel_dilation": 1, "rotate": 0, "input_dilated": 0, "downsample": 0}
    if g.chance(0.15):
        q |= {"depthwise": 1, "kchs": 1}
    if config.dw_lines and g.chance(0.25):
        q |= dict.fromkeys(("krows", "kcols", "kernel"), 3) | {"depthwise": 1}
        without = ("input_dilated", "downsample", "rotate", "transpose_output")
        q |= dict.fromkeys((*without, "weights_0132", "input_3120", "max_pixels_per_row"), 0)
        turned = config.dw_lines == 3 and config.transposes and g.chance(0.5)
        q["weights_1203"] = int(not turned)
        q |= {"kernel_dilation": 1, "stride": g.few(2)}
        q["kchs"] = q["pochs"] = 1 + g.few(2 * dim)
    return q


def _image(g: Drawer, p: dict[str, int]) -> dict[str, int]:
    """Outputs, padding, and an input that has what they need."""
    rng = g.rng
    q = {"batches": g.choice(1, 1, 1, g.few(3)), "orows": g.few(4), "ocols": g.few(6)}
    if p.get("input_3120") and g.chance(0.5):
        q["batches"] = g.few(g.config.dim + 2)
    for out, kernel, before, after, pixels in (
        ("orows", "krows", "upad", "dpad", "in_rows"),
        ("ocols", "kcols", "lpad", "rpad", "in_cols"),
    ):
        reach = p[kernel] + (p["kernel_dilation"] - 1) * (p[kernel] - 1)
        whole = q[out] * max(p["stride"], 1) + reach - 1
        far = rng.randrange(2 * g.config.sp_rows) if g.chance(0.02) else 0
        q[before] = rng.choice((0, 0, 1, 2, 4, far))
        q[after] = rng.choice((0, 0, 1, 2, 4, far))
        if p.get("downsample") and g.chance(0.95):
            q[before] = q[after] = 0
        seen = max(whole - q[before] - q[after], 0)
        seen = (seen + 1) // 2 if p.get("input_dilated") else seen
        q[pixels] = seen + rng.choice((0, 0, 1))
    q["batch"] = q["batches"] + rng.choice((0, 0, 1))
    q["out_rows"] = q["orows"] + rng.choice((0, 0, 1))
    q["out_cols"] = q["ocols"] + rng.choice((0, 0, 1))
    return q


def _strides(g: Drawer, p: dict[str, int]) -> dict[str, int]:
    more = lambda count: count + g.choice(0, 0, 1, g.rng.randrange(6))  # noqa: E731
    q = {"in_channels": more(p["kchs"]), "out_channels": more(p["pochs"])}
    q["in_stride"] = more(q["in_channels"])
    q["weight_stride"], q["out_stride"] = more(q["out_channels"]), more(q["out_channels"])
    return q


def _pool(g: Drawer, p: dict[str, int]) -> dict[str, int]:
    rng = g.rng
    if not g.config.pooling or g.chance(0.6):
        return {"no_pool": int(g.chance(0.98))}
    q = {"pool_size": g.few(3), "pool_stride": g.few(3), "no_pool": 0}
    for name in ("pupad", "plpad", "pdpad", "prpad"):
        q[name] = rng.randrange(2)
    for name in ("porows", "pocols"):
        q[name] = g.few(3)
        q["pool_out" + name[2:]] = 0
    del q["pool_outrows"], q["pool_outcols"]
    q |= {"pool_out_rows": q["porows"], "pool_out_cols": q["pocols"] + rng.randrange(2)}
    return q


def _addresses(g: Drawer, p: dict[str, int]) -> dict[str, int]:
    config = g.config
    image = p["batch"] * p["in_rows"] * p["in_cols"] * p["in_stride"]
    if p.get("input_3120"):
        image = p["batch"] * p["in_rows"] * p["in_cols"] * p["kchs"]
    weights = p["kernel"] ** 2 * max(
        p["in_channels"] * p["weight_stride"], p["in_channels"] * p["out_channels"]
    )
    stride = p["out_channels"] if p["transpose_output"] else p["out_stride"]
    out = p["batch"] * max(p["out_rows"], 3) * max(p["out_cols"], 4) * stride
    q = {
        "input": g.array(g.readable, config.input, image),
        "weights": g.array(g.readable, config.weight, weights),
        "bias": g.array(g.readable, config.accumulator, p["pochs"]),
        "output": g.array(g.writable, config.output, out),
    }
    for name in q:
        if g.chance(0.2):
            q[name] = 0
        elif g.bus_errors and g.chance(0.04):
            q[name] = g.beyond()
    return q


def _border(g: Drawer, p: dict[str, int]) -> dict[str, int]:
    """One parameter changed to something odd."""
    dim = g.config.dim
    name = g.rng.choice(list(p))
    value = g.choice(0, 1, max(p[name] - 1, 0), p[name] + 1, dim, 2 * dim, 255, 65535)
    return p | {name: value}


def _encoded(name: str, p: dict[str, int]) -> Command:
    fields = {f.name: p.get(f.name, 0) & (1 << f.width) - 1 for f in BY_NAME[name].fields}
    return encode(name, **fields)


def loop_conv(g: Drawer) -> list[Command]:
    """One or two convolutions: the second keeps most of the first one's parameters."""
    rng = g.rng
    p = _kernel(g)
    p |= _channels(g, p)
    p |= _image(g, p)
    p |= _strides(g, p)
    p |= _pool(g, p)
    out = []
    if g.state.store.pool_stride or g.state.store.pool_size or g.chance(0.4):
        stride = p["out_stride"] * g.config.output.width // 8
        relu = rng.randrange(4 if g.config.normalisation else 2)
        out.append(encode("config_st", stride=stride, scale=g.store_scale(), activation=relu))
    for _ in range(g.choice(1, 1, 2)):
        p |= _addresses(g, p)
        p |= {"no_bias": int(g.chance(0.2)), "activation": rng.randrange(2)}
        for name in ("a_spad_id", "b_spad_id"):
            p[name] = rng.choice((0, 0, 0, 1, 2)) if g.chance(0.99) else 3
        if g.chance(0.06):
            p = _border(g, p)
        parts = [_encoded(name, p) for name in _PARTS]
        rng.shuffle(parts)
        out += [*parts, _encoded("loop_conv_ws", p)]
    return out
