"""Places in memory."""

import pytest

from sw.compiler.layout import Allocator, Image


def test_allocator_aligns_and_never_hands_out_address_zero():
    place = Allocator(start=0, end=1024)
    assert [place.take("a", 1), place.take("b", 65), place.take("c", 1)] == [64, 128, 256]
    assert place.regions["b"] == (128, 65)
    with pytest.raises(ValueError, match=r"d needs 800 bytes from 0x140 on, but memory ends at"):
        place.take("d", 800)


def test_image_addresses():
    image = Image(1000, height=2, width=3, pixel_bytes=4, border=1)
    assert (image.row_bytes, image.image_bytes) == (20, 80)
    assert image.pixel(0, -1, -1) == 1000
    assert image.pixel(1, 0, 2) == 1000 + 80 + 20 + 12
