"""What all checks share, and the values that fields have."""

from hw.config import Config
from hw.isa import ErrorCode, Local

FLOAT_ONE = 0x3F80_0000
KEEP_SCALE = 0xFFFF_FFFF
NO_ACTIVATION, RELU, LAYERNORM, IGELU = range(4)


class Fault(Exception):
    """A command that must not be executed."""

    def __init__(self, code: ErrorCode):
        super().__init__(code.name)
        self.code = code


def require(good: bool, code: ErrorCode) -> None:
    if not good:
        raise Fault(code)


def finite(bits: int) -> bool:
    """Whether a float32 pattern is neither infinite nor NaN."""
    return bits >> 23 & 0xFF != 0xFF


def memory_rows(config: Config, local: Local) -> int:
    """Rows of the memory that a local address names."""
    return config.acc_rows if local.acc else config.sp_rows


def named(address: int) -> Local:
    """The local address; garbage is BAD_ADDRESS."""
    local = Local.parse(address)
    if local is None:
        raise Fault(ErrorCode.BAD_ADDRESS)
    return local


def meet(first: int, last: int, other_first: int, other_last: int) -> bool:
    """Whether two spans of rows have a row in common."""
    return first <= other_last and other_first <= last


def transposes(config: Config, weight_stationary: bool, a: bool, b: bool) -> None:
    """The pairs of transposes that a dataflow has: none, A, B; output-stationary none, A, both."""
    require(config.transposes or not (a or b), ErrorCode.NOT_SUPPORTED)
    require(not (a and b) if weight_stationary else a or not b, ErrorCode.BAD_CONFIG)
