"""What can be told from a code without decoding it: order, sign, and whether it is a number."""

from amaranth.hdl import Cat, Const, Mux, Value

from ..formats import E8M0, Element, Fixed, Float, Format, Int, Log, Rounded, Ternary


def element_format(fmt: Format) -> Element | Fixed | E8M0:
    """The format of a code: that of a `Rounded` accumulator is its format."""
    fmt = fmt.format if isinstance(fmt, Rounded) else fmt
    if not isinstance(fmt, Element | Fixed | E8M0):
        raise ValueError(
            f"no hardware reads {fmt!r}; it must be an Int, Float, Posit, Ternary, Log, Fixed or "
            "E8M0"
        )
    return fmt


def order_key(fmt: Format, code: Value) -> Value:
    """An unsigned key that compares as values do: :func:`hw.formats.order.order`."""
    code, top = code[:], code[-1]  # unsigned
    if isinstance(element_format(fmt), Float | Log | Ternary):
        return Cat(code[:-1] ^ top.replicate(len(code) - 1), ~top)
    return Cat(code[:-1], top ^ fmt.signed)


def is_nan(fmt: Format, code: Value) -> Value:
    """Whether a code stands for no number."""
    fmt = element_format(fmt)
    if isinstance(fmt, Int) or not fmt.has_nan:
        return Const(0, 1)
    if not isinstance(fmt, Float) or fmt.specials == "fnuz":
        return code[:] == fmt.nan_code
    if fmt.specials == "fn":
        return code[:-1].all()
    return code[fmt.man : -1].all() & code[: fmt.man].any()


def negative(fmt: Format, code: Value) -> Value:
    """Whether ReLU clears a code: it has a sign and is a number. -0 is among them."""
    fmt = element_format(fmt)
    if not fmt.signed:
        return Const(0, 1)
    return code[-1] & ~is_nan(fmt, code)


def relu(fmt: Format, code: Value, enable: Value | int = 1) -> Value:
    """The code, or +0's (all zeros) if it is `negative` and `enable` is 1."""
    return Mux(negative(fmt, code) & enable, 0, code)
