"""What a person's code visibly does beyond computing, told from its syntax: a help in reading it, and no promise."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from landscape_gui.problem.source import DECEIVING, Source

PROGRAMS, NETWORK, WRITES, READS = "starts other programs", "reaches the network", "writes, moves or deletes files", "reads files"
DECEIVES = "shows its text in another order than it runs"
HIDDEN, LIBRARIES, SECRETS = "runs code that is not shown here", "calls compiled libraries directly", "reads environment variables"

_CALLS = {
    DECEIVES: "",
    PROGRAMS: """os.system os.popen os.exec* os.spawn* os.posix_spawn* os.fork* os.kill* subprocess.* pty.* multiprocessing.*
        asyncio.create_subprocess* concurrent.futures.ProcessPoolExecutor""",
    NETWORK: """socket.* ssl.* urllib.request.* http.* ftplib.* smtplib.* telnetlib.* xmlrpc.* requests.* httpx.* aiohttp.*
        urllib3.* websockets.* paramiko.* boto3.* gdown.* wget.* wandb.* mlflow.* huggingface_hub.* torch.hub.* torch.distributed.*
        datasets.load_dataset *.from_pretrained webbrowser.* asyncio.open_connection""",
    WRITES: """os.remove os.unlink os.rename os.replace os.rmdir os.removedirs os.mkdir os.makedirs os.truncate os.chmod os.chown
        os.link os.symlink shutil.* tempfile.* torch.save numpy.save* *.write_text *.write_bytes *.unlink *.rmdir *.mkdir *.touch
        *.rename *.symlink_to *.hardlink_to *.chmod *.tofile *.to_csv *.to_parquet *.to_pickle *.to_json *.savefig
        safetensors.torch.save_file""",
    READS: """torch.load numpy.load* numpy.fromfile numpy.genfromtxt numpy.memmap pandas.read_* PIL.Image.open
        torchvision.datasets.* torchvision.io.* *.read_text *.read_bytes os.listdir os.walk os.scandir glob.* *.glob *.rglob
        *.iterdir h5py.* safetensors.* scipy.io.* sklearn.datasets.* torchaudio.load""",
    HIDDEN: """eval exec compile __import__ importlib.* runpy.* pickle.load* pickle.Unpickler dill.* cloudpickle.* joblib.load
        marshal.* pandas.read_pickle code.* builtins.* sys.path* sys.modules* sys.meta_path* globals torch.jit.load""",
    LIBRARIES: "ctypes.* cffi.* torch.ops.load_library torch.utils.cpp_extension.* torch.classes.load_library",
    SECRETS: "os.environ* os.getenv* os.putenv",
}
CALLS: Mapping[str, Sequence[str]] = {what: names.split() for what, names in _CALLS.items()}
"""What names stand for, the gravest first. A star at the end: all that begins so; "*." at the start: a method of anything."""
SHOWN = 3
LOOKED_THROUGH = 1 << 20


@dataclass(frozen=True, order=True)
class Sight:
    """One place in the code: what it does in words, the file's name, the line, and what stands there."""

    what: str
    file: str
    line: int
    name: str


def abilities(source: Source) -> tuple[str, ...]:
    """ "starts other programs (landscape.py, line 12: os.system)" and so on, the gravest first; empty: nothing is to be seen."""
    files = [(source.path.name, source.content)]
    files += [(path.name, content) for name, (path, content) in sorted(source.files.items()) if name != source.name]
    size = sum(len(content) for _, content in files)
    if size > LOOKED_THROUGH:
        return (f"is too long to be looked through here ({size:,} bytes)",)
    sights = {sight for name, content in files for sight in sights_of(name, content)}
    return tuple(
        _sentence(what, sorted(s for s in sights if s.what == what)) for what in CALLS if any(s.what == what for s in sights)
    )


