"""Tools are found, and what is missing says how to mend it."""

import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from sim import tools


@pytest.fixture(autouse=True)
def forget():
    yield
    for find in (*tools.REQUIRED, *tools.FOR_TESTS, tools.verilator_root):
        find.cache_clear()


@pytest.mark.parametrize("find", [*tools.REQUIRED, *tools.FOR_TESTS])
def test_found_with_a_version(find):
    find.cache_clear()
    assert find().command and find().version


def test_an_override_that_is_no_program(monkeypatch):
    monkeypatch.setenv("CXX", "/nowhere/c++")
    tools.compiler.cache_clear()
    with pytest.raises(tools.ToolError, match=r"CXX=/nowhere/c\+\+ is no program; unset CXX"):
        tools.compiler()


def test_a_missing_program_names_the_remedy(monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    tools.make.cache_clear()
    with pytest.raises(tools.ToolError, match="apt-get install make"):
        tools.make()


def test_zig_compiles_where_there_is_no_other_compiler(monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    tools.compiler.cache_clear()
    assert tools.compiler().command[-1] == "c++"


def test_a_failing_run_shows_its_output(tmp_path):
    source = tmp_path / "bad.cpp"
    source.write_text("nonsense")
    with pytest.raises(tools.ToolError, match="nonsense"):
        tools.compiler().run("-c", source, cwd=tmp_path)


def test_what_comes_first_is_run_once(monkeypatch, tmp_path):
    monkeypatch.setenv("ALHENA_BUILD", str(tmp_path))
    runs = tmp_path / "runs"
    appends = f"import time; time.sleep(.1); open({str(runs)!r}, 'a').write('first ')"
    program = (sys.executable, "-c", f"print(open({str(runs)!r}).read())")
    first = (sys.executable, "-c", appends)
    with ThreadPoolExecutor(4) as pool:
        one = (tools.Tool("thing", program, "1", first=first) for _ in range(4))
        assert {said.strip() for said in pool.map(tools.Tool.run, one)} == {"first"}
    assert tools.Tool("thing", program, "2", first=first).run().strip() == "first first"
