"""docs/normalisation.md element by element, in plain integers: the judge of RTL and simulator."""

import math


def clip(x, n):
    return max(-(2 ** (n - 1)), min(x, 2 ** (n - 1) - 1))


def divide(a, b):
    """⌊a / b⌋ by long division, so that not even the rounding of // is taken on trust."""
    quotient, rest, size = 0, 0, abs(a) if a >= 0 else abs(a) + b - 1
    for bit in reversed(range(size.bit_length())):
        rest = 2 * rest + (size >> bit & 1)
        quotient = 2 * quotient + (rest >= b)
        rest -= b if rest >= b else 0
    return quotient if a >= 0 else -quotient


def rounded(a, k):
    """round(a / 2^k), halves towards plus infinity."""
    return divide(2 * a + 2**k, 2 ** (k + 1))


class Page:
    """All the state of the page; `width` and `most` are W and A, `dim` the columns of a block."""

    def __init__(self, width, most, dim, limit=65535):
        self.width, self.most, self.dim, self.limit = width, most, dim, limit
        self.a = len(bin(most)) - 2
        self.fn, self.fs = min(16, max(width - 9, 0)), min(16, width - 1 - self.a)
        self.qln2 = self.qb = self.qc = 0
        empty = {"series": "none", "count": 0, "total": 0, "centre": 0, "m": 0, "k": 0}
        self.sets = [dict(empty) for _ in range(4)]

    @property
    def h(self):
        return 17 - min(len(bin(abs(self.qb))) - 2 if self.qb else 0, 17)

    @property
    def c(self):
        return clip(self.qc * 4**self.h, 36)

    def root(self, t):
        return clip(clip(t, 18) * 2**self.h, 18)

    def e(self, s, x):
        u = max(divide(s["centre"] - 8 * x, 8), 0)
        if u >= 32 * self.qln2:
            return 0
        z = divide(u, self.qln2)
        t = self.root(self.qb - (u - z * self.qln2))
        return divide(min(max(t * t + self.c, 0), 2**35 - 1), 2**z)

    def f(self, x):
        t = self.root(min(abs(x) + self.qb, 0))
        return clip(rounded(t * t + 2 * self.c if x >= 0 else -t * t, 19), 18)

    def gather(self, stat, n, rows):
        """A mvout with norm bits n over local rows, each a list of elements."""
        s = self.sets[stat]
        series = " sum sum squares squares maximum exponentials exponentials".split(" ")[n]
        if s["series"] != series:
            s.update(series=series, count=0, total=0)
            if series == "maximum":
                s["centre"] = -8 * 2 ** (self.width - 1)
        for row in rows:
            if s["count"] + len(row) > self.limit:
                continue
            s["count"] += len(row)
            for x in row:
                if series == "sum":
                    s["total"] += x
                elif series == "squares":
                    s["total"] += (8 * x - s["centre"]) ** 2
                elif series == "maximum":
                    s["centre"] = max(s["centre"], 8 * x)
                else:
                    s["total"] += self.e(s, x)
        if n in (2, 4, 7):
            self.close(s, n)
            s["series"] = "none"

    def close(self, s, n):
        if n == 2:
            s["centre"] = divide(8 * s["total"] + s["count"] // 2, s["count"])
            return
        if n == 4:
            r = max(math.isqrt(divide(2**16 * s["total"], s["count"])), 128)
        else:
            r = max(s["total"], 2**16)
        b = len(bin(r)) - 2
        if n == 4:
            s["m"], s["k"] = divide((2**17 - 1) * 2 ** (b - 1), r), b + 8 - self.fn
        else:
            s["m"] = divide(self.most * 2 ** (17 - self.a) * 2 ** (b - 1), r)
            s["k"] = b + 16 - self.a - self.fs

    def value(self, stat, activation, x):
        """What enters the scaler instead of x."""
        s = self.sets[stat]
        if activation == 3:
            return clip(rounded(x * self.f(x), self.j), self.width)
        s["series"] = "none"
        left = 8 * x - s["centre"] if activation == 2 else self.e(s, x)
        return clip(rounded(left * s["m"], s["k"]), self.width)

    @property
    def j(self):
        return max(min(17 - self.h + 4, self.width - 1) + 18 - self.width, 0)

    def power(self, activation):
        """g."""
        return {2: -self.fn, 3: self.j + 19 - 2 * self.h, 4: -self.fs}[activation]

    def scale(self, activation, bits):
        """The float32 pattern s·2^g."""
        exponent = bits >> 23 & 255
        moved = exponent + self.power(activation)
        if exponent == 0 or moved < 1:
            return 0
        return bits & 0x807FFFFF | min(moved, 254) << 23
