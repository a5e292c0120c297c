"""Artefacts keyed by their content: made once, found again, safe with several processes."""

import contextlib
import fcntl
import hashlib
import os
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def build_directory(*parts: str) -> Path:
    """Where artefacts go: ``$ALHENA_BUILD``, else ``build/`` of the project; created."""
    base = os.environ.get("ALHENA_BUILD")
    in_project = (ROOT / "pyproject.toml").exists()
    directory = Path(base) if base else (ROOT if in_project else Path.cwd()) / "build"
    directory = directory.joinpath(*parts)
    directory.mkdir(parents=True, exist_ok=True)
    return directory


def content_key(*parts: object) -> str:
    """16 hex digits that change when any part's text, bytes or file content changes."""
    digest = hashlib.sha256()
    for part in parts:
        if isinstance(part, Path):
            part = part.read_bytes()
        data = part if isinstance(part, bytes) else str(part).encode()
        digest.update(len(data).to_bytes(8, "little") + data)
    return digest.hexdigest()[:16]


def sources(*folders: str, suffix: str = ".py") -> list[Path]:
    """The project's files of a kind under some folders, in a fixed order."""
    return sorted(path for folder in folders for path in (ROOT / folder).rglob(f"*{suffix}"))


@contextlib.contextmanager
def locked(path: Path):
    """Hold an exclusive lock on `path` (a file beside it) while the block runs."""
    with open(f"{path}.lock", "w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


@contextlib.contextmanager
def announced(text: str | None):
    """Show `text` on standard error with a spinner while the block runs (terminals only)."""
    if text is None or not sys.stderr.isatty():
        yield
        return
    from rich.console import Console

    with Console(stderr=True).status(text):
        yield


def made_once(final: Path, make: Callable[[Path], object], text: str | None = None) -> Path:
    """The directory `final`, filled by ``make(directory)`` if it does not exist yet.

    `make` works in a temporary directory that is renamed when it is complete, so that `final`
    is whole or absent; of several processes one makes and the others wait.
    """
    if final.exists():
        return final
    final.parent.mkdir(parents=True, exist_ok=True)
    with locked(final):
        if not final.exists():
            partial = Path(tempfile.mkdtemp(prefix=f".{final.name}.", dir=final.parent))
            try:
                with announced(text):
                    make(partial)
                partial.rename(final)
            except BaseException:
                shutil.rmtree(partial, ignore_errors=True)
                raise
    return final
