"""Scikit-learn's handwritten digits, split once and for all.

Images are int8 [n, 8, 8, 1] with values 0 to 16; a quarter (450 images) is held out and never
seen by training or calibration.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

TEST_IMAGES = 450
SPLIT_SEED = 2024


@dataclass(frozen=True)
class Digits:
    """Images and labels of the two splits."""

    train_images: NDArray
    train_labels: NDArray
    test_images: NDArray
    test_labels: NDArray


def load_digits() -> Digits:
    """The data set with our fixed split, stratified by class."""
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split

    data = load_digits()
    images = data.images.astype(np.int8)[..., None]
    train_x, test_x, train_y, test_y = train_test_split(
        images,
        data.target,
        test_size=TEST_IMAGES,
        random_state=SPLIT_SEED,
        stratify=data.target,
    )
    return Digits(train_x, train_y, test_x, test_y)
