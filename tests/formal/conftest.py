"""What all proofs have in common."""

import pytest

from hw.memory.banked import BankedRows


@pytest.fixture(autouse=True)
def users_promise_nothing(monkeypatch):
    """In proofs the users of banks do anything, or keep the contract for one row, any row, and
    `test_memories` claims it for that row; the banks' own assertion is for simulations."""
    monkeypatch.setattr(BankedRows, "_promise", lambda self, m, ports: None)
