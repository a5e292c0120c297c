"""Int against plain Python integers and ml_dtypes."""

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hw.formats import Fixed, Format, Int

formats = st.builds(Int, st.integers(2, 32), st.booleans())


def python_value(code: int, width: int, signed: bool) -> int:
    return code - (1 << width) if signed and code >> (width - 1) else code


@given(formats, st.lists(st.integers(0, (1 << 40) - 1), min_size=1))
def test_decode_is_twos_complement(fmt, codes):
    want = [python_value(c % (1 << fmt.width), fmt.width, fmt.signed) for c in codes]
    assert fmt.decode(codes).tolist() == want


@given(formats, st.data())
def test_encode_inverts_decode(fmt, data):
    values = data.draw(st.lists(st.integers(fmt.min, fmt.max), min_size=1))
    assert fmt.decode(fmt.encode(values)).tolist() == values
    assert int(fmt.encode(values).max()) < 1 << fmt.width


@given(formats, st.lists(st.integers(-(1 << 60), 1 << 60), min_size=1))
def test_wrap_and_saturate(fmt, values):
    modulus = 1 << fmt.width
    want = [python_value(v % modulus, fmt.width, fmt.signed) for v in values]
    assert fmt.wrap(values).tolist() == want
    assert fmt.saturate(values).tolist() == [min(max(v, fmt.min), fmt.max) for v in values]


@given(formats, st.lists(st.floats(-1e12, 1e12), min_size=1))
def test_quantize_rounds_half_to_even_and_saturates(fmt, values):
    want = [min(max(round(v), fmt.min), fmt.max) for v in values]  # Python rounds half to even
    assert fmt.quantize(values).tolist() == want


@pytest.mark.parametrize("signed", [True, False])
@pytest.mark.parametrize("width", range(1, 17))
def test_every_code_and_every_border(width, signed):
    if signed and width == 1:
        return
    fmt, codes = Int(width, signed), np.arange(1 << width)
    want = np.array([python_value(code, width, signed) for code in codes.tolist()])
    np.testing.assert_array_equal(fmt.decode(codes), want)
    np.testing.assert_array_equal(fmt.encode(want), codes)
    for step, nearest in ((-0.5, -(want % 2)), (-0.25, 0), (0.0, 0), (0.25, 0), (0.5, want % 2)):
        limits = want.min(), want.max()
        np.testing.assert_array_equal(fmt.quantize(want + step), np.clip(want + nearest, *limits))


def test_quantize_of_infinities_and_nan():
    assert Int(8).quantize([np.inf, -np.inf]).tolist() == [127, -128]
    with pytest.raises(ValueError, match="NaN has no int8 value"):
        Int(8).quantize([np.nan])


@pytest.mark.parametrize(("fmt", "dtype"), [(Int(4), "int4"), (Int(4, False), "uint4")])
def test_limits_agree_with_ml_dtypes(fmt, dtype):
    info = ml_dtypes.iinfo(dtype)
    assert (fmt.min, fmt.max, fmt.name) == (info.min, info.max, dtype)


def test_messages():
    for width in (1, 33, "8"):
        with pytest.raises(ValueError, match=f"Int.width is {width!r}; it must be an integer from"):
            Int(width)
    with pytest.raises(ValueError, match=r"values from 0 to 128 do not fit int8 \(-128 to 127\)"):
        Int(8).encode([0, 128])
    with pytest.raises(ValueError, match="rounding 'floor' is not offered for int8; use 'rne'"):
        Int(8).quantize([1.0], rounding="floor")


def test_what_is_no_integer_has_no_code():
    assert Int(8).encode([1.0, -2.0]).tolist() == [1, 254]
    for fmt in (Int(8), Fixed(12, -3)):
        for value in (0.5, np.nan, np.inf):
            with pytest.raises(ValueError, match=f"{fmt.name} has no value {value}; quantize"):
                fmt.encode([1.0, value])
        for value in (1e30, 1 << 70, np.uint64(1 << 63)):
            with pytest.raises(ValueError, match="do not fit"):
                fmt.encode([value])
        with pytest.raises(ValueError, match="takes whole numbers, not complex128"):
            fmt.encode(1j)


def test_int_is_a_format():
    assert isinstance(Int(8), Format)
