"""The page that runs convcost where it is read: static files, with Python from Pyodide in a worker of the browser.

The page's policy lets nothing leave its own origin; the worker is made from a blob, so that the policy holds in it.
"""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

from convcost.designs.parts import installed
from convcost.errors import ConvcostError
from convcost.files.writing import atomically
from convcost.pages.page import escaped, own
from convcost.spec.catalog import specs_dir

PYODIDE = ("pyodide.mjs", "pyodide.asm.mjs", "pyodide.asm.wasm", "python_stdlib.zip", "pyodide-lock.json")
"""What a page needs of it, as its package of npm has it."""
NEEDED = ("click", "rich", "yaml")
MORE = ("markdown_it", "mdurl", "pylatexenc")
"""Readers of tables in Markdown and LaTeX, if they are installed."""
LOADED = ("numpy", "lxml")
"""Packages that only Pyodide's whole distribution has: they are taken where it is at hand."""
POLICY = (
    "default-src 'none'; base-uri 'none'; form-action 'none'; connect-src 'self'; img-src data:; style-src 'self' "
    "'unsafe-inline'; script-src 'self' 'wasm-unsafe-eval' blob:; worker-src 'self' blob:"
)
"""Nothing is asked of another origin. Tables say with inline style which of their cells stand at the right."""
_EPOCH = (1980, 1, 1, 0, 0, 0)


def write(out: Path, pyodide: Path) -> dict[str, int]:
    """Write the page's files into a folder, which is made, and return their sizes in bytes by name.

    Raises ConvcostError where Pyodide's files are not in the folder that is named, and OSError.
    """
    missing = [name for name in PYODIDE if not (pyodide / name).is_file()]
    if missing:
        raise ConvcostError(
            f"{pyodide}: no {missing[0]}: npm install pyodide, and say where it is: --pyodide node_modules/pyodide"
        )
    wheels, loaded = _distribution(pyodide)
    wheel = f"convcost-{_version()}-py3-none-any.whl"
    files = {
        wheel: _wheel(),
        "packages.zip": _zipped(_packages()),
        "playground.js": own("playground.js").encode(),
        "worker.js": own("worker.js").encode(),
        "style.css": (own("report.css") + own("playground.css")).encode(),
        "config.json": json.dumps({"archives": [wheel, "packages.zip"], "load": loaded}).encode(),
        **{f"pyodide/{name}": (pyodide / name).read_bytes() for name in (*PYODIDE, *wheels)},
        "index.html": own("playground.html").replace("POLICY", escaped(POLICY)).encode(),
    }
    for name, data in files.items():
        path = out / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with atomically(path) as file:
            file.write(data)
    return {name: len(data) for name, data in files.items()}


def _version() -> str:
    version = installed()
    return version if version[:1].isdigit() else "0"


def _wheel() -> bytes:
    """convcost as a wheel: its package as it is here, with specs and glossary in it."""
    package = Path(__file__).resolve().parent.parent
    files = dict(_files(package, "convcost"))
    specs = specs_dir()
    files |= {f"convcost/specs/{path.relative_to(specs).as_posix()}": path for path in sorted(specs.rglob("*.yaml"))}
    glossary = package.parent / "docs" / "glossary.md"
    if "convcost/glossary.md" not in files and glossary.is_file():
        files["convcost/glossary.md"] = glossary
    about = f"convcost-{_version()}.dist-info"
    contents = {name: path.read_bytes() for name, path in files.items()}
    contents[f"{about}/METADATA"] = f"Metadata-Version: 2.1\nName: convcost\nVersion: {_version()}\n".encode()
    contents[f"{about}/WHEEL"] = b"Wheel-Version: 1.0\nGenerator: convcost\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    lines = [f"{name},sha256={_digest(data)},{len(data)}" for name, data in contents.items()]
    contents[f"{about}/RECORD"] = "\n".join([*lines, f"{about}/RECORD,,", ""]).encode()
    return _zipped(contents)


def _digest(data: bytes) -> str:
    from base64 import urlsafe_b64encode

    return urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()


def _packages() -> dict[str, bytes]:
    """The pure Python of what convcost needs, from this machine's own packages."""
    found: dict[str, bytes] = {}
    for name in (*NEEDED, *MORE):
        spec = find_spec(name)
        if spec is None or not spec.submodule_search_locations:
            if name in NEEDED:
                raise ConvcostError(f"{name} is not installed here as a package, and the page needs it")
            continue
        found |= {file: path.read_bytes() for file, path in _files(Path(spec.submodule_search_locations[0]), name)}
    return found


def _files(folder: Path, name: str) -> Iterator[tuple[str, Path]]:
    """A package's files but for what is compiled, by their names within an archive."""
    for path in sorted(folder.rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts and path.suffix not in (".so", ".pyd", ".pyc", ".pxd"):
            yield f"{name}/{path.relative_to(folder).as_posix()}", path


def _zipped(contents: dict[str, bytes]) -> bytes:
    """An archive that is the same for the same files."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in contents.items():
            archive.writestr(zipfile.ZipInfo(name, _EPOCH), data, zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


def _distribution(pyodide: Path) -> tuple[list[str], list[str]]:
    """The wheels of LOADED that are beside Pyodide, with what they depend on, and the names that are loaded."""
    known = json.loads((pyodide / "pyodide-lock.json").read_text(encoding="utf-8"))["packages"]
    wheels: list[str] = []
    loaded = []
    for name in LOADED:
        every: list[str] = []
        wanted = [name]
        while wanted:
            one = known.get(wanted.pop())
            if one is None:
                every = []
                break
            every.append(one["file_name"])
            wanted += one["depends"]
        if every and all((pyodide / file).is_file() for file in every):
            wheels += every
            loaded.append(name)
    return list(dict.fromkeys(wheels)), loaded