def sights_of(file: str, content: bytes) -> Iterator[Sight]:
    """Every name in the code that stands for one of `CALLS`, imports under other names followed."""
    for number, line in enumerate(content.decode("utf-8", "replace").split("\n"), 1):
        found = DECEIVING & set(line.removesuffix("\r").removeprefix("\ufeff" if number == 1 else ""))
        yield from (Sight(DECEIVES, file, number, f"U+{ord(each):04X}") for each in found)
    tree = ast.parse(content)
    names = dict(_imported(tree))
    stars = [names.pop(name).removesuffix(".*") for name in list(names) if name.startswith("*")]
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield from _call(file, node, names)
        elif isinstance(node, ast.Attribute) and not isinstance(node.ctx, ast.Store):
            yield from _matching(file, node.lineno, _dotted(node, names), methods=False)
        elif isinstance(node, ast.Name):
            meant = [names[node.id]] if node.id in names else [f"{module}.{node.id}" for module in stars]
            for name in meant:
                yield from _matching(file, node.lineno, name, methods=False)


def _call(file: str, node: ast.Call, names: Mapping[str, str]) -> Iterator[Sight]:
    name = _dotted(node.func, names)
    yield from _matching(file, node.lineno, name, methods=True)
    if name in ("open", "io.open") or name.endswith(".open"):
        yield Sight(WRITES if _writes(node) else READS, file, node.lineno, name)
    for keyword in node.keywords:
        given = keyword.value.value if isinstance(keyword.value, ast.Constant) else None
        if keyword.arg in ("download", "pretrained", "trust_remote_code") and given is True:
            yield Sight(NETWORK, file, node.lineno, f"{keyword.arg}=True")
        if keyword.arg == "weights_only" and given is False:
            yield Sight(HIDDEN, file, node.lineno, f"{name}(weights_only=False)")
    if name == "getattr" and len(node.args) > 1 and not isinstance(node.args[1], ast.Constant):
        yield Sight(HIDDEN, file, node.lineno, "getattr of a name made while it runs")


def _writes(node: ast.Call) -> bool:
    """Whether an open() may write: its mode has w, a, x or +, or is not to be told."""
    method = isinstance(node.func, ast.Attribute) and not (isinstance(node.func.value, ast.Name) and node.func.value.id == "io")
    modes = [keyword.value for keyword in node.keywords if keyword.arg == "mode"] or node.args[0 if method else 1 :][:1]
    if not modes:
        return False
    mode = modes[0].value if isinstance(modes[0], ast.Constant) else None
    return not isinstance(mode, str) or bool(set("wax+") & set(mode))


def _matching(file: str, line: int, name: str, *, methods: bool) -> Iterator[Sight]:
    for what, patterns in CALLS.items():
        if any(_matches(name, pattern, methods) for pattern in patterns):
            yield Sight(what, file, line, name)


def _matches(name: str, pattern: str, methods: bool) -> bool:
    if pattern.startswith("*."):
        return methods and "." in name and name.endswith(pattern[1:])
    if pattern.endswith("*"):
        return name.startswith(pattern[:-1])
    return name == pattern and (methods or "." in pattern)


def _imported(tree: ast.AST) -> Iterator[tuple[str, str]]:
    """What each imported name stands for; "*os" for all of os."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                top = alias.name.partition(".")[0]
                yield (alias.asname, alias.name) if alias.asname else (top, top)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            for alias in node.names:
                name = f"*{node.module}" if alias.name == "*" else alias.asname or alias.name
                yield name, f"{node.module}.{alias.name}"


def _dotted(node: ast.AST, names: Mapping[str, str]) -> str:
    """ "os.system" for `o.system` after `import os as o`; "?.unlink" for a method of what is not imported."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    base = names.get(node.id, "?" if parts else node.id) if isinstance(node, ast.Name) else "?"
    parts.append(base)
    return ".".join(reversed(parts))


def _sentence(what: str, sights: Sequence[Sight]) -> str:
    lines = list({(sight.file, sight.line): sight for sight in sights}.values())
    places = "; ".join(f"{sight.file}, line {sight.line}: {sight.name.removeprefix('?.')}" for sight in lines[:SHOWN])
    more = f"; {len(lines) - SHOWN} more" if len(lines) > SHOWN else ""
    return f"{what} ({places}{more})"
