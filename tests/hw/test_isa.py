"""The command table against the encodings of isa.md, written out by hand."""

import itertools

import pytest

from hw.isa import (
    BY_FUNCT,
    COMMANDS,
    GARBAGE,
    RESPONDS,
    Command,
    Local,
    assemble,
    disassemble,
    encode,
    float_bits,
)

ONE = 0x3F80_0000

BY_HAND = [
    (
        encode("config_ex", dataflow=1, activation=1, a_stride=2, c_stride=3, acc_scale=ONE),
        0,
        1 << 2 | 1 << 3 | 2 << 16 | ONE << 32,
        3 << 48,
    ),
    (
        encode("config_ld", set=2, shrunk=1, block_stride=16, repeats=1, scale=ONE, stride=64),
        0,
        1 | 1 << 2 | 2 << 3 | 1 << 8 | 16 << 16 | ONE << 32,
        64,
    ),
    (encode("config_st", activation=1, stride=64, scale=ONE), 0, 2 | 1 << 2, 64 | ONE << 32),
    (encode("mvin", address=0x1234, local=5, cols=7, rows=9), 2, 0x1234, 9 << 48 | 7 << 32 | 5),
    (encode("mvin2", address=4), 1, 4, 0),
    (encode("mvin3", address=4), 14, 4, 0),
    (encode("mvout", address=8, local=1 << 31, rows=1), 3, 8, 1 << 48 | 1 << 31),
    (
        encode("preload", b_addr=1, b_cols=2, b_rows=3, c_addr=4, c_cols=5, c_rows=6),
        6,
        3 << 48 | 2 << 32 | 1,
        6 << 48 | 5 << 32 | 4,
    ),
    (encode("compute_preloaded", a_addr=1, d_addr=GARBAGE), 4, 1, GARBAGE),
    (encode("compute_accumulated", a_rows=16, d_cols=16), 5, 16 << 48, 16 << 32),
    (encode("flush", skip=1), 7, 1, 0),
    (encode("loop_ws", activation=1, transpose_b=1), 8, 1 << 8, 2),
    (encode("counter", configure=1, index=3, event=24), 126, 8 | 3 << 4 | 24 << 12, 0),
    (encode("error", clear=1), 37, 1, 0),
]


@pytest.mark.parametrize(("command", "funct", "rs1", "rs2"), BY_HAND, ids=lambda v: str(v)[:24])
def test_encodings_by_hand(command, funct, rs1, rs2):
    assert command == Command(funct, rs1, rs2)


@pytest.mark.parametrize("spec", COMMANDS, ids=lambda spec: spec.name)
def test_fields_are_disjoint_and_inside_their_operand(spec):
    for rs in (1, 2):
        fields = [f for f in spec.fields if f.rs == rs]
        assert all(f.lsb + f.width <= 64 for f in fields)
        for one, other in itertools.combinations(fields, 2):
            assert not one.mask & other.mask, (one.name, other.name)
    if spec.select is not None:
        assert not any(f.rs == 1 and f.mask & 3 for f in spec.fields)


@pytest.mark.parametrize("spec", COMMANDS, ids=lambda spec: spec.name)
def test_assembler_inverts_disassembler(spec):
    full = encode(spec.name, **{f.name: (1 << f.width) - 1 for f in spec.fields})
    mixed = encode(spec.name, **{f.name: 0xA5A5_A5A5 & (f.mask >> f.lsb) for f in spec.fields})
    for command in (encode(spec.name), full, mixed):
        assert command.spec is spec
        assert assemble(disassemble(command)) == command


def test_names_and_functs_are_unique():
    assert len({spec.name for spec in COMMANDS}) == len(COMMANDS)
    assert [spec.select for spec in BY_FUNCT[0]] == [0, 1, 2, 3]
    assert all(len(specs) == 1 for funct, specs in BY_FUNCT.items() if funct)
    assert RESPONDS == {37, 126}


def test_unknown_funct_has_no_spec_and_survives_the_assembler():
    command = Command(99, 0x12, 0x34)
    assert command.spec is None
    assert command.fields() == {}
    assert assemble(str(command)) == command


ERRORS = [
    (lambda: encode("mvim"), "no command 'mvim'; the commands are config_ex"),
    (lambda: encode("mvin", row=1), "mvin has no field 'row'; its fields are address, local"),
    (lambda: encode("mvin", rows=1 << 16), r"mvin.rows is 65536; it has 16 bits \(0 to 65535\)"),
    (lambda: encode("mvin", rows=-1), "mvin.rows is -1"),
    (lambda: assemble("mvin rows"), "cannot read 'mvin rows'; write: name field=value"),
    (lambda: assemble(""), "cannot read ''; write: name field=value"),
    (lambda: assemble("mvin rows=x"), "rows is 'x'; it must be a whole number"),
    (lambda: assemble("funct x"), "funct is 'x'; it must be a whole number"),
]


@pytest.mark.parametrize(("call", "message"), ERRORS, ids=lambda v: str(v)[:20])
def test_errors_name_command_field_and_limit(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_local_addresses():
    assert Local.parse(GARBAGE) is None
    address = 1 << 31 | 1 << 30 | 1 << 29 | 5 << 26 | 77
    local = Local(77, acc=True, accumulate=True, full=True, norm=5)
    assert int(local) == address
    assert Local.parse(address) == local
    assert Local.parse(12) == Local(12)


def test_float_bits():
    assert [float_bits(v) for v in (1.0, -2.0, 0.0)] == [0x3F80_0000, 0xC000_0000, 0]
