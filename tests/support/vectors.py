"""Programs that normalise rows of numbers the way Gemmini's library does."""

import math

from hw.isa import Local, encode, float_bits

PASSES = {2: ((1, 2), (3, 4), (0, 0)), 3: ((0, 0),), 4: ((5, 5), (6, 7), (0, 0))}


def softmax_constants(step):
    """For accumulators in steps of `step`."""
    return {
        "q_const": int(math.log(2) / step),
        "igelu_qb": int(1.353 / step),
        "igelu_qc": int(0.344 / (0.3585 * step * step)),
    }


def gelu_constants(step):
    qb = int(-1.769 / (step / math.sqrt(2)))
    qc = int(1 / (-0.2888 * step * step / 2))
    return {"igelu_qb": qb & 0xFFFF_FFFF, "igelu_qc": qc & 0xFFFF_FFFF}


def gelu_scale(step, output_step):
    """The scale for which 1 in the output is `output_step`."""
    return step * -0.2888 * step * step / 4 / output_step


def normalise(config, source, target, rows, cols, activation, scale, constants=()):
    """Load accumulator elements ``[rows, cols]``, normalise each row, store the result.

    Rows take turns, four at a time; the result's rows are `cols` elements apart.
    """
    dim, width, acc = config.dim, config.accumulator.width // 8, Local.ACC
    out_width = config.output.width // 8
    out = [
        encode("config_ld", scale=float_bits(1.0), stride=cols * width, block_stride=dim),
        encode(
            "config_st",
            scale=float_bits(scale),
            stride=cols * out_width,
            activation=activation & 3,
        ),
        encode("config_norm", activation_msb=activation >> 2, **dict(constants)),
    ]
    wide, blocks = config.max_load_blocks_acc * dim, config.max_block_len * dim
    for start in range(0, cols, wide):
        count = min(wide, cols - start)
        address = source + start * width
        out.append(encode("mvin", address=address, local=acc | start, rows=rows, cols=count))
    for first in range(0, rows, 4):
        group = range(first, min(first + 4, rows))
        for opening, closing in PASSES[activation]:
            for row in group:
                out.append(encode("config_norm", stat_only=1, stat_id=row % 4))
                for start in range(0, cols, blocks):
                    count = min(blocks, cols - start)
                    step = closing if start + count == cols else opening
                    local = acc | step << Local.NORM_LSB | start + row
                    address = target + (row * cols + start) * out_width
                    out.append(encode("mvout", address=address, local=local, rows=1, cols=count))
    return out
