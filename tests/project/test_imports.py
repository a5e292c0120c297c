"""Who may import whom: hw <- sim <- sw <- fpga <- alhena."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ORDER = ("hw", "sim", "sw", "fpga", "alhena")
CONTRACT = ("hw.config", "hw.isa", "hw.formats", "hw.soc.map", "hw.soc.host")
ROOMS_WITH_CONTRACT_ONLY = ("sw", "sim/machine", "sim/engine.py", "sim/programs")


def modules(path: Path) -> set[str]:
    """Every module of ours that the file imports, with full dotted names."""
    package = path.relative_to(ROOT).parent.parts
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else ()
            module = ".".join([*base, *([node.module] if node.module else [])])
            found |= {f"{module}.{alias.name}" for alias in node.names}
    return {name for name in found if name.split(".")[0] in (*ORDER, "tests", "bench")}


def files(where: str) -> list[Path]:
    path = ROOT / where
    return [path] if path.is_file() else sorted(path.rglob("*.py"))


@pytest.mark.parametrize("room", ORDER)
def test_rooms_import_only_to_the_left(room):
    allowed = ORDER[: ORDER.index(room) + 1] + (("bench",) if room == "alhena" else ())
    wrong = [
        f"{path.relative_to(ROOT)} imports {name}"
        for path in files(room)
        for name in modules(path)
        if name.split(".")[0] not in allowed
    ]
    assert not wrong, f"{room} may import only {', '.join(allowed)}"


@pytest.mark.parametrize("where", ROOMS_WITH_CONTRACT_ONLY)
def test_software_knows_only_the_contract(where):
    wrong = [
        f"{path.relative_to(ROOT)} imports {name}"
        for path in files(where)
        for name in modules(path)
        if name.startswith("hw.") and not name.startswith(CONTRACT)
    ]
    assert not wrong, f"{where} may import only {', '.join(CONTRACT)} from hw"


@pytest.mark.parametrize(
    "where",
    [
        *("hw/config.py", "hw/config_rules.py", "hw/config_text.py"),
        *("hw/isa", "hw/formats", "hw/soc/map.py", "hw/soc/host.py"),
    ],
)
def test_contract_imports_nothing_else(where):
    wrong = [
        f"{path.relative_to(ROOT)} imports {name}"
        for path in files(where)
        for name in modules(path)
        if not name.startswith(CONTRACT)
    ]
    assert not wrong, "the contract is pure Python and numpy"
    for path in files(where):
        assert "amaranth" not in path.read_text(), f"{path.relative_to(ROOT)} mentions amaranth"
