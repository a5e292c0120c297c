"""Artefacts are made once, whole, and found again."""

import threading
import time

import pytest

from sim.cache import build_directory, content_key, made_once


def test_made_once_by_many_threads(tmp_path):
    made = []

    def make(directory):
        made.append(directory)
        time.sleep(0.05)
        (directory / "result").write_text("done")

    def use():
        assert (made_once(tmp_path / "artefact", make) / "result").read_text() == "done"

    threads = [threading.Thread(target=use) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 1


def test_a_failed_make_leaves_nothing(tmp_path):
    def make(directory):
        (directory / "half").touch()
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        made_once(tmp_path / "artefact", make)
    assert [path.name for path in tmp_path.iterdir()] == ["artefact.lock"]


def test_keys_see_content_and_boundaries(tmp_path):
    file = tmp_path / "a"
    file.write_text("x")
    first = content_key(file, "b")
    file.write_text("y")
    assert content_key(file, "b") != first
    assert content_key("ab", "c") != content_key("a", "bc")


def test_build_directory_can_be_moved(tmp_path, monkeypatch):
    monkeypatch.setenv("ALHENA_BUILD", str(tmp_path / "out"))
    assert build_directory("rtl") == tmp_path / "out" / "rtl"
    assert build_directory("rtl").is_dir()
