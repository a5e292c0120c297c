"""Firmware: from C to a program in memory, with the zig wheel; cached by content."""

from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from elftools.elf.elffile import ELFFile

from hw.config import Config
from hw.soc.host import CORES, CUSTOM, DEFAULT, Host
from hw.soc.map import FIRMWARE, Region
from sim.cache import build_directory, content_key, made_once
from sim.tools import zig

from .dropin import DropInError, gemmini_params_h, xcustom_h
from .header import alhena_h

SOURCES = Path(__file__).resolve().parents[1] / "firmware"
"""Where the programs (``*.c``), the runtime and the small C library are."""

CPUS = {"rv32im": "generic_rv32+m", "rv32i": "generic_rv32"}
FLAGS = (
    *("-std=gnu11", "-O2", "-ffreestanding", "-fno-builtin-printf", "-fomit-frame-pointer"),
    *("-ffunction-sections", "-fdata-sections", "-fno-sanitize=all", "-fno-stack-protector"),
    *("-Wall", "-Wno-unused-function", "-g0", "-static", "-Wl,--gc-sections", "-Wl,-z,norelro"),
)


def _aligned(line: int) -> tuple[str, ...]:
    """Loops start on lines of the instruction cache; otherwise code added anywhere moves them, and
    the cycles of a program by up to 15 %."""
    return (f"-falign-functions={line}", f"-falign-loops={line}") if line else ()


@dataclass(frozen=True)
class Firmware:
    """A linked program: `segments` of (address, bytes), `symbols` by name."""

    elf: Path
    segments: tuple[tuple[int, bytes], ...]
    symbols: dict[str, int]

    @property
    def size(self) -> int:
        """Bytes that are loaded."""
        return sum(len(data) for _, data in self.segments)


def read_elf(path: Path) -> Firmware:
    """Loadable segments (with their zeros) and symbols of an ELF file."""
    elf = ELFFile(BytesIO(path.read_bytes()))
    segments = tuple(
        (segment["p_paddr"], segment.data().ljust(segment["p_memsz"], b"\0"))
        for segment in elf.iter_segments("PT_LOAD")
        if segment["p_memsz"]
    )
    table = elf.get_section_by_name(".symtab")
    symbols = {s.name: s["st_value"] for s in table.iter_symbols() if s.name} if table else {}
    return Firmware(path, segments, symbols)


def headers(config: Config, host: Host = DEFAULT) -> dict[str, str]:
    """Generated files by path: ``alhena.h``, and the drop-in headers where they apply."""
    files = {"alhena.h": alhena_h(config, host)}
    try:
        files["include/gemmini_params.h"] = gemmini_params_h(config)
        files["rocc-software/src/xcustom.h"] = xcustom_h()
    except DropInError:
        pass  # formats without a C type: our own header only
    return files


def linker_script(size: int = FIRMWARE.size, region: Region = FIRMWARE) -> str:
    """The linker script for a program in the first `size` bytes of a region."""
    text = (SOURCES / "runtime" / "link.ld.in").read_text()
    values = {
        "BASE": f"{region.base:#x}",
        "SIZE": f"{size:#x}",
        "STACK_TOP": f"{size:#x}",
        "STACK_BYTES": f"{min(1 << 16, size // 8):#x}",
    }
    for name, value in values.items():
        text = text.replace(f"@{name}@", value)
    return text


def build(
    program: str | Path | Sequence[Path],
    config: Config,
    host: Host = DEFAULT,
    *,
    defines: dict[str, object] | None = None,
    include: Sequence[Path] = (),
    size: int | None = None,
    region: Region = FIRMWARE,
) -> Firmware:
    """Compile and link a program for a system of `config` with the core of `host`.

    `program` is the name of one in ``sw/firmware``, or C files; `include` further header
    directories; `defines` preprocessor symbols; it gets the first `size` bytes of `region`, all of
    them unless told otherwise. Raises sim.tools.ToolError with the compiler's
    messages.
    """
    if isinstance(program, str):
        program = SOURCES / f"{program}.c"
    files = [program] if isinstance(program, Path) else list(program)
    folders = [SOURCES / name for name in ("runtime", f"cores/{host.core}", "libc")]
    runtime = [path for folder in folders for path in sorted(folder.glob("*.[cS]"))]
    machine = ("-target", "riscv32-freestanding-none", f"-mcpu={CPUS[host.isa]}")
    if region is FIRMWARE:  # the boot region is small, and the loader waits for its line anyway
        machine += _aligned(CORES[host.core].line)
    generated = headers(config, host) | {"link.ld": linker_script(size or region.size, region)}
    opcode = {"ALH_OPCODE": CUSTOM[host.attach]} if host.attach in CUSTOM else {}
    options = [f"-D{name}={value}" for name, value in ((defines or {}) | opcode).items()]
    extra = [path for folder in include for path in sorted(Path(folder).rglob("*.h"))]
    own = [path for folder in (*folders, SOURCES / "cores") for path in sorted(folder.glob("*.*"))]
    own += sorted(SOURCES.glob("*.h"))
    key = content_key(
        *(generated[name] for name in sorted(generated)),
        *(*files, *own, *extra, *(path.name for path in files)),
        *(options, machine, FLAGS, zig().version),
    )
    final = build_directory("firmware") / f"{files[0].stem}-{config.name}-{host.name}-{key}"

    def make(directory: Path):
        for name, text in generated.items():
            target = directory / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text)
        paths = [directory, *folders, SOURCES / "cores", *include]
        zig().run(
            *("cc", *machine, *FLAGS, *options, *(f"-I{path}" for path in paths)),
            *(*files, *runtime, "-Wl,-T," + str(directory / "link.ld")),
            *("-o", directory / "program.elf"),
        )

    return read_elf(made_once(final, make, f"Compiling {files[0].name}") / "program.elf")
