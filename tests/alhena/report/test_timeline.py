"""The timeline's picture: drawn, of a sensible size, and not slow for many stretches."""

import numpy as np

from alhena.report.timeline import MAX_BARS, _bars, draw_timeline


def many(count):
    for n in range(count):
        yield ("load", 50 * n, 50 * n + 30)
        yield ("execute", 50 * n + 20, 50 * n + 68)
        if n % 4 == 3:
            yield ("store", 50 * n + 60, 50 * n + 90)


def test_a_png_is_drawn(tmp_path):
    from matplotlib.image import imread

    activity = list(many(40))
    marks = [("conv1", 0, 900), ("conv2", 900, 1500), ("fc", 1500, 2060)]
    path = draw_timeline(tmp_path / "t.png", activity, title="Digits", utilisation=0.5, marks=marks)
    image = imread(path)
    assert image.shape[1] == 1650 and image.shape[0] > 300
    assert len(np.unique(image.reshape(-1, image.shape[2]), axis=0)) > 5


def test_bars_are_clipped_and_few():
    activity = list(many(20_000))
    assert len(_bars(activity, "load", 0, 1_000_000)) <= MAX_BARS
    assert _bars(activity, "load", 40, 110) == [(50, 30), (100, 10)]
