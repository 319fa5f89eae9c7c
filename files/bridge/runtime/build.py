#!/usr/bin/env python3
"""Build the bridge's runtime: one directory with everything that the bridge needs, libc included.

Usage: build.py --parent DIRECTORY   makes DIRECTORY/<digest of the inputs> unless it is there, and prints its path
       build.py OUTPUT               makes OUTPUT, which must not exist

The result is mounted read-only at /.mcp into containers of any image, be it Debian, Alpine or scratch, and started as
  /.mcp/ld.so --library-path /.mcp/lib --argv0 /.mcp/python /.mcp/python -ISOO -m bridge …
It is made of the CPython that runs this script (3.11 or newer, on glibc 2.33 or newer: `ld.so --argv0`), its shared
libraries as ldd finds them, the packages that requirements.lock pins by hash, and the host's bash, which runs
healthcheck.sh: it starts in a fifteenth of the time that Python takes.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import os
import platform
import re
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Iterable
from pathlib import Path

BRIDGE = Path(__file__).resolve().parent.parent
LOCK = BRIDGE / "requirements.lock"
HEALTHCHECK = BRIDGE / "healthcheck.sh"
LIBRARY = f"python{sys.version_info.major}.{sys.version_info.minor}"

# Never imported by the bridge, and large, or of no use without what a foreign container lacks.
LEFT_OUT = {
    "__pycache__",
    "config",
    "curses",
    "dbm",
    "dist-packages",
    "distutils",
    "ensurepip",
    "idlelib",
    "lib2to3",
    "msilib",
    "pydoc_data",
    "site-packages",
    "sqlite3",
    "test",
    "tests",
    "tkinter",
    "turtledemo",
    "unittest",
    "venv",
    "wsgiref",
    "xmlrpc",
}
LEFT_OUT_FILES = re.compile(
    r"(config-.*|sitecustomize\.py|turtle\.py|pydoc\.py|_?(tkinter|sqlite3|curses|curses_panel|gdbm|dbm|readline|nis|"
    r"crypt|ossaudiodev|test\w*|xxtestfuzz|xxlimited\w*|ctypes_test|codecs_(cn|hk|iso2022|jp|kr|tw)|multibytecodec)"
    r"\..*\.so|.*\.a|.*\.pyc)"
)


class Problem(Exception):
    """Something the host lacks; the text says what to do."""


def main() -> int:
    parser = argparse.ArgumentParser(description="Build the bridge's runtime directory.")
    parser.add_argument("--parent", type=Path, help="make a directory named by its content below this one")
    parser.add_argument("output", nargs="?", type=Path)
    options = parser.parse_args()
    if (options.parent is None) == (options.output is None):
        parser.error("give either --parent or an output directory")
    try:
        output = options.output if options.parent is None else options.parent / digest()
        if options.parent is not None and output.is_dir():
            print(output)
            return 0
        build(output)
    except Problem as problem:
        print(f"build.py: {problem}", file=sys.stderr)
        return 1
    except subprocess.CalledProcessError as error:
        print(f"build.py: {' '.join(map(str, error.cmd[:4]))} … failed:\n{error.stderr or ''}", file=sys.stderr)
        return 1
    print(f"built {output}, {_size(output) >> 20} MB", file=sys.stderr)
    print(output)
    return 0


def digest() -> str:
    """A name for what would be built: 16 hexadecimal digits."""
    state = hashlib.sha256()
    for source in [*sources(), LOCK, HEALTHCHECK, Path(__file__)]:
        name = source.relative_to(BRIDGE)
        state.update(str(name).encode() + b"\0" + source.read_bytes() + b"\0")
    state.update(f"{sys.version} {platform.machine()} {platform.libc_ver()}".encode())
    return state.hexdigest()[:16]


def sources() -> list[Path]:
    """The modules of the bridge itself, those of its packages among them."""
    return sorted({*BRIDGE.glob("*.py"), *BRIDGE.glob("*/*.py")} - set(Path(__file__).parent.glob("*.py")))


def build(output: Path) -> None:
    """Makes `output`, all of it or nothing. Raises Problem and subprocess.CalledProcessError."""
    if output.exists():
        raise Problem(f"{output} exists already")
    if sys.version_info < (3, 11):  # noqa: UP036  # a user may start this with any Python
        raise Problem(f"Python {platform.python_version()} is too old; run this with 3.11 or newer")
    output.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{output.name}.", dir=output.parent) as scratch:
        root = Path(scratch) / "runtime"
        library = root / "lib" / LIBRARY
        copy_interpreter(root, library)
        install_packages(library)
        copy_bridge(library / "bridge")
        copy_healthcheck(root)
        copy_libraries(root)
        strip(root)
        compile_all(root, library)
        seal(root)
        with contextlib.suppress(FileExistsError, OSError):
            root.rename(output)
    if not output.is_dir():
        raise Problem(f"{output} could not be put in place")


def copy_interpreter(root: Path, library: Path) -> None:
    """The interpreter and its standard library, without what the bridge never imports."""
    stdlib = Path(sysconfig.get_path("stdlib"))
    if not (stdlib / "encodings").is_dir():
        raise Problem(f"{stdlib} is not a complete standard library; on Debian install libpython3-stdlib")
    shutil.copytree(stdlib, library, ignore=_left_out, symlinks=False, ignore_dangling_symlinks=True)
    binary = Path(getattr(sys, "_base_executable", "") or sys.executable).resolve()
    shutil.copy2(binary, root / "python")


def _left_out(_directory: str, names: list[str]) -> set[str]:
    return {name for name in names if name in LEFT_OUT or LEFT_OUT_FILES.fullmatch(name)}


def install_packages(library: Path) -> None:
    """The packages of the lock, beside the standard library: that directory is on the path of any CPython build."""
    common = ["--target", str(library), "--require-hashes", "--no-deps", "--only-binary", ":all:", "-r", str(LOCK)]
    uv = shutil.which("uv")
    if uv is not None:
        # By default uv makes hard links to its cache. What strip writes into them later would change the same files in
        # other environments and in older runtimes, under the processes that have them mapped.
        _run([uv, "pip", "install", "--quiet", "--link-mode", "copy", "--python", sys.executable, *common])
    else:
        _run([*_pip(), "install", "--quiet", "--disable-pip-version-check", "--no-compile", *common])
    for left in [*library.glob("*.dist-info"), library / "bin", library / ".lock"]:
        if left.is_dir():
            shutil.rmtree(left)
        else:
            left.unlink(missing_ok=True)
    for unused in [*library.glob("uvloop/**/*.p*"), *library.glob("httptools/**/*.p*"), *library.glob("*/**/*.c")]:
        if unused.suffix in (".pyx", ".pxd", ".pyi", ".pxi", ".c"):
            unused.unlink()


def _pip() -> list[str]:
    if subprocess.run([sys.executable, "-m", "pip", "--version"], capture_output=True, check=False).returncode == 0:
        return [sys.executable, "-m", "pip"]
    raise Problem(
        f"{sys.executable} has no pip and there is no uv; on Debian install python3-pip, or run this with the Python "
        "of a virtual environment"
    )


def copy_bridge(target: Path) -> None:
    """Copies the modules of the bridge to `target`, in their packages."""
    for source in sources():
        copy = target / source.relative_to(BRIDGE)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, copy)


def copy_healthcheck(root: Path) -> None:
    """The program of the containers' health check, and the host's bash, which runs it."""
    bash = find_bash()
    shutil.copy2(bash, root / "bash")
    shutil.copyfile(HEALTHCHECK, root / HEALTHCHECK.name)


def find_bash() -> Path:
    """The bash of this host. Raises Problem where there is none that can open connections."""
    found = shutil.which("bash")
    if found is None:
        raise Problem("there is no bash, which the containers' health check needs")
    # One that was built without network redirections looks for a file.
    asked = subprocess.run([found, "-c", "exec 3<>/dev/tcp/127.0.0.1/1"], capture_output=True, text=True, check=False)
    if "No such file" in asked.stderr:
        raise Problem(f"{found} cannot open connections (/dev/tcp), which the containers' health check needs")
    return Path(found).resolve()


def copy_libraries(root: Path) -> None:
    """Every shared library that the interpreter and its modules load, and the loader."""
    loader, wanted = find_libraries([root / "python", root / "bash", *root.rglob("*.so")])
    for name, path in wanted.items():
        if not path.is_relative_to(root):
            shutil.copy(path.resolve(), root / "lib" / name)
    shutil.copy(loader.resolve(), root / "ld.so")


def find_libraries(binaries: Iterable[Path]) -> tuple[Path, dict[str, Path]]:
    """The loader, and by name the shared libraries that these need on this host. Raises Problem."""
    loader: Path | None = None
    wanted: dict[str, Path] = {}
    for binary in binaries:
        listing = subprocess.run(["ldd", str(binary)], capture_output=True, text=True, check=False).stdout
        for line in listing.splitlines():
            name, _, rest = line.strip().partition(" => ")
            path = Path((rest or name).split(" (")[0])
            if "ld-linux" in name:
                loader = path if path.is_absolute() else loader
            elif rest.startswith("not found"):
                raise Problem(f"{binary.name} needs {name}, which is not installed")
            elif path.is_absolute():
                wanted[Path(name).name] = path
    if loader is None:
        raise Problem("the interpreter's loader was not found; this needs a glibc system")
    return loader, wanted


def strip(root: Path) -> None:
    """Without symbols for debuggers, where the tool to take them away is there."""
    tool = shutil.which("strip")
    if tool is not None:
        libraries = [path for path in root.rglob("*.so*") if path.name != "ld.so"]
        _run([tool, "--strip-unneeded", str(root / "python"), str(root / "bash"), *map(str, libraries)])


# Only of a fault in the bridge's own modules must be said on which line it is. The tables of all others would be a
# fortieth of what a bridge takes of memory.
WITHOUT_LINES = """
import marshal, pathlib, sys, types

