"""The repository keeps its own house rules: sizes, docstrings, style, fresh pages, true README."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

from alhena.report.pages import isa_text
from alhena.report.system_page import system_page

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("hw", "sim", "sw", "fpga", "alhena", "bench", "tests")
FILES = [path for room in ROOMS for path in sorted((ROOT / room).rglob("*.py"))]
NAMES = [str(path.relative_to(ROOT)) for path in FILES]
MAX_LINES = 400
MAX_ELABORATE = 90


def tree(name: str) -> ast.Module:
    return ast.parse((ROOT / name).read_text())


def test_files_stay_small():
    c_files = [
        p for room in ROOMS for ext in ("c", "h", "cpp") for p in (ROOT / room).rglob(f"*.{ext}")
    ]
    names = [*NAMES, *(str(path.relative_to(ROOT)) for path in c_files)]
    sizes = {name: (ROOT / name).read_text().count("\n") for name in names}
    big = {name: lines for name, lines in sizes.items() if lines > MAX_LINES}
    assert not big, f"files above {MAX_LINES} lines: split them by concept"


def test_elaborate_stays_readable():
    long = [
        f"{name}: {node.end_lineno - node.lineno + 1} lines"
        for name in NAMES
        for node in ast.walk(tree(name))
        if isinstance(node, ast.FunctionDef)
        and node.name == "elaborate"
        and node.end_lineno - node.lineno + 1 > MAX_ELABORATE
    ]
    assert not long, f"elaborate() above {MAX_ELABORATE} lines: use methods or submodules"


def test_public_names_have_docstrings():
    missing = [
        f"{name}:{node.lineno} {node.name}"
        for name in NAMES
        if not name.startswith("tests/")
        for node in tree(name).body
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_")
        if not ast.get_docstring(node)
    ]
    assert not missing, "every public class says what it is"


def test_modules_have_docstrings():
    missing = [name for name in NAMES if (ROOT / name).read_text() and not _documented(name)]
    assert not missing, "every module says what it is for"


def _documented(name: str) -> bool:
    return name.startswith("tests/") or bool(ast.get_docstring(tree(name)))


def test_every_package_folder_has_an_init():
    folders = {path.parent for path in FILES if path.relative_to(ROOT).parts[0] != "tests"}
    missing = [str(f.relative_to(ROOT)) for f in folders if not (f / "__init__.py").exists()]
    assert not missing


@pytest.mark.parametrize("command", [["check"], ["format", "--check"]], ids=" ".join)
def test_style(command):
    done = subprocess.run(
        [sys.executable, "-m", "ruff", *command, *(r for r in ROOMS if (ROOT / r).exists())],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(("page", "text"), [("isa.md", isa_text), ("system.md", system_page)])
def test_generated_page_is_fresh(page, text):
    assert (ROOT / "docs" / page).read_text() == text(), "run: make docs"


def test_readme_commands_exist():
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    used = set(re.findall(r"make ([a-z-]+)", (ROOT / "README.md").read_text()))
    assert {"sim", "test"} <= used <= targets
    assert "make test" in (ROOT / ".ci" / "run").read_text()


def test_links_between_pages_lead_somewhere():
    broken = []
    for page in [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]:
        for link in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", page.read_text()):
            if "://" not in link and not (page.parent / link).exists():
                broken.append(f"{page.relative_to(ROOT)} → {link}")
    assert not broken


def test_second_configuration_of_the_readme_builds():
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    assert blocks, "the README shows how to make a configuration"
    for block in blocks:
        exec(compile(block, "README.md", "exec"), {})
