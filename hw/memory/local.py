"""Ports of the local memories as their clients see them.

Reads are a stream of row addresses answered by a stream of rows, in order. Writes are a stream of
rows with a lane mask. Contention shows as ready going away, never as a wrong or lost row.
"""

from amaranth.hdl import Module
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out, connect

from ..arith.mac import Add
from ..bus.stream import Buffer, HalfBuffer, behind
from ..config import Config
from ..control.ops import row_bits, shape_of


def write_latency(config: Config) -> int:
    """Cycles after which a read of the accumulator memory sees a write that was taken."""
    return 3 + Add(config.accumulator, config.mac_stages).latency


def unhurried(config: Config) -> bool:
    """Whether store, and execute for D, have one row asked for at a time, and no queue for more;
    and each memory takes one row at a time."""
    return config.in_order and not (config.pooling or config.dw_lines)


def registered(config: Config) -> bool:
    """Whether registers stand around the array, between the parts of execute and in the memories:
    where they have a faster clock, if rows go straight from the scratchpad to the array and results
    straight to their memory."""
    other = config.output_stationary or config.transposes or config.blocks
    return config.array_clock > 1 and not (other or config.weight_table or config.stochastic)


class ReadPort(wiring.Signature):
    """Rows of `shape` by address; at best one per cycle, three or more cycles after the request, or
    one every three cycles (:func:`unhurried`; five where :func:`registered`).

    Members
    -------
    request : Out(stream(row))
    data : In(stream(shape))
    """

    def __init__(self, config: Config, shape):
        super().__init__(
            {
                "request": Out(stream.Signature(row_bits(config))),
                "data": In(stream.Signature(shape)),
            }
        )


def read_buffered(m: Module, name: str, client: ReadPort, port: ReadPort, single: bool):
    """Connect a client to a port whose requests wait for others': they stand in a buffer, so that
    neither the client's walk nor its enables lie on the way through the arbitration. A `single`
    reader has no use for a second place."""
    kind = HalfBuffer if single else Buffer
    connect(m, behind(m, f"{name}_requests", kind, client.request), port.request)
    connect(m, port.data, client.data)


def sp_row(config: Config) -> data.ArrayLayout:
    """A scratchpad row: `dim` input elements."""
    return data.ArrayLayout(shape_of(config.input), config.dim)


def acc_row(config: Config) -> data.ArrayLayout:
    """An accumulator row: `dim` accumulator elements."""
    return data.ArrayLayout(shape_of(config.accumulator), config.dim)


class RowWrite(data.StructLayout):
    """Lanes of a row to write: those with a mask bit; `accumulate` adds modulo 2^width."""

    def __init__(self, config: Config, shape: data.ArrayLayout):
        super().__init__(
            {
                "row": row_bits(config),
                "lanes": shape,
                "mask": config.dim,
                "accumulate": 1,  # accumulator memory only
            }
        )


def SpReadPort(config: Config) -> ReadPort:
    """A reader of the scratchpad."""
    return ReadPort(config, sp_row(config))


def AccReadPort(config: Config) -> ReadPort:
    """A reader of the accumulator memory."""
    return ReadPort(config, acc_row(config))


def SpWrite(config: Config) -> stream.Signature:
    """Rows on their way into the scratchpad."""
    return stream.Signature(RowWrite(config, sp_row(config)))


def AccWrite(config: Config) -> stream.Signature:
    """Rows on their way into the accumulator memory."""
    return stream.Signature(RowWrite(config, acc_row(config)))
