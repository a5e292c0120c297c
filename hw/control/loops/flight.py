"""Two loops in flight: which of a loop's streams has taken which loop."""

from amaranth.hdl import Cat, Module, Signal


class Flight:
    """A plan that several streams take over, each when it is done with the plan before.

    A stream that follows others takes it after them; so it is never ahead, and none is more than
    one loop behind another. A new plan may be made when all have taken the old one.

    Attributes
    ----------
    valid, parity : Signal
        A plan is there that not all streams have taken; its number modulo 2.
    take : dict of Signal
        The stream takes the plan over in this cycle.
    turn : dict of Signal
        The number, modulo 2, of the plan that the stream will take next.
    """

    def __init__(self, m: Module, streams: dict[str, tuple[str, ...]], busy: dict):
        self.valid, self.parity, self.busy = Signal(), Signal(), busy
        self.take = {name: Signal(name=f"take_{name}") for name in streams}
        self.turn = {name: Signal(name=f"turn_{name}") for name in streams}
        for name, leaders in streams.items():
            ready = [self.turn[leader] != self.parity for leader in leaders]
            m.d.comb += self.take[name].eq(
                self.valid & ~busy[name] & (self.turn[name] == self.parity) & Cat(ready, 1).all()
            )
            with m.If(self.take[name]):
                m.d.sync += self.turn[name].eq(~self.turn[name])
        taken = Cat(turn != self.parity for turn in self.turn.values()).all()
        with m.If(self.valid & taken):
            m.d.sync += [self.valid.eq(0), self.parity.eq(~self.parity)]

    def past(self, leader: str, follower: str):
        """Whether `leader` has sent all of the loop that `follower` is at."""
        return (self.turn[leader] != self.turn[follower]) | ~self.busy[leader]

    def behind(self, follower: str, leader: str):
        """Whether `follower` has not come to the loop of `leader` yet."""
        return self.turn[leader] != self.turn[follower]

    def loop(self, name: str):
        """The number, modulo 2, of the loop that a stream is at."""
        return ~self.turn[name]
