"""What follows from the parameters of loop_conv_ws: its parts and their rows (docs/loops.md)."""

from hw.config import Config

from .loops import Parameters


class Shape:
    """What follows from the parameters, by the names of docs/loops.md."""

    def __init__(self, config: Config, p: Parameters):
        self.config, self.p = config, p
        self.dim = config.dim
        self.stride = max(p["stride"], 1)
        self.dilation = max(p["kernel_dilation"], 1)
        self.pixels = max(p["max_pixels_per_row"], 1)
        self.ds = p["downsample"]
        self.batches, self.orows, self.ocols = p["batches"], p["orows"], p["ocols"]
        self.ochs, self.kchs = p["pochs"], p["kchs"]
        self.krows, self.kcols = p["krows"], p["kcols"]
        self.images_in_lanes, self.swapped = p["input_3120"], p["weights_0132"]
        self.line_of_channels = bool(p["depthwise"] and self.kchs > 1)
        rows = self.split(self.orows, self.krows, p["upad"], p["dpad"])
        cols = self.split(self.ocols, self.kcols, p["lpad"], p["rpad"])
        self.reach = max(sum(rows), sum(cols))
        self.odd_row, self.odd_col = rows[0] % 2, cols[0] % 2
        self.upad, self.irows_in, self.dpad = self.undilated(*rows)
        self.lpad, self.icols_in, self.rpad = self.undilated(*cols)
        self.left = self.lpad
        if self.line_of_channels:  # padding is left out, above there is room for it
            self.lpad = self.rpad = self.dpad = 0
        self.lines = (self.irows_in + self.upad + self.dpad) >> self.ds
        self.width = (self.icols_in + self.lpad + self.rpad) >> self.ds
        stacked, across = self.batches, self.kchs
        if self.images_in_lanes:
            stacked, across = across, stacked
        self.plane = stacked * self.lines * self.width
        self.outs = self.batches * self.orows * self.ocols
        self.filt = self.krows * self.kcols * (self.ochs if self.swapped else self.kchs)
        if self.line_of_channels and p["weights_1203"]:
            self.filt = self.krows * self.kcols
        self.overwrites = p["bias"] and p["no_bias"] and not p["input_dilated"]
        self.a_rows = self.tiles(across) * self.plane
        self.b_rows = self.tiles(self.kchs if self.swapped else self.ochs) * self.filt
        self.c_rows = self.tiles(self.ochs) * self.outs

    def split(self, outputs: int, taps: int, before: int, after: int) -> tuple[int, int, int]:
        """Padding, image and padding that a row or column of outputs reads; dilated."""
        reach = outputs * self.stride + self.dilation * (taps - 1)
        before = min(before, reach)
        after = min(after, reach - before)
        return before, reach - before - after, after

    def half(self, x: int) -> int:
        return x >> self.p["input_dilated"]

    def undilated(self, before: int, image: int, after: int) -> tuple[int, int, int]:
        """The same without zeros between pixels; as many in all as a half of them needs."""
        apart = self.p["input_dilated"]
        both, pixels = before + image + after + apart >> apart, image + apart >> apart
        return self.half(before), pixels, both - pixels - self.half(before)

    def tiles(self, count: int) -> int:
        return -(-count // self.dim)
