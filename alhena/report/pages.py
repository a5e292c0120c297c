"""The generated pages of docs/, and writing them."""

from pathlib import Path

from bench import systems
from sim.cache import ROOT

from .isa_page import isa_page
from .results_page import results_page
from .system_page import system_page
from .systems_page import systems_page

DOCS = ROOT / "docs"


def isa_text() -> str:
    """What docs/isa.md must hold."""
    return isa_page((DOCS / "semantics.md").read_text())


def write_pages() -> list[Path]:
    """Write the generated pages; docs/results.md and docs/systems.md only from
    complete runs in build/."""
    written = [DOCS / "isa.md", DOCS / "system.md"]
    for page, text in zip(written, (isa_text(), system_page()), strict=True):
        page.write_text(text)
    results = results_page(ROOT / "build")
    if results:
        written.append(DOCS / "results.md")
        written[-1].write_text(results)
    built = systems.record()
    if len(built) == len(systems.SYSTEMS):
        written.append(DOCS / "systems.md")
        written[-1].write_text(systems_page(built))
    return [path.relative_to(ROOT) for path in written]
