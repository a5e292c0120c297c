"""What the decoder should make of preload and the computes; a part of `commands.Reference`."""

from hw.isa import Local

EXECUTE = 1


def span(row, last, acc=False):
    return {"valid": 1, "acc": int(acc), "first": row, "last": last}


def used(tile):
    """Whether a tile is there at all."""
    return Local.parse(tile.address) is not None and tile.rows > 0 and tile.cols > 0


def covered(tile):
    """The scratchpad rows that a used tile occupies."""
    row = Local.parse(tile.address).row
    return span(row, row + (tile.lines - 1) * tile.stride)


class TileReference:
    """Knows the rows of the weights in the array, `resident`; `brought` if the command is good."""

    resident = 0
    brought = None

    def _weights(self, b, fields, reads):
        """Fields of the weights: B, or (None) those that are there; returns their rows."""
        config = self.config
        if b is None:
            fields["load_weights"] = 0
            return self.resident
        k = b.rows if used(b) else 0
        self.brought = k
        fields["load_weights"] = int(k > 0)
        if k:
            fields |= {"b_row": Local.parse(b.address).row, "b_cols": b.cols}
            fields |= {"k": max(k, 3 * config.dw_lines)}
            if config.transposes or config.dw_lines:
                fields["b_rows"] = k
            if config.transposes:
                fields["b_turn"] = int(b.transposed)
            reads.append(covered(b))
        return k

    def _result(self, rows, fields):
        """Fields of C with `rows` rows; returns the span that is written."""
        state, c = self.state, Local.parse(self.state.c.address)
        fields["c_rows"] = 0
        if c is None or not (rows and state.c.cols):
            return None
        stride = state.c.stride
        fields |= {
            "c_rows": rows,
            "c_cols": state.c.cols,
            "c_row": c.row,
            "c_stride": stride,
            "c_acc": c.acc,
            "c_accumulate": c.acc and c.accumulate,
            "relu": state.execute_relu,
        }
        return span(c.row, c.row + (rows - 1) * stride, c.acc)

    def expect_compute_preloaded(self, f, index, preloaded=True):
        del index
        state, config = self.state, self.config
        a, second = self._operands(f)
        stationary = state.weight_stationary
        named = state.b if preloaded else None
        b, d = (named, second) if stationary else (second, named)
        fields, reads = {}, []
        k = self._weights(b, fields, reads)
        write = self._result(state.c.rows, fields)
        on = used(a) and k > 0
        rows = fields["c_rows"]
        if not stationary:
            rows = config.dim if preloaded else max(rows, a.rows if on else 0)
        if config.output_stationary:
            fields |= {"os": int(not stationary), "rows": rows}
            fields |= {"add": int(not preloaded)} if not stationary else {}
            fields["shift"] = 0 if stationary else state.shift
        if not (fields["load_weights"] or write or (not stationary and rows)):
            return None
        if rows:
            there = d is not None and used(d)
            self._operand("a", a if on else None, min(a.cols, k), fields, reads)
            self._operand("d", d if there else None, d.cols if there else 0, fields, reads)
        return ("op", EXECUTE, fields, reads, write)

    def _operands(self, f):
        from sim.machine.compute import operands

        return operands(self.state, f)

    def _operand(self, name, tile, cols, fields, reads):
        """A or D: rows 0 or columns 0 if nothing of it is read."""
        fields[f"{name}_read"] = int(tile is not None)
        if tile is None:
            return
        fields |= {
            f"{name}_rows": tile.rows,
            f"{name}_cols": cols,
            f"{name}_row": Local.parse(tile.address).row,
        }
        if name == "a":
            fields["a_stride"] = tile.stride
            fields |= {"a_turn": int(tile.transposed)} if self.config.transposes else {}
        reads.append(covered(tile))

    def expect_compute_accumulated(self, f, index):
        return self.expect_compute_preloaded(f, index, preloaded=False)

    def expect_weight_table(self, f, index):
        del index
        local, rows = Local.parse(f["table_addr"]), f["table_rows"]
        if local is None or not rows:
            return None
        fields = {"load_weights": 1, "table": 1, "k": rows, "c_rows": 0, "a_rows": 0, "d_rows": 0}
        fields |= {"b_row": local.row, "b_cols": self.config.dim}
        if self.config.transposes:
            fields |= {"b_rows": rows, "b_turn": 0}
        return ("op", EXECUTE, fields, [span(local.row, local.row + rows - 1)], None)

    def expect_compute_depthwise(self, f, index):
        del index
        a, config = Local.parse(f["a_addr"]), self.config
        if a is None:
            return None
        fields, reads = {}, []
        k = self._weights(None if f["keep"] else self.state.b, fields, reads)
        write = self._result(f["outputs"], fields)
        fields["dw"] = int(write is not None)
        if not (fields["load_weights"] or write):
            return None
        mask = f["lines"] & ((1 << config.dw_lines) - 1)
        if write:
            pixels = max((f["outputs"] - 1) * f["stride"] + 3 - f["left"], 0)
            fields |= {"lines": mask if k else 0, "left": f["left"], "step": f["stride"]}
            fields |= {"a_rows": min(f["width"], pixels), "a_cols": config.dim}
            firsts = [a.row + n * f["line_stride"] for n in range(config.dw_lines)]
            there = [n for n in range(config.dw_lines) if mask >> n & 1 and f["width"]]
            fields |= {("a_row", "d_row", "x_row")[n]: firsts[n] for n in there}
            if there and k:
                reads.append(span(a.row, firsts[there[-1]] + f["width"] - 1))
        return ("op", EXECUTE, fields, reads, write)
