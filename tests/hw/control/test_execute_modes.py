"""Output-stationary tiles, transposes and depthwise lines through execute, against numpy."""

import numpy as np
import pytest

from hw.formats import Int
from tests.hw.control.test_execute import TINY, Model, equal_numpy, intervals, random_op

ALL = {"output_stationary": True, "transposes": True, "depthwise": True}
WIDE = {"sp_bank_rows": 64, "acc_bank_rows": 32}
INT4 = {"input": Int(4), "weight": Int(4), "output": Int(4), "accumulator": Int(12)}
CONFIGS = {
    "os_4x4": TINY.replace(output_stationary=True),
    "transposes_5x5": TINY.replace(dim=5, transposes=True, sp_bank_rows=32),
    "depthwise_4x4": TINY.replace(depthwise=True, sp_bank_rows=32),
    "all_3x3": TINY.replace(dim=3, **ALL),
    "all_int4_6x6": TINY.replace(dim=6, **ALL, **WIDE, **INT4),
    "all_9x9_two_banks": TINY.replace(dim=9, **ALL, **WIDE, sp_banks=2),
}


class ModalModel(Model):
    """Numpy twin with the output tile; it draws ops of all kinds that its configuration has."""

    def __init__(self, config, rng):
        super().__init__(config, rng)
        self.sums = np.zeros((config.dim, config.dim), np.int64)
        self.resident = 0

    def op(self, rng, config, resident):
        del resident
        op = random_op(rng, config, self.resident)
        op["shift"] = rng.randrange(config.accumulator.width) if rng.random() < 0.5 else 0
        if config.transposes or config.dw_lines:
            self._named(rng, op)
        if config.dw_lines and rng.random() < 0.4:
            self._line(rng, op)
        elif config.output_stationary:
            self._dataflow(rng, op)
        if op["load_weights"]:
            self.resident = op.get("b_rows", op["k"])
        if not config.output_stationary:
            op = {name: op[name] for name in op if name not in ("rows", "shift")}
        return op

    def _named(self, rng, op):
        """Rows of B that are zeros, and transposes."""
        config = self.config
        op["b_rows"] = op["k"]
        if op["load_weights"]:
            op["k"] = max(op["k"], 3 * config.dw_lines)
        if config.transposes:
            op["a_turn"], op["b_turn"] = rng.randrange(2), rng.randrange(2)
            op["a_rows"] = min(op["a_rows"], op["c_rows"])

    def _dataflow(self, rng, op):
        op |= {"os": rng.random() < 0.6, "add": rng.random() < 0.6, "rows": op["c_rows"]}
        if not op["os"]:
            op["shift"] = 0
            return
        if op["add"]:
            op["d_rows"] = 0
            op["rows"] = max(op["a_rows"], op["c_rows"])
        else:
            op["rows"] = self.config.dim
        if op["add"] and not op["rows"] and not op["load_weights"]:
            op["rows"] = op["c_rows"] = 1

    def _line(self, rng, op):
        config = self.config
        half = config.sp_rows // 2
        stride, left = rng.choice([1, 1, 2, 3]), rng.choice([0, 0, 1, 4])
        outputs = rng.choice([1, 2, rng.randint(1, 8)])
        pixels = max(0, (outputs - 1) * stride + 3 - left)
        lines = 0 if not self.resident and not op["load_weights"] else rng.getrandbits(9)
        op |= {"dw": 1, "left": left, "step": stride, "lines": lines % (1 << config.dw_lines)}
        op["a_rows"] = min(pixels, rng.choice([pixels, 2 * config.dim]))
        op |= {"a_cols": config.dim, "d_cols": config.dim, "d_rows": 0, "a_stride": 1, "a_turn": 0}
        op |= {"c_rows": outputs, "rows": 0, "shift": 0, "c_stride": 1}
        for name in ("a_row", "d_row", "x_row")[: max(config.dw_lines, 2)]:
            op[name] = rng.randrange(half - max(op["a_rows"], 1))
        if not config.transposes:
            del op["a_turn"]
        if not op["load_weights"]:
            op["b_rows"] = self.resident

    def matrix(self, op, name, rows, stride=1):
        """A or B as the op reads it."""
        turned, cols = op.get(f"{name}_turn"), op[f"{name}_cols"]
        row = op[f"{name}_row"]
        if turned:
            return self.tile(row, stride, cols, rows).T
        return self.tile(row, stride, rows, cols)

    def run(self, op):
        if op["load_weights"]:
            self.weights = self.matrix(op, "b", op.get("b_rows", op["k"]))
        if op.get("dw"):
            result = self.line(op)
        else:
            a = self.matrix(op, "a", op["a_rows"], op["a_stride"])
            result = a @ self.weights + self.tile(op["d_row"], 1, op["d_rows"], op["d_cols"])
        if op.get("os"):
            self.sums = self.config.accumulator.wrap(result + self.sums * bool(op["add"]))
            half = 1 << op["shift"] >> 1
            down, rest = self.sums >> op["shift"], self.sums & ((1 << op["shift"]) - 1)
            result = down + ((rest > half) | ((rest == half) & (down % 2 == 1) & (half > 0)))
        self.write(op, result)

    def line(self, op):
        """Outputs of a depthwise line, tap by tap."""
        result = np.zeros((op["c_rows"], self.config.dim), np.int64)
        for x in range(op["c_rows"]):
            for line in range(self.config.dw_lines):
                for tap in range(3):
                    pixel = x * op["step"] + tap - op["left"]
                    if op["lines"] >> line & 1 and 0 <= pixel < op["a_rows"]:
                        row = self.sp[op[("a_row", "d_row", "x_row")[line]] + pixel]
                        result[x] += row * self.weights[3 * line + tap]
        return result


