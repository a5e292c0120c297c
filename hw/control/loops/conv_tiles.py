"""The computes of a convolution."""

from amaranth.hdl import Const, Module, Mux, Signal
from amaranth.lib.wiring import In, Out

from ...config import Config
from ...isa import GARBAGE
from .conv_loads import CHANNELS, ConvStream, hold, keep
from .conv_seen import Seen
from .inner import fill, local_address
from .nest import Nest, smaller
from .settings import Settings


class ConvTiles(ConvStream):
    """config_ex, then preload and compute for every tile of weights and of outputs.

    Members beside those of :class:`ConvStream`
    -------
    settings : In(Settings)
    computes : Out(1)
        A compute stands.
    channels : Out
        Output channels from those of the tile on.
    batches : Out
        Images from that of the tile on.
    final : Out(1)
        No later compute adds to this tile of outputs.
    lines_end : Out
        End of the local rows of the last line of A that is needed.
    place, depth : Out
        First row of the weights, from that of their channels on, and how many they are.
    c_row, c_more : Out
        Local row of C, and rows of C after the first tile of a line.
    strewn : Out(1)
        Tiles of outputs do not follow one another; `reverse`: nor do those of weights.
    by_line : Out(1)
        Weights are those of all three lines, outputs those of a line.
    """

    def __init__(self, config: Config):
        sp, acc = config.sp_row_bits, config.acc_row_bits
        super().__init__(
            config,
            settings=In(Settings()),
            computes=Out(1),
            channels=Out(CHANNELS),
            batches=Out(acc),
            final=Out(1),
            lines_end=Out(sp + 1),
            place=Out(sp),
            depth=Out(range(config.dim + 1)),
            c_row=Out(acc),
            c_more=Out(acc),
            strewn=Out(1),
            reverse=Out(1),
            by_line=Out(1),
        )

    def elaborate(self, platform):
        m = Module()
        config = self.config
        sp, acc = config.sp_row_bits, config.acc_row_bits
        m.submodules.nest = self.nest = nest = Nest(
            {
                **{"och": CHANNELS, "krow": sp, "kcol": sp, "kch": CHANNELS},
                **{"b": acc, "orow": acc, "ocol": acc},
            },
            {
                "a": (sp, "och krow kcol kch b orow ocol"),
                "end": (sp + 1, "krow b orow"),
                "b": (sp, "och krow kcol kch"),
                "place": (sp, "krow kcol kch"),
                "c": (acc, "och krow kcol b orow ocol"),
                "y": (sp + 2, "krow orow"),
                "x": (sp + 2, "kcol ocol"),
            },
        )
        m.submodules.seen = self.seen = Seen(config, sp + 2)
        o, take = self.plan.o, self.take
        self.lanes = keep(m, take, o.input_3120, "lanes")
        self.dilated = keep(m, take, o.input_dilated, "dilated")
        self.lines = keep(m, take, self.plan.channelwise, "lines")
        self.at_once = config.dw_lines or 3  # lines of a kernel in one compute
        self.passes = -(-3 // self.at_once)
        self.packed = keep(m, take, self.plan.pixels > 1, "packed")
        turned = self.plan.channelwise & ~o.weights_1203
        self.by_row = keep(m, take, o.weights_0132 | turned, "by_row")  # B is transposed
        self._counts(m)
        self._hops_of_a(m)
        self._hops_of_b(m)
        self._hops_of_c(m)
        self._look(m)
        self._emit(m)
        m.d.comb += [
            self.channels.eq(nest.left.och),
            self.batches.eq(nest.left.b),
            self.final.eq(nest.last.krow & nest.last.kcol & nest.last.kch),
            self.lines_end.eq(nest.at.end),
            self.place.eq(nest.at.place),
            self.c_row.eq(nest.at.c),
            self.strewn.eq(self.lanes | self.dilated),
            self.by_line.eq(self.lines),
            self.c_more.eq(Mux(self.lines, self.ocols - 1, 0)),
        ]
        return m

    def _keep(self, m: Module, target, value):
        hold(m, self.take, target, value)

    def _counts(self, m: Module):
        """Counts and steps; with dilation only every second output has a pixel under a tap."""
        nest, plan, dim = self.nest, self.plan, self.config.dim
        p, o, lines, sizes = plan.p, plan.o, plan.channelwise, plan.sizes
        packed = plan.pixels > 1
        orows, ocols = (keep(m, self.take, getattr(p, n), n) for n in ("orows", "ocols"))
        self.ocols = ocols
        tap_rows = keep(m, self.take, sizes.pixels, "tap_rows")
        self._keep(m, nest.count.och, p.pochs)
        self._keep(m, nest.count.krow, Mux(lines, self.passes, p.krows))
        self._keep(m, nest.count.kcol, Mux(lines, 1, Mux(packed, sizes.tap_line, p.kcols)))
        self._keep(m, nest.count.kch, Mux(lines, 1, p.kchs))
        self._keep(m, nest.count.b, p.batches)
        m.d.comb += [
            nest.step.och.eq(dim),
            nest.step.krow.eq(1),
            nest.step.kcol.eq(Mux(self.packed, tap_rows, 1)),
            nest.step.kch.eq(dim),
            nest.step.b.eq(Mux(self.lanes, dim, 1)),
            nest.step.orow.eq(1),
            nest.step.ocol.eq(Mux(self.lanes, 1, dim)),
        ]
        odd = {}  # whether outputs start at the second row, column
        advances = {"rows": nest.advances.krow, "cols": nest.advances.kcol}
        begins = {
            "rows": nest.advances.och,
            "cols": nest.advances.och | nest.advances.krow,
        }
        dilation_odd = keep(m, self.take, plan.dilation[0], "dilation_odd")
        for name, pad in (("rows", plan.sizes.upad), ("cols", plan.sizes.lpad)):
            first = keep(m, self.take, o.input_dilated & pad[0], f"odd_{name}")
            now, soon = Signal(name=f"start_{name}"), Signal(name=f"next_{name}")
            toggles = self.dilated & dilation_odd
            m.d.comb += soon.eq(
                Mux(
                    nest.start | begins[name],
                    first,
                    now ^ (advances[name] & toggles),
                )
            )
            with m.If(nest.start | nest.next):
                m.d.sync += now.eq(soon)
            odd[name] = (first, now, soon, toggles)
        self.odd = odd
        m.d.comb += [
            nest.count.orow.eq(Mux(self.dilated, (orows + 1 - odd["rows"][2]) >> 1, orows)),
            nest.count.ocol.eq(
                Mux(
                    self.lines,
                    1,
                    Mux(self.dilated, (ocols + 1 - odd["cols"][2]) >> 1, ocols),
                )
            ),
        ]

    def _hops_of_a(self, m: Module):
        nest, plan, sizes, dim = self.nest, self.plan, self.plan.sizes, self.config.dim
        o, dilated, lanes = plan.o, plan.o.input_dilated, plan.o.input_3120
        hop, end, bits, at_once = nest.hop.a, nest.hop.end, len(nest.at.a), self.at_once
        width = keep(m, self.take, sizes.width[:bits], "width")
        kernel_down = keep(m, self.take, sizes.kernel_down[:bits], "kernel_down")
        kernel_step = Signal(10)
        self._keep(m, nest.origin.a, plan.a0)
        self._keep(
            m, nest.origin.end, plan.a0 + Mux(plan.channelwise, sizes.width * at_once, sizes.width)
        )
        self._keep(m, hop.och, Mux(plan.channelwise, sizes.plane, 0))
        self._keep(m, hop.kch, Mux(lanes, sizes.line * dim, sizes.plane))
        self._keep(m, hop.b, Mux(lanes, sizes.plane, sizes.line))
        self._keep(m, hop.orow, sizes.down)
        step = Mux(dilated | o.downsample, 1, plan.stride)
        self._keep(m, hop.ocol, Mux(lanes, step, step * dim))
        self._keep(
            m,
            kernel_step,
            Mux(dilated, plan.dilation >> 1, Mux(plan.pixels > 1, plan.pixels, plan.dilation)),
        )
        # odd dilation: one pixel more than half of it, or not, as the first output moves
        more = {name: toggles & ~now for name, (_, now, _, toggles) in self.odd.items()}
        m.d.comb += [
            hop.krow.eq(
                Mux(self.lines, width * at_once, kernel_down + Mux(more["rows"], width, 0))
            ),
            hop.kcol.eq(kernel_step + more["cols"]),
            end.krow.eq(hop.krow),
            end.b.eq(hop.b),
            end.orow.eq(hop.orow),
        ]

    def _hops_of_b(self, m: Module):
        nest, plan, sizes, dim = self.nest, self.plan, self.plan.sizes, self.config.dim
        p, o, hop = plan.p, plan.o, self.nest.hop.b
        swapped, lines, bits = o.weights_0132, plan.channelwise, len(nest.at.b)
        turned = lines & ~o.weights_1203
        tap = Mux(swapped, p.pochs, p.kchs)
        tap_hop = Mux(plan.pixels > 1, sizes.pixels, tap)[:bits]
        tap_line = sizes.tap_line[:bits]
        rotated = Mux(o.rotate, sizes.filter - tap, 0)
        self._keep(m, nest.origin.b, plan.b0 + rotated)
        m.d.comb += nest.origin.place.eq(0)
        self._keep(m, hop.och, Mux(swapped | turned, dim, sizes.filter))
        down = Mux(lines, 3 * self.at_once, tap_line)
        self._keep(m, hop.krow, Mux(o.rotate, -tap_line, down))
        self._keep(m, hop.kcol, Mux(o.rotate, -tap_hop, tap_hop))
        self._keep(m, hop.kch, Mux(swapped, sizes.filter, dim))
        m.d.comb += [
            nest.hop.place.krow.eq(hop.krow),
            nest.hop.place.kcol.eq(hop.kcol),
            nest.hop.place.kch.eq(hop.kch),
            self.reverse.eq(keep(m, self.take, o.rotate | swapped, "backwards")),
        ]

    def _hops_of_c(self, m: Module):
        nest, plan, sizes, dim = self.nest, self.plan, self.plan.sizes, self.config.dim
        p, o, hop, bits = plan.p, plan.o, self.nest.hop.c, len(self.nest.at.c)
        dilated, lanes = o.input_dilated, o.input_3120
        first_rows, first_cols = dilated & sizes.upad[0], dilated & sizes.lpad[0]
        self._keep(m, nest.origin.c, plan.c0 + Mux(first_rows, p.ocols, 0) + first_cols)
        self._keep(m, hop.och, sizes.outs)
        self._keep(m, hop.b, Mux(lanes, sizes.out_line * dim, sizes.out_line))
        self._keep(m, hop.orow, Mux(dilated, p.ocols << 1, p.ocols))
        unit = Mux(dilated, 2, 1)
        self._keep(m, hop.ocol, Mux(lanes, unit, unit * dim))
        for name, distance in (("rows", self.ocols[:bits]), ("cols", Const(1, bits))):
            _, now, _, toggles = self.odd[name]
            back = Mux(now, -distance, distance)
            target = hop.krow if name == "rows" else hop.kcol
            m.d.comb += target.eq(Mux(toggles, back, 0))

    def _look(self, m: Module):
        """Which outputs of the tile see the image."""
        nest, plan, dim, seen, take = self.nest, self.plan, self.config.dim, self.seen, self.take
        o, sizes, hop = plan.o, plan.sizes, self.nest.hop
        self.opening = Signal()  # nothing has been added to these outputs yet
        inner = nest.advances.krow | nest.advances.kcol | nest.advances.kch
        with m.If(nest.start | (nest.next & nest.advances.och)):
            m.d.sync += self.opening.eq(1)
        with m.Elif(nest.next & inner):
            m.d.sync += self.opening.eq(0)
        plain = ~(o.input_dilated | o.input_3120 | plan.channelwise)
        by_row = keep(m, take, plain, "clips_rows")
        by_column = keep(m, take, plain & (plan.pixels == 1) & (plan.stride <= 2), "clips_columns")
        self._keep(m, hop.y.krow, Mux(plan.channelwise, self.at_once, plan.dilation))
        self._keep(m, hop.y.orow, plan.stride)
        self._keep(m, hop.x.kcol, plan.dilation)
        self._keep(m, hop.x.ocol, plan.stride * dim)
        self._keep(m, seen.top, sizes.upad)
        self._keep(m, seen.bottom, sizes.upad + sizes.irows)
        self._keep(m, seen.left, sizes.lpad)
        self._keep(m, seen.right, sizes.lpad + sizes.icols)
        m.d.comb += [
            seen.looks.eq(nest.busy & ~nest.valid),
            seen.y.eq(nest.at.y),
            seen.x.eq(nest.at.x),
            seen.outputs.eq(
                Mux(self.lanes, smaller(nest.left.b, dim), smaller(nest.left.ocol, dim))
            ),
            seen.doubles.eq(keep(m, take, plan.stride[1], "doubles")),
            seen.by_row.eq(by_row & ~self.opening),
            seen.by_column.eq(by_column & ~self.opening),
            nest.origin.y.eq(0),
            nest.origin.x.eq(0),
        ]

    def _emit(self, m: Module):
        """preload and compute; a tap without outputs has none."""
        nest, dim, plan = self.nest, self.config.dim, self.plan
        stride = keep(m, self.take, plan.stride, "line_step")
        width = keep(m, self.take, plan.sizes.width[:16], "line_width")
        fresh, second = Signal(), Signal()
        left = keep(m, self.take, plan.sizes.lpad[:4], "line_left")
        overwrites = keep(m, self.take, plan.overwrites, "overwrites")
        empty = (nest.left.orow == 0) | (nest.left.ocol == 0) | self.seen.none
        opens, ready = self.opens, Signal()
        with m.If(self.take):
            m.d.sync += opens.eq(1)
        m.d.comb += [
            ready.eq(nest.valid & ~opens & ~empty),
            self.busy.eq(opens | nest.busy),
            self.valid.eq(opens | ready),
            nest.start.eq(opens & self.next),
            nest.next.eq(nest.valid & ~opens & (empty | (self.next & second))),
            self.computes.eq(ready & second),
        ]
        with m.If(self.next & ~opens):
            m.d.sync += second.eq(~second)
        changes = nest.advances.och | nest.advances.krow | nest.advances.kcol | nest.advances.kch
        with m.If(nest.start | (nest.next & changes)):
            m.d.sync += fresh.eq(1)
        with m.Elif(self.next & second):
            m.d.sync += fresh.eq(0)
        rows, cols, deep = (Signal(range(dim + 1), name=n) for n in ("rows", "cols", "deep"))
        taps, lines = Signal(range(10)), Signal(3)
        m.d.comb += [taps.eq(3 * self.at_once), lines.eq(self.seen.lines[: self.at_once])]
        if 3 % self.at_once:
            with m.If(nest.last.krow):
                m.d.comb += [taps.eq(3), lines.eq(self.seen.lines[0])]
        skipped = self.seen.skipped
        a, c = Signal(len(nest.at.a)), Signal(len(nest.at.c))
        m.d.comb += [
            a.eq(nest.at.a + Mux(self.seen.doubles, skipped << 1, skipped)),
            c.eq(nest.at.c + skipped),
            rows.eq(self.seen.rows),
            cols.eq(smaller(nest.left.och, dim)),
            deep.eq(
                Mux(
                    self.packed,
                    Mux(nest.last.kcol, nest.left.kcol, nest.step.kcol),
                    smaller(nest.left.kch, dim),
                )
            ),
            self.depth.eq(deep),
        ]
        configures = self._configure(m)
        with m.If(opens):
            with m.If(self.next):
                m.d.sync += opens.eq(0)
            m.d.comb += configures
        with m.Elif(~second):
            m.d.comb += fill(
                self.command,
                "preload",
                b_addr=Mux(fresh | self.lines, local_address(nest.at.b), GARBAGE),
                b_rows=Mux(self.lines, taps, deep),
                b_cols=cols,
                c_addr=local_address(c, acc=1, accumulate=~(overwrites & self.opening)),
                c_rows=Mux(self.lines, 1, rows),
                c_cols=cols,
            )
        with m.Elif(self.lines):
            m.d.comb += fill(
                self.command,
                "compute_depthwise",
                a_addr=local_address(nest.at.a),
                width=width,
                outputs=self.ocols,
                line_stride=width,
                lines=lines,
                left=left,
                stride=stride,
                keep=~fresh,
            )
        with m.Else():
            m.d.comb += fill(
                self.command,
                "compute_accumulated",
                a_addr=local_address(a),
                a_rows=rows,
                a_cols=deep,
                d_addr=GARBAGE,
                d_rows=rows,
                d_cols=cols,
            )
            with m.If(fresh):
                m.d.comb += fill(self.command, "compute_preloaded")

    def _configure(self, m: Module):
        """The config_ex that the computes need."""
        plan, sizes = self.plan, self.plan.sizes
        o, transposes = plan.o, self.config.transposes
        step = Mux(o.downsample, plan.stride >> 1, plan.stride)
        a_stride = Mux(o.input_3120, sizes.line, step)
        c_stride = Mux(o.input_3120, sizes.out_line, Mux(o.input_dilated, 2, 1))
        return fill(
            self.command,
            "config_ex",
            dataflow=1,
            activation=self.settings.relu,
            shift=self.settings.shift,
            transpose_a=self.lanes & transposes,
            transpose_b=self.by_row & transposes,
            a_stride=keep(m, self.take, a_stride[:16], "a_stride"),
            c_stride=keep(m, self.take, c_stride[:16], "c_stride"),
        )
