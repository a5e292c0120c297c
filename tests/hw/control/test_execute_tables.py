"""Tables of weights through execute, between tiles that need the old one and the new one."""

import numpy as np
import pytest

from hw.formats import Codebook, Int
from tests.hw.control.test_execute import Model, equal_numpy, intervals, random_op
from tests.support.tables import CUBES, tabled

CONFIGS = {
    "4x4": tabled(),
    "transposes_4x4": tabled(transposes=True),
    "transposes_3x3": tabled(Codebook(tuple(range(256)), Int(8)), dim=3, transposes=True),
    "int4_in_int8": tabled(Codebook(tuple(range(16)), Int(4)), Int(8)),
}


class TableModel(Model):
    """Numpy twin with a table."""

    resident = 0

    def __init__(self, config, rng):
        super().__init__(config, rng)
        self.table = np.array(config.weight.decode(range(len(config.weight.table))))

    def op(self, rng, config, resident):
        del resident
        if rng.random() < 0.25:
            rows = rng.randint(1, min(config.table_rows, config.sp_rows // 4))
            row = rng.randrange(config.sp_rows - rows)
            return self._more({"load_weights": 1, "table": 1, "k": rows}, rows, 0) | {
                **{"b_row": row, "b_cols": config.dim},
            }
        op = random_op(rng, config, self.resident)
        self.resident = op["k"]
        return self._more(op, op["k"], rng.randrange(2) if op["b_cols"] else 0)

    def _more(self, op, rows, turn):
        return op | {"b_rows": rows, "b_turn": turn} if self.config.transposes else op

    def run(self, op):
        config = self.config
        if op.get("table"):
            codes = self.sp[op["b_row"] : op["b_row"] + op["k"]].ravel()[: len(self.table)]
            self.table[: len(codes)] = config.factor.decode(codes.astype(np.uint64))
            return
        if op["load_weights"]:
            turn, k, cols = op.get("b_turn"), op["k"], op["b_cols"]
            b = self.tile(op["b_row"], 1, *((cols, k) if turn else (k, cols)))
            codes = (b.T if turn else b) % len(self.table)
            self.weights = self.table[codes] * (cols > 0)
        a = self.tile(op["a_row"], op["a_stride"], op["a_rows"], op["a_cols"])
        d = self.tile(op["d_row"], 1, op["d_rows"], op["d_cols"])
        self.write(op, a @ self.weights + d)


@pytest.mark.parametrize("name", CONFIGS)
@pytest.mark.parametrize("seed", [1, 2])
def test_random_ops_equal_numpy(name, seed):
    config = CONFIGS[name]
    equal_numpy(config, seed, TableModel(config, np.random.default_rng(seed)))


def test_a_table_costs_a_row_and_its_entries_while_no_rows_of_a_stream():
    """An entry is written per cycle while earlier rows of A stream; the op itself is a row."""
    dim, table = 4, {"load_weights": 1, "table": 1, "k": 4, "b_cols": 4}
    op = {"load_weights": 1, "k": dim, "b_cols": dim, "a_rows": dim, "a_cols": dim, "c_acc": 1}
    op |= {"a_stride": 1, "c_rows": dim, "c_cols": dim, "c_stride": 1}
    rows = [4 * n % 16 for n in range(12)]
    ops = [op | {"b_row": row, "a_row": 32 + row, "c_row": row} for row in rows]
    assert intervals(tabled(), ops) == [dim] * 11
    few = [op | {"load_weights": n == 0} for n, op in enumerate(ops)]
    ends = intervals(tabled(), [*few[:8], table, *few[8:]])
    assert 11 * dim + 1 <= sum(ends) <= 11 * dim + 5
    assert intervals(tabled(), [table] * 5) == [len(CUBES.table) + 1] * 4
