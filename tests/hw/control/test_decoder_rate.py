"""In which cycles the decoder takes commands."""

import pytest

from hw.isa import encode
from tests.hw.control.test_decoder import A_STRIDE, LONG, STRIDE, TINY, compute, decode, tile


def test_one_command_per_cycle_one_cycle_later():
    commands = [encode("mvin", local=n, **tile()) for n in range(20)]
    _, accepted = decode(TINY, commands)
    assert accepted == list(range(20))


@pytest.mark.parametrize("option", ["serial_hazards", "in_order"])
def test_checks_apart_take_two_cycles_of_their_own(option):
    commands = [encode("mvin", local=n, **tile()) for n in range(20)]
    _, accepted = decode(TINY.replace(**{option: True}), commands)
    assert accepted == list(range(0, 60, 3))


@pytest.mark.parametrize("apart, cycles", [(False, [0, 2, 3, 5]), (True, [0, 4, 7, 11])])
def test_a_configuration_command_costs_one_more_cycle(apart, cycles):
    commands = [STRIDE, encode("mvin", **tile()), A_STRIDE, compute(0)]
    _, accepted = decode(TINY.replace(serial_hazards=apart), commands)
    assert accepted == cycles


def test_many_blocks_cost_one_more_cycle():
    few, many = (encode("mvin", rows=1, cols=cols) for cols in (24, 25))
    _, accepted = decode(LONG, [few, few, many, many, few])
    assert accepted == [0, 1, 3, 5, 6]