def without_lines(code):
    constants = (without_lines(one) if isinstance(one, types.CodeType) else one for one in code.co_consts)
    return code.replace(co_linetable=b"", co_consts=tuple(constants))

library = pathlib.Path(sys.argv[1])
for file in library.rglob("*.pyc"):
    if not file.is_relative_to(library / "bridge"):
        data = file.read_bytes()  # 16 bytes of head (PEP 552)
        file.write_bytes(data[:16] + marshal.dumps(without_lines(marshal.loads(data[16:]))))
"""


def compile_all(root: Path, library: Path) -> None:
    """Bytecode that is never checked against its source: the directory is read-only where it is used."""
    start = [str(root / "ld.so"), "--library-path", str(root / "lib"), "--argv0", str(root / "python")]
    run = [*start, str(root / "python"), "-ISOO"]
    whole = "from bridge import stand_ins; stand_ins.install(); import bridge.serving, sys; print(sys.prefix)"
    found = _run([*run, "-c", whole])
    if Path(found.strip()).resolve() != root.resolve():
        raise Problem(f"the copied interpreter looks for its library in {found.strip()}")
    # -f: what was imported so far has bytecode that is checked against its source, and names this directory.
    _run([*run, "-m", "compileall", "-qf", "--invalidation-mode", "unchecked-hash", "-s", str(root), str(library)])
    _run([*run, "-c", WITHOUT_LINES, str(library)])


def seal(root: Path) -> None:
    """Readable for any user, writable for none but the owner."""
    for path in [root, *root.rglob("*")]:
        program = path.suffix == ".so" or path.name in ("ld.so", "python", "bash") or ".so." in path.name
        path.chmod(0o755 if program or path.is_dir() else 0o644)


def _run(command: list[str]) -> str:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    return subprocess.run(command, check=True, capture_output=True, text=True, env=environment).stdout


def _size(root: Path) -> int:
    return sum(path.stat().st_size for path in root.rglob("*") if path.is_file())


if __name__ == "__main__":
    sys.exit(main())
