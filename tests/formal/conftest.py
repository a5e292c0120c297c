"""What proofs share."""

import pytest

from hw.memory import accumulator, scratchpad
from tests.formal.banks import Watched


@pytest.fixture
def watched(monkeypatch):
    """Local memories have banks that are `Watched`."""
    for room in (accumulator, scratchpad):
        monkeypatch.setattr(room, "BankedRows", Watched)
    monkeypatch.setattr(Watched, "made", [])
