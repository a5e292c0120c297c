"""What the decoder should make of commands: a second reading of docs/semantics.md."""

import random

from hw.isa import BY_FUNCT, BY_NAME, COMMANDS, GARBAGE, GROUPS, RESPONDS, Command, Local, encode
from sim.machine.checks import Fault
from sim.machine.machine import Machine
from tests.hw.control.tiles import TileReference, span

LOAD, STORE = 0, 2
IMAGE = {f.name for f in BY_NAME["config_st"].fields} - {"activation", "stride", "scale"}
IMAGE_SIZES = (0, 1, 1, 2, 3, 4, 5, 7, 16)


def number(value):
    """A field as a number, or as a dict of its fields."""
    if hasattr(value, "shape") and hasattr(value.shape(), "members"):
        return {name: number(getattr(value, name)) for name in value.shape().members}
    return int(value)


class Reference(TileReference, Machine):
    """The simulator's checks, and what a good command becomes.

    `expect(command)` is ``("error", code)``, ``("special", funct)``, ``("op", unit, fields,
    reads, write)`` with the fields that matter, or None if nothing is dispatched.
    """

    def __init__(self, config):
        super().__init__(config, 1 << 12)

    def _bus(self, code):
        """Addresses beyond the memory are no matter of the decoder's."""

    def expect(self, command):
        state = self.state
        index, state.index = state.index, state.index + 1
        op = self.brought = None
        if command.spec is not None:
            make = getattr(self, f"expect_{command.spec.name}", None)
            op = make and make(command.fields(), index)
        try:
            self._execute(command)
        except Fault as fault:
            return ("error", int(fault.code))
        if command.funct in RESPONDS:
            return ("special", command.funct)
        if self.brought is not None:
            self.resident = self.brought
        return op

    def expect_mvin(self, f, index, number=0):
        local = Local.parse(f["local"])
        if local is None or not (f["rows"] and f["cols"]):
            return None
        kept = self.state.loads[number]
        wide = local.acc and not kept.shrunk
        lane = 0 if wide else kept.lane
        more = 0 if local.acc else max(kept.repeats, 1) - 1
        blocks = -(-(f["cols"] + lane) // self.config.dim)
        last = local.row + (blocks - 1) * kept.block_stride + f["rows"] - 1
        half = self.config.sp_rows // 2
        first = max(local.row - more, local.row // half * half if more else 0)
        fields = {
            "address": f["address"],
            "stride": kept.stride,
            "zero": f["address"] == 0,
            "rows": f["rows"],
            "cols": f["cols"],
            "lane": more * f["cols"] if more else lane,
            "more": more,
            "acc": local.acc,
            "accumulate": local.acc and local.accumulate,
            "wide": wide,
            "row": local.row,
            "block_stride": kept.block_stride,
            "scale": int(kept.scale.view("uint32")),
            "index": index,
        }
        return ("op", LOAD, fields, [], span(first, last, local.acc))

    def expect_mvin2(self, f, index):
        return self.expect_mvin(f, index, 1)

    def expect_mvin3(self, f, index):
        return self.expect_mvin(f, index, 2)

    def expect_mvout(self, f, index):
        local, state, kept = Local.parse(f["local"]), self.state, self.state.store
        image = local is not None and kept.image(local)
        rows = f["rows"]
        if image:
            rows = kept.moves_rows() * kept.out_rows * kept.out_cols
        if local is None or not (rows and f["cols"]):
            return None
        blocks = -(-f["cols"] // self.config.dim)
        last = local.row + (blocks - 1) * self.config.dim + rows - 1
        fields = {
            "address": f["address"],
            "stride": state.store_stride,
            "rows": rows,
            "cols": f["cols"],
            "acc": local.acc,
            "full": local.acc and local.full,
            "relu": state.store_relu,
            "row": local.row,
            "index": index,
        }
        self._normalised(fields, local)
        if self.config.mvout_scale:
            fields["scale"] = int(state.store_scale.view("uint32"))
        if self.config.pooling:
            fields["pooled"] = bool(image and kept.pool_stride)
        if image and kept.pool_stride:
            fields["pooling"] = dict(vars(kept))
            del fields["rows"]
        if self.config.spad_store:
            fields["local"] = 0
        return ("op", STORE, fields, [span(local.row, last, local.acc)], None)

    def _normalised(self, fields, local):
        """What normalisation adds to a store: ReLU is then one of its activations."""
        if not self.config.normalisation:
            return
        norm, step = self.state.norm, local.norm if local.acc else 0
        activation = 4 if norm.top_bit else self.state.store_activation
        fields["norm"] = {"step": step, "stat": norm.stat_id, "activation": activation}
        fields["full"] = fields["full"] and not step
        fields["configures"] = 0
        del fields["relu"]

    def expect_config_norm(self, f, index):
        if f["stat_only"] or not self.config.normalisation:
            return None
        fields = {"configures": 1, "keep": f["q_const_type"], "scale": f["q_const"]}
        fields |= {"address": f["igelu_qb"], "stride": f["igelu_qc"], "index": index}
        return ("op", STORE, fields, [], None)

    def expect_mvout_spad(self, f, index):
        source, target = Local.parse(f["source_addr"]), Local.parse(f["destination"])
        rows, stride, state = f["source_rows"], f["stride"] & 0xFFFF, self.state
        if source is None or target is None or not (rows and f["source_cols"]):
            return None
        fields = {
            "address": target.row,
            "stride": stride,
            "rows": rows,
            "cols": f["source_cols"],
            "acc": source.acc,
            "full": 0,
            "relu": state.store_relu,
            "row": source.row,
            "scale": int(state.store_scale.view("uint32")),
            "index": index,
            "local": 1,
        }
        self._normalised(fields, source)
        if not self.config.mvout_scale:
            del fields["scale"]
        if self.config.pooling:
            fields["pooled"] = 0
        reads = [span(source.row, source.row + rows - 1, source.acc)]
        return ("op", STORE, fields, reads, span(target.row, target.row + (rows - 1) * stride))


class Drawn:
    """Random commands of one configuration: two of three are tame, others near every limit."""

    def __init__(self, config, seed):
        self.config, self.rng = config, random.Random(seed)

    def tame(self, field):
        """A value that breaks no rule by itself, or None where any value will do."""
        rng, name, config = self.rng, field.name, self.config
        if name in ("local", "c_addr") and rng.random() < 0.5:
            return Local.ACC | rng.randrange(2) * Local.ACCUMULATE | rng.randrange(config.acc_rows)
        if name in ("local", "a_addr", "b_addr", "c_addr", "d_addr", "table_addr"):
            few = min(config.sp_rows, 4 * config.dim)
            return GARBAGE if rng.random() < 0.1 else rng.randrange(few)
        if name.endswith(("rows", "cols")) and field.width == 16:
            return rng.randint(1, config.dim)
        if name.endswith("_stride") and field.width == 16:
            return rng.randint(1, 2)
        plain = {"scale": 0x3F80_0000, "dataflow": 1, "activation": rng.randrange(2)}
        plain["external"] = 0
        if name.startswith("transpose") or name == "dataflow" and config.output_stationary:
            return None
        if name in ("width", "outputs"):
            return rng.randint(1, 2 * config.dim)
        if name in ("repeats", "lane"):
            return None if config.first_layer else 0
        if config.pooling and name in IMAGE:
            return None
        if name == "stride" and field.rs == 1:
            return rng.randrange(3)
        if name == "stat_id":
            return rng.randrange(4)
        return 0 if name.startswith("pool") else plain.get(name)

    def local(self):
        """A local address: anywhere, at the ends of a memory, just outside, or garbage."""
        rng, config = self.rng, self.config
        kind = rng.random()
        if kind < 0.08:
            return GARBAGE
        acc = rng.random() < 0.4
        rows = config.acc_rows if acc else config.sp_rows
        row = rng.choice(
            (
                rng.randrange(rows),
                rng.randrange(rows),
                rng.randrange(min(rows, 2 * config.dim)),
                rows - rng.randint(1, 2 * config.dim),
                rows + rng.randint(0, 1),
                rng.getrandbits(26) if kind < 0.2 else 0,
            )
        )
        flags = acc * Local.ACC
        flags |= (rng.random() < 0.3) * Local.ACCUMULATE | (rng.random() < 0.3) * Local.FULL
        norm = rng.randrange(8) << Local.NORM_LSB if rng.random() < 0.1 else 0
        return flags | norm | row

    def size(self, most):
        rng = self.rng
        kinds = (most, rng.randint(1, most), rng.randint(1, most), most + 1, 0)
        weights = (6, 6, 6, 1, 1)
        return rng.choices((*kinds, rng.getrandbits(16)), (*weights, 0.3))[0]

    def scale(self):
        rng = self.rng
        bits = (0x3F80_0000, 0x3F00_0000, 0x7F80_0000, 0xFFFF_FFFF, rng.getrandbits(32))
        return rng.choices(bits, (8, 4, 1, 1, 2))[0]

    def field(self, field):
        """A value for one field of one command."""
        rng, name, config = self.rng, field.name, self.config
        if name in ("local", "destination") or name.endswith("_addr"):
            return self.local()
        if config.pooling and name in IMAGE and rng.random() < 0.9:
            return rng.choice((0, 0, 1, 2, 3)) if field.width == 2 else rng.choice(IMAGE_SIZES)
        if name == "cols":
            blocks = (1, config.max_block_len, config.max_block_len_acc)
            loads = (config.max_load_blocks, config.max_load_blocks_acc)
            return self.size(config.dim * rng.choice((*blocks, *loads)))
        if name.endswith(("rows", "cols")) and field.width == 16:
            return self.size(config.dim)
        if name == "scale":
            return self.scale()
        if name == "block_stride" or name.endswith("_stride") and field.width == 16:
            return rng.choice((0, 1, 1, 2, config.dim, config.dim, rng.getrandbits(16)))
        if name == "dataflow":
            return int(rng.random() < (0.5 if config.output_stationary else 0.9))
        if name.startswith("transpose"):
            return int(rng.random() < (0.5 if config.transposes else 0.02))
        if name == "shift":
            return rng.choice((rng.randrange(32), config.accumulator.width, rng.getrandbits(32)))
        if name in ("width", "outputs"):
            return rng.choice((0, 1, 2, 9, 100, 1023, 1024, rng.getrandbits(16)))
        if name == "line_stride":
            return rng.choice((0, 1, config.dim, 40, rng.getrandbits(16)))
        if name in ("repeats", "lane"):
            few = rng.choice((0, 0, 1, 2, 3, config.dim - 1)) if config.first_layer else 0
            return rng.getrandbits(field.width) if rng.random() < 0.03 else few
        if name.startswith("pool") or name == "external":
            return rng.getrandbits(field.width) if rng.random() < 0.05 else 0
        if name == "activation":
            return rng.choices(range(4), (5, 5, 1, 1))[0]
        if name == "address":
            return rng.choice((0, rng.getrandbits(32), rng.getrandbits(11)))
        return rng.getrandbits(field.width)

    def command(self):
        rng = self.rng
        groups = set(GROUPS)
        groups -= {"spad"} if self.config.spad_store else set()
        groups -= {"norm"} if self.config.normalisation else set()
        groups -= {"depthwise"} if self.config.dw_lines else set()
        groups -= {"codebook"} if self.config.weight_table else set()
        core = [spec for spec in COMMANDS if spec.group not in groups]
        kind = rng.random()
        if kind < 0.02:
            unknown = [funct for funct in range(128) if funct not in BY_FUNCT]
            return Command(rng.choice(unknown), rng.getrandbits(64), rng.getrandbits(64))
        if kind < 0.04:
            later = rng.choice([spec for spec in COMMANDS if spec.group in groups])
            return encode(later.name)
        weights = [6 if spec.name.startswith(("preload", "compute")) else 2 for spec in core]
        (spec,) = rng.choices(core, weights)
        values = {f.name: self.field(f) for f in spec.fields}
        if rng.random() < 0.67:
            values |= {f.name: self.tame(f) for f in spec.fields if self.tame(f) is not None}
        return encode(spec.name, **values)
