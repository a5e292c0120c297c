"""`alhena multiplier`: how far a multiplier is from exact, what it costs, and what a network makes
of it.
"""

import numpy as np
from amaranth.hdl import Shape
from amaranth.sim import Simulator

from fpga.area import area
from hw.arith.mac import IN_LUTS, Mac
from hw.arith.mac.multiplier import unit_of
from hw.config import Config
from hw.formats import Multiplier
from hw.formats.mix import Mix
from hw.formats.multiplier import patterns, product_format
from hw.formats.multipliers import parse_multiplier
from sim.tools import ToolError
from sw.network.digits import load_digits
from sw.network.plan import check
from sw.network.reference import classify
from sw.train.quantise import network_in

from ..report import console
from .sim_rtl import run_machine

PAIRS = 1 << 16
"""Pairs of operands that the gates are asked for, at most."""


def config_with(name: str, formats: str | None, base: Config) -> Config:
    """`base`, in other formats if they are given, with the multiplier called `name`; ValueError
    says what cannot be."""
    mix = Mix.parse(formats) if formats else Mix.of(base)
    multiplier = parse_multiplier(name)
    config = base.replace(multiplier=None).with_formats(**vars(mix), mac_stages=base.mac_stages)
    check(network_in(mix), config)
    return config.replace(name=f"{base.name}-{multiplier.name}", multiplier=multiplier)


def run(config: Config, images: int, area: bool) -> dict:
    """The whole judgement of `config.multiplier`."""
    multiplier = config.multiplier
    a, b = multiplier.products.operands
    normal = multiplier.products.normal
    result = {
        "multiplier": multiplier.name,
        "formats": Mix.of(config).name,
        "operands": [a.name, b.name],
        "normal": normal,
        "digest": multiplier.products.digest,
        "errors": multiplier.errors(a, b, normal),
    }
    with console.stage(f"gates of {multiplier.name}"):
        result["gates"] = gates_against(multiplier)
    result["area"] = _areas(config) if area else None
    result["accuracy"] = _accuracy(config, images) if images else None
    return result


def gates_against(multiplier: Multiplier) -> dict:
    """How many products of the component differ from the function's, of how many asked for."""
    products = multiplier.products
    a, b = products.operands
    shapes = (Shape(f.width, f.signed) for f in (a, b, product_format(a, b)))
    unit = unit_of(multiplier, *shapes, products.normal)
    pairs = np.stack(np.meshgrid(patterns(a), patterns(b), indexing="ij"), -1).reshape(-1, 2)
    if products.normal:
        tops = [values >> (f.width - 1) == 1 for values, f in zip(pairs.T, (a, b), strict=True)]
        pairs = pairs[tops[0] & tops[1] | (pairs == 0).any(1)]
    if len(pairs) > PAIRS:
        pairs = np.random.default_rng(0).permutation(pairs)[:PAIRS]
    wanted = products(*pairs.T) & ((1 << a.width + b.width) - 1)
    wrong, first = 0, None

    async def bench(ctx):
        nonlocal wrong, first
        for (x, y), want in zip(pairs.tolist(), wanted.tolist(), strict=True):
            ctx.set(unit.a, x)
            ctx.set(unit.b, y)
            if ctx.get(unit.o[:]) != want:
                wrong += 1
                first = first or [x, y]

    simulator = Simulator(unit)
    simulator.add_testbench(bench)
    simulator.run()
    return {"pairs": len(pairs), "differ": wrong, "first": first}


def _areas(config: Config) -> dict:
    """Processing elements with an exact multiplier and with this one, on ECP5; or what to do."""
    formats = config.input, config.weight, config.accumulator, config.mac_stages
    found = {}
    for name, multiplier in (("exact", IN_LUTS), (config.multiplier.name, config.multiplier)):
        with console.stage(f"place and route with {name} products"):
            try:
                found[name] = vars(area(Mac(*formats, multiplier).create(), seeds=(1,)))
            except ToolError as error:
                return {"missing": str(error)}
    return found


def _accuracy(config: Config, images: int) -> dict:
    """Of the digits network on the instruction-set simulator: exact, and with the multiplier."""
    data, network = load_digits(), network_in(Mix.of(config))
    inputs, labels = network.inputs(data.test_images[:images]), data.test_labels[:images]
    found = {"images": images, "multiply-accumulates": network.macs}
    scores = {}
    for name, multiplier in (("exact", None), ("own", config.multiplier)):
        with console.stage(f"digits with {multiplier.name if multiplier else 'exact'} products"):
            scores[name] = run_machine(network, config.replace(multiplier=multiplier), inputs)[-1]
        found[name] = float((classify(scores[name]) == labels).mean())
    found["classes_changed"] = int((classify(scores["exact"]) != classify(scores["own"])).sum())
    return found


def show(result: dict):
    """Print the judgement for people."""
    operands = " by ".join(result["operands"]) + (" with top bits set" * result["normal"])
    errors = result["errors"]
    rows = [
        ("mean error", f"{errors['mean']:.4g}"),
        ("mean absolute error", f"{errors['mean_absolute']:.4g}"),
        ("worst absolute error", f"{errors['worst']:.0f}"),
        ("mean relative error (MRED)", f"{errors['relative']:.3%}"),
        ("mean absolute error / largest product (NMED)", f"{errors['normalised']:.3%}"),
        ("wrong products", f"{errors['rate']:.2%}"),
    ]
    over = "all" if errors["exhaustive"] else "random"
    title = f"{result['multiplier']}, {operands}: over {over} {errors['pairs']:,} pairs"
    console.out.print(console.table(title, ("error", ""), rows))
    gates = result["gates"]
    told = f"{gates['differ']} of {gates['pairs']:,} products differ from the function's"
    first = f", the first of {gates['first'][0]} and {gates['first'][1]}" if gates["first"] else ""
    console.out.print(f"gates: {told}{first}\n", highlight=False)
    _show_area(result)
    accuracy = result["accuracy"]
    if accuracy:
        console.out.print(
            f"handwritten digits in {result['formats']}, {accuracy['images']} held-out images: "
            f"{accuracy['own']:.2%}, with exact products {accuracy['exact']:.2%} "
            f"({accuracy['classes_changed']} classified otherwise)",
            highlight=False,
        )


def _show_area(result: dict):
    areas = result["area"]
    if areas is None:
        return
    if "missing" in areas:
        console.out.print(f"area: {areas['missing']}\n", highlight=False)
        return
    columns = ("products", "LUT4", "flip-flops", "MHz", "gates", "longest path")
    rows = [
        (name, a["lut"], a["ff"], round(a["mhz"]), a["gates"], a["depth"])
        for name, a in areas.items()
    ]
    title = f"Processing element of {result['formats']}, ECP5-6, no multiplier blocks"
    console.out.print(console.table(title, columns, rows))