@pytest.mark.parametrize("name", CONFIGS)
def test_random_ops_equal_numpy(name):
    config = CONFIGS[name]
    model = ModalModel(config, np.random.default_rng(config.dim))
    equal_numpy(config, config.dim, model, number=400 // config.dim)


def tiles(dim, count, **fields):
    """Whole tiles one after the other, with new weights each, C in turn."""
    op = {"load_weights": 1, "k": dim, "b_cols": dim, "a_rows": dim, "a_cols": dim, "c_acc": 1}
    op |= {"a_stride": 1, "c_rows": dim, "c_cols": dim, "c_stride": 1, "b_rows": dim}
    rows = [dim * n % 32 for n in range(count)]
    return [op | {"b_row": n, "a_row": 32 + n, "c_row": n} | fields for n in rows]


def test_output_stationary_tiles_follow_one_another_without_a_gap():
    ops = tiles(4, 16, os=1, add=1, rows=4)
    for n, op in enumerate(ops):
        op.pop("b_rows")
        op |= {"add": n % 4 != 0, "c_rows": 4 if n % 4 == 3 else 0}
    assert intervals(CONFIGS["os_4x4"], ops) == [4] * 15


def test_short_accumulations_wait_for_the_tile():
    ops = tiles(4, 16, os=1, add=1, rows=1, a_rows=1, c_rows=1, load_weights=0)
    for op in ops:
        op.pop("b_rows")
    assert intervals(CONFIGS["os_4x4"], ops) == [2] * 15


@pytest.mark.parametrize("turns", [(1, 0), (0, 1), (1, 1)])
def test_transposed_tiles_follow_one_another_without_a_gap(turns):
    config = TINY.replace(transposes=True)
    ops = tiles(4, 16, a_turn=turns[0], b_turn=turns[1])
    assert intervals(config, ops) == [4] * 15


@pytest.mark.parametrize("dim", [4, 6, 9])
@pytest.mark.parametrize("step, apart", [(1, 33), (2, 33), (1, 32)])
def test_depthwise_lines_take_a_cycle_per_pixel(dim, step, apart):
    config = TINY.replace(dim=dim, depthwise=True, **WIDE)
    outputs = 10
    pixels = (outputs - 1) * step + 1
    op = {"dw": 1, "lines": (1 << config.dw_lines) - 1, "left": 1, "step": step, "a_rows": pixels}
    op |= {"a_cols": dim, "d_cols": dim, "c_rows": outputs, "c_cols": dim, "c_acc": 1}
    op |= {"c_stride": 1, "a_stride": 1, "b_cols": dim, "b_rows": dim, "k": dim}
    ops = [op | {"a_row": n, "d_row": n + apart, "load_weights": n == 0} for n in range(6)]
    for n, line in enumerate(ops):
        line["c_row"] = n
        if config.dw_lines > 2:
            line["x_row"] = n + 2 * apart
    assert intervals(config, ops) == [(outputs - 1) * step + 3] * 5
