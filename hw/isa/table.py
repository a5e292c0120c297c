"""The command table: every command, every field; nothing else knows a bit position."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Field:
    """Bits `lsb` to `lsb + width - 1` of operand `rs` (1 or 2)."""

    name: str
    rs: int
    lsb: int
    width: int
    doc: str = ""

    @property
    def mask(self) -> int:
        return ((1 << self.width) - 1) << self.lsb


@dataclass(frozen=True)
class Spec:
    """One command: its function code, its fields and one line of documentation.

    `select` is the value of rs1[1:0] that tells the four configuration commands apart.
    """

    funct: int
    name: str
    doc: str
    fields: tuple[Field, ...] = ()
    select: int | None = None
    group: str = "core"

    def field(self, name: str) -> Field:
        for field in self.fields:
            if field.name == name:
                return field
        names = ", ".join(f.name for f in self.fields) or "none"
        raise ValueError(f"{self.name} has no field {name!r}; its fields are {names}")


def _row(rs: int, what: str) -> tuple[Field, ...]:
    """The `rows|cols|addr` operand."""
    return (
        Field(f"{what}_addr", rs, 0, 32, "local address"),
        Field(f"{what}_cols", rs, 32, 16, "columns"),
        Field(f"{what}_rows", rs, 48, 16, "rows"),
    )


def _move(doc: str) -> tuple[Field, ...]:
    return (
        Field("address", 1, 0, 32, f"{doc} (byte address; bits 63:32 are ignored)"),
        Field("local", 2, 0, 32, "local address"),
        Field("cols", 2, 32, 16, "columns"),
        Field("rows", 2, 48, 16, "rows"),
    )


def _run(rs: int, start: int, *widths: tuple[str, int]) -> tuple[Field, ...]:
    """Fields that follow one another from bit `start` up."""
    out = []
    for name, width in widths:
        out.append(Field(name, rs, start, width))
        start += width
    return tuple(out)


def _words(rs: int, *names: str) -> tuple[Field, ...]:
    return _run(rs, 0, *((name, 16) for name in names))


COMMANDS: tuple[Spec, ...] = (
    Spec(
        0,
        "config_ex",
        "Configure execute: dataflow, activation, transposes, strides.",
        (
            Field("dataflow", 1, 2, 1, "1 weight-stationary, 0 output-stationary"),
            Field("activation", 1, 3, 2, "0 none, 1 ReLU, 2 layernorm, 3 iGELU"),
            Field("strides_only", 1, 7, 1, "1 changes only the two strides"),
            Field("transpose_a", 1, 8, 1),
            Field("transpose_b", 1, 9, 1),
            Field("a_stride", 1, 16, 16, "rows between consecutive rows of A"),
            Field("acc_scale", 1, 32, 32, "float32; kept, of no effect"),
            Field("shift", 2, 0, 32, "rounding right shift of output-stationary results"),
            Field("c_stride", 2, 48, 16, "rows between consecutive rows of C"),
        ),
        select=0,
    ),
    Spec(
        0,
        "config_ld",
        "Configure one of the three sets of load parameters.",
        (
            Field("shrunk", 1, 2, 1, "1: loads into the accumulator have input width"),
            Field("set", 1, 3, 2, "which set: 0 mvin, 1 mvin2, 2 mvin3"),
            Field("repeats", 1, 8, 8, "pixel repeats"),
            Field("block_stride", 1, 16, 16, "local rows between blocks of a wide mvin"),
            Field("scale", 1, 32, 32, "float32 factor of input-width loads"),
            Field("stride", 2, 0, 32, "bytes between rows in memory; 0 repeats one row"),
            Field("lane", 2, 32, 8, "extension: first lane of the first block"),
            Field("weights", 1, 5, 1, "extension: 1: memory holds weights narrower than inputs"),
        ),
        select=1,
    ),
    Spec(
        0,
        "config_st",
        "Configure store: activation, scale, stride, pooling.",
        (
            Field("activation", 1, 2, 2, "0 none, 1 ReLU, 2 layernorm, 3 iGELU"),
            Field("pool_stride", 1, 4, 2, "0 = no pooling"),
            Field("pool_size", 1, 6, 2),
            Field("upper_pad", 1, 8, 2),
            Field("left_pad", 1, 10, 2),
            Field("pool_out_dim", 1, 24, 8),
            Field("pool_out_rows", 1, 32, 8),
            Field("pool_out_cols", 1, 40, 8),
            Field("out_rows", 1, 48, 8),
            Field("out_cols", 1, 56, 8),
            Field("stride", 2, 0, 32, "bytes between rows in memory"),
            Field("scale", 2, 32, 32, "float32 factor; all ones keeps the old one"),
        ),
        select=2,
    ),
    Spec(
        0,
        "config_norm",
        "Configure integer softmax, layernorm and GELU (I-BERT).",
        (
            Field("stat_id", 1, 8, 8),
            Field("activation_msb", 1, 16, 1),
            Field("stat_only", 1, 17, 1),
            Field("q_const_type", 1, 18, 1),
            Field("q_const", 1, 32, 32),
            Field("igelu_qb", 2, 0, 32),
            Field("igelu_qc", 2, 32, 32),
        ),
        select=3,
        group="norm",
    ),
    Spec(2, "mvin", "Move rows from memory to a local memory, load set 0.", _move("source")),
    Spec(1, "mvin2", "The same with load set 1.", _move("source")),
    Spec(14, "mvin3", "The same with load set 2.", _move("source")),
    Spec(3, "mvout", "Move rows from a local memory to memory.", _move("destination")),
    Spec(
        23,
        "mvout_spad",
        "Move rows between local memories.",
        (
            Field("destination", 1, 0, 32, "local address"),
            Field("stride", 1, 32, 32),
            *_row(2, "source"),
        ),
        group="spad",
    ),
    Spec(6, "preload", "Name B (or D) and C of the computes.", (*_row(1, "b"), *_row(2, "c"))),
    Spec(
        4,
        "compute_preloaded",
        "C = A·B + D with the B just preloaded.",
        (*_row(1, "a"), *_row(2, "d")),
    ),
    Spec(
        5,
        "compute_accumulated",
        "C = A·B + D with the weights that are in the array.",
        (*_row(1, "a"), *_row(2, "d")),
    ),
    Spec(7, "flush", "Accepted; there is no address translation.", (Field("skip", 1, 0, 1),)),
    Spec(
        8,
        "loop_ws",
        "Run the tiled matrix product described by the five commands before.",
        (
            Field("accumulate", 1, 0, 1),
            Field("full_c", 1, 1, 1),
            Field("low_d", 1, 2, 1),
            Field("activation", 1, 8, 8),
            Field("b_spad_id", 1, 16, 2),
            Field("a_spad_id", 1, 18, 2),
            Field("transpose_a", 2, 0, 1),
            Field("transpose_b", 2, 1, 1),
            Field("residual", 2, 2, 1),
        ),
        group="loop_ws",
    ),
    Spec(
        9,
        "loop_ws_config_bounds",
        "Tiles and padding of loop_ws.",
        (*_words(1, "pad_i", "pad_j", "pad_k"), *_words(2, "i", "j", "k")),
        group="loop_ws",
    ),
    Spec(
        10,
        "loop_ws_config_addrs_ab",
        "Addresses of A and B.",
        (Field("a", 1, 0, 64), Field("b", 2, 0, 64)),
        group="loop_ws",
    ),
    Spec(
        11,
        "loop_ws_config_addrs_dc",
        "Addresses of D and C.",
        (Field("d", 1, 0, 64), Field("c", 2, 0, 64)),
        group="loop_ws",
    ),
    Spec(
        12,
        "loop_ws_config_strides_ab",
        "Strides of A and B in elements.",
        (Field("a", 1, 0, 64), Field("b", 2, 0, 64)),
        group="loop_ws",
    ),
    Spec(
        13,
        "loop_ws_config_strides_dc",
        "Strides of D and C in elements.",
        (Field("d", 1, 0, 64), Field("c", 2, 0, 64)),
        group="loop_ws",
    ),
    Spec(
        24,
        "loop_ws_config_spad_ab",
        "Scratchpad-resident A and B.",
        (Field("a", 1, 0, 32), Field("b", 2, 0, 32)),
        group="loop_ws",
    ),
    Spec(
        25,
        "loop_ws_config_spad_c",
        "Scratchpad-resident C.",
        (Field("c", 1, 0, 32),),
        group="loop_ws",
    ),
    Spec(
        15,
        "loop_conv_ws",
        "Run the convolution described by the six commands before.",
        (
            Field("no_bias", 1, 0, 1),
            Field("rotate", 1, 1, 1),
            Field("transpose_output", 1, 2, 1),
            Field("weights_1203", 1, 3, 1),
            Field("weights_0132", 1, 4, 1),
            Field("input_3120", 1, 5, 1),
            Field("depthwise", 1, 6, 1),
            Field("max_pixels_per_row", 1, 8, 8),
            Field("b_spad_id", 1, 16, 2),
            Field("a_spad_id", 1, 18, 2),
            Field("no_pool", 2, 0, 1),
            Field("downsample", 2, 1, 1),
            Field("input_dilated", 2, 2, 1),
            Field("activation", 2, 3, 3),
        ),
        group="loop_conv",
    ),
    Spec(
        16,
        "loop_conv_ws_config_1",
        "Shapes of the whole convolution.",
        (
            *_words(1, "batch", "in_rows", "in_channels", "out_channels"),
            *_words(2, "out_rows", "pool_out_rows", "out_cols"),
            *_run(2, 48, ("stride", 8), ("padding", 8)),
        ),
        group="loop_conv",
    ),
    Spec(
        17,
        "loop_conv_ws_config_2",
        "Kernel, pooling and the shape of this part.",
        (
            *_run(1, 0, ("pool_padding", 8), ("pool_stride", 8), ("pool_size", 16)),
            *_run(1, 32, ("pool_out_cols", 16), ("kernel", 16)),
            *_words(2, "pochs", "pocols", "porows", "batches"),
        ),
        group="loop_conv",
    ),
    Spec(
        18,
        "loop_conv_ws_config_3",
        "Padding of this part.",
        (
            *_words(1, "lpad", "kchs", "kcols", "krows"),
            *_run(2, 0, ("in_cols", 16), ("plpad", 8), ("dpad", 8), ("upad", 16), ("rpad", 16)),
        ),
        group="loop_conv",
    ),
    Spec(
        19,
        "loop_conv_ws_config_4",
        "Dilation, pooling padding and strides.",
        (
            *_run(1, 0, ("kernel_dilation", 10), ("pdpad", 11), ("pupad", 11)),
            *_run(1, 32, ("prpad", 16), ("orows", 16)),
            *_words(2, "ocols", "out_stride", "weight_stride", "in_stride"),
        ),
        group="loop_conv",
    ),
    Spec(
        20,
        "loop_conv_ws_config_5",
        "Addresses of weights and output.",
        (Field("weights", 1, 0, 64), Field("output", 2, 0, 64)),
        group="loop_conv",
    ),
    Spec(
        21,
        "loop_conv_ws_config_6",
        "Addresses of bias and input.",
        (Field("bias", 1, 0, 64), Field("input", 2, 0, 64)),
        group="loop_conv",
    ),
    Spec(
        37,
        "error",
        "Return the error register: code in [7:0], command index in [31:8].",
        (Field("clear", 1, 0, 1, "1 clears it"),),
        group="extension",
    ),
    Spec(
        38,
        "compute_depthwise",
        "One line of a depthwise convolution; taps and C as preloaded.",
        (
            Field("a_addr", 1, 0, 32, "local address of the first line's first pixel"),
            Field("width", 1, 32, 16, "pixels of a line"),
            Field("outputs", 1, 48, 16),
            Field("line_stride", 2, 0, 16, "local rows between lines"),
            Field("lines", 2, 16, 3, "which lines exist, one bit each"),
            Field("left", 2, 20, 4, "padding to the left of the first pixel"),
            Field("stride", 2, 24, 3, "pixels between outputs"),
            Field("keep", 2, 31, 1, "1: the weights that are in the array"),
        ),
        group="depthwise",
    ),
    Spec(
        39,
        "random_seed",
        "Start the generators of stochastic rounding anew.",
        (Field("seed", 1, 0, 32),),
        group="stochastic",
    ),
    Spec(
        40,
        "weight_table",
        "Load the table of weights that are indices.",
        (
            Field("table_addr", 1, 0, 32, "local address of entries, dim per row"),
            Field("table_rows", 1, 48, 16, "rows"),
        ),
        group="codebook",
    ),
    Spec(
        126,
        "counter",
        "Access a performance counter; returns its value.",
        (
            Field("reset", 1, 0, 1, "zero all counters"),
            Field("snapshot_reset", 1, 1, 1, "leave the snapshot"),
            Field("snapshot", 1, 2, 1, "freeze the values that reads return"),
            Field("configure", 1, 3, 1, "select and zero one counter"),
            Field("index", 1, 4, 3, "which counter"),
            Field("event", 1, 12, 6, "what to count"),
            Field("external", 1, 31, 1, "1: external event"),
        ),
    ),
)

GROUPS: dict[str, str] = {
    "norm": "normalisation",
    "spad": "spad_store",
    "loop_ws": "loop_ws",
    "loop_conv": "loop_conv",
    "depthwise": "depthwise",
    "stochastic": "stochastic",
    "codebook": "weight_table",
}
"""Groups of commands that a configuration may leave out, and the field that says so."""


def supported(config, spec: Spec) -> bool:
    """Whether `config` has this command; otherwise it answers NOT_SUPPORTED."""
    return spec.group not in GROUPS or getattr(config, GROUPS[spec.group])


BY_NAME: dict[str, Spec] = {spec.name: spec for spec in COMMANDS}
BY_FUNCT: dict[int, list[Spec]] = {}
for _spec in COMMANDS:
    BY_FUNCT.setdefault(_spec.funct, []).append(_spec)

RESPONDS = frozenset({BY_NAME["error"].funct, BY_NAME["counter"].funct})
"""Function codes that answer with a value."""
