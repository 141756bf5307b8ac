"""What this machine lacks for the program, and the command that mends it. Importing this imports nothing heavy."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

State = Literal["ok", "note", "missing"]

DEBIAN_PACKAGES = {
    "libglib-2.0.so.0": "libglib2.0-0",
    "libgthread-2.0.so.0": "libglib2.0-0",
    "libGL.so.1": "libgl1",
    "libEGL.so.1": "libegl1",
    "libdbus-1.so.3": "libdbus-1-3",
    "libfontconfig.so.1": "libfontconfig1",
    "libfreetype.so.6": "libfreetype6",
    "libxkbcommon.so.0": "libxkbcommon0",
    "libxkbcommon-x11.so.0": "libxkbcommon-x11-0",
    "libxcb-cursor.so.0": "libxcb-cursor0",
    "libxcb-icccm.so.4": "libxcb-icccm4",
    "libxcb-image.so.0": "libxcb-image0",
    "libxcb-keysyms.so.1": "libxcb-keysyms1",
    "libxcb-randr.so.0": "libxcb-randr0",
    "libxcb-render.so.0": "libxcb-render0",
    "libxcb-render-util.so.0": "libxcb-render-util0",
    "libxcb-shape.so.0": "libxcb-shape0",
    "libxcb-shm.so.0": "libxcb-shm0",
    "libxcb-sync.so.1": "libxcb-sync1",
    "libxcb-xfixes.so.0": "libxcb-xfixes0",
    "libxcb-xinerama.so.0": "libxcb-xinerama0",
    "libxcb-xkb.so.1": "libxcb-xkb1",
    "libxcb-util.so.1": "libxcb-util1",
    "libxcb.so.1": "libxcb1",
    "libX11.so.6": "libx11-6",
    "libX11-xcb.so.1": "libx11-xcb1",
}
"""Which Debian package holds a shared library that Qt's X11 plugin links to."""

OPENGL_PROBE = """
from PySide6.QtGui import QGuiApplication, QOffscreenSurface, QOpenGLContext
app = QGuiApplication(["doctor"])
context, surface = QOpenGLContext(), QOffscreenSurface()
surface.create()
if not context.create() or not context.makeCurrent(surface):
    raise SystemExit("no OpenGL context could be made")
names = context.functions()
print("; ".join(str(names.glGetString(n)) for n in (0x1F01, 0x1F02)))
"""
"""GL_RENDERER and GL_VERSION, asked for in a process of its own: a broken driver kills that one only."""

GPU_PROBE = """
import torch
if torch.cuda.is_available():
    print("; ".join(torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())))
"""

RASTER_PROBE = """
import numpy as np
from landscape_gui.figure import Panel, Surface
from landscape_gui.scene3d.raster import render
from landscape_gui.style import LIGHT
x = np.linspace(-1.0, 1.0, 9)
panel = Panel(marks=(Surface(x=x, y=x, z=x[:, None] ** 2 + x**2, limits=(0.0, 2.0)),), view="3d")
image = render(panel, 64, 48, 1, False, LIGHT)
raise SystemExit(0 if image.std() > 0 else "the picture is blank")
"""


@dataclass(frozen=True, kw_only=True)
class Check:
    """One thing looked at, and the command that mends it. state "note": the program works without it; "missing": it does not."""

    name: str
    state: State
    text: str
    remedy: str = ""


def display_problem() -> str:
    """Why no window can be opened here, in one sentence; empty where one can. Milliseconds, and it opens nothing."""
    if not sys.platform.startswith("linux"):
        return ""
    if os.environ.get("QT_QPA_PLATFORM", "") in ("offscreen", "minimal", "vnc", "eglfs", "linuxfb"):
        return ""
    if os.environ.get("WAYLAND_DISPLAY"):
        return ""
    name = os.environ.get("DISPLAY", "")
    if not name:
        return "There is no display: neither DISPLAY nor WAYLAND_DISPLAY is set."
    return "" if x_server_answers(name) else f"The display {name} does not answer."


def x_server_answers(name: str) -> bool:
    """Whether something listens where the X display `name` (":0", "host:10.0") says. An unusual name is taken to be right."""
    host, separator, screen = name.rpartition(":")
    number = screen.split(".")[0]
    if not separator or not number.isdigit() or "/" in host:
        return True
    if host in ("", "unix"):
        path = f"/tmp/.X11-unix/X{number}"
        return any(connects(socket.AF_UNIX, address) for address in (f"\0{path}", path))
    return connects(socket.AF_INET, (host, 6000 + int(number)))


def connects(family: int, address: str | tuple[str, int]) -> bool:
    with socket.socket(family, socket.SOCK_STREAM) as client:
        client.settimeout(3)
        try:
            client.connect(address)
        except OSError:
            return False
    return True


def examine() -> tuple[Check, ...]:
    """Every check, in the order in which a person would look; each catches its own failures. About five seconds."""
    checks: tuple[Callable[[], Check], ...] = (
        check_python,
        check_packages,
        check_torch,
        check_gpu,
        check_qt_libraries,
        check_display,
        check_opengl,
        check_raster,
        check_cache,
        check_log,
        check_samples,
    )
    return tuple(run_check(check) for check in checks)


def run_check(check: Callable[[], Check]) -> Check:
    try:
        return check()
    except Exception as error:
        return Check(name=check.__name__.removeprefix("check_"), state="note", text=f"could not be examined: {error}")


def check_python() -> Check:
    from landscape_gui import __version__

    version = ".".join(map(str, sys.version_info[:3]))
    return Check(name="program", state="ok", text=f"landscape_gui {__version__}, Python {version}, {sys.platform}")


def check_packages() -> Check:
    wanted = (
        "torch",
        "numpy",
        "h5py",
        "safetensors",
        "PySide6",
        "vispy",
        "pyqtgraph",
        "contourpy",
        "matplotlib",
        "PIL",
        "superqt",
        "qtawesome",
    )
    missing = [name for name in wanted if importlib.util.find_spec(name) is None]
    if missing:
        names = " ".join({"PySide6": "PySide6-Essentials", "PIL": "pillow"}.get(name, name) for name in missing)
        remedy = f"{sys.executable} -m pip install {names}"
        return Check(name="packages", state="missing", text=f"not installed: {', '.join(missing)}", remedy=remedy)
    shown = ("numpy", "h5py", "PySide6-Essentials", "vispy", "pyqtgraph", "matplotlib")
    return Check(name="packages", state="ok", text=", ".join(f"{name} {version_of(name)}" for name in shown))


def version_of(distribution: str) -> str:
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return "(version unknown)"


def check_torch() -> Check:
    code = "import torch; print(torch.__version__, torch.get_num_threads(), sep=', threads: ')"
    done = run_python(code)
    if done.returncode == 0:
        return Check(name="torch", state="ok", text=done.stdout.strip())
    remedy = f"{sys.executable} -m pip install --force-reinstall torch"
    return Check(name="torch", state="missing", text=f"does not import: {last_line(done.stderr)}", remedy=remedy)


def check_gpu() -> Check:
    found = run_python(GPU_PROBE).stdout.strip()
    if found:
        return Check(name="GPU", state="ok", text=found)
    if shutil.which("nvidia-smi") is None:
        return Check(name="GPU", state="ok", text="none; everything runs on the processor")
    text = f"nvidia-smi is there, but torch {version_of('torch')} cannot use a GPU"
    return Check(name="GPU", state="note", text=text, remedy="Install the CUDA build of torch as pytorch.org says for this driver.")


def check_qt_libraries() -> Check:
    name = "Qt libraries"
    missing = missing_libraries()
    if missing is None:
        return Check(name=name, state="ok", text="come with the packages on this system")
    if not missing:
        return Check(name=name, state="ok", text="all there")
    return Check(name=name, state="missing", text=f"not found: {', '.join(missing)}", remedy=install_command(missing))


def missing_libraries() -> tuple[str, ...] | None:
    """Shared libraries that Qt's X11 plugin links to and that are not on this machine; None where that cannot be asked."""
    spec = importlib.util.find_spec("PySide6")
    if not sys.platform.startswith("linux") or spec is None or spec.origin is None or shutil.which("ldd") is None:
        return None
    qt = Path(spec.origin).parent
    files = [qt / "Qt/plugins/platforms/libqxcb.so", qt / "Qt/lib/libQt6Gui.so.6", qt / "Qt/lib/libQt6OpenGL.so.6"]
    names: set[str] = set()
    for file in files:
        if file.exists():
            done = subprocess.run(["ldd", str(file)], capture_output=True, text=True, timeout=20, check=False)
            names.update(unresolved(done.stdout))
    return tuple(sorted(names))


def unresolved(listing: str) -> tuple[str, ...]:
    """The names that `ldd` printed as "not found"."""
    return tuple(line.split("=>")[0].strip() for line in listing.splitlines() if line.rstrip().endswith("not found"))


def install_command(libraries: Iterable[str]) -> str:
    packages = sorted({DEBIAN_PACKAGES[name] for name in libraries if name in DEBIAN_PACKAGES})
    others = sorted(name for name in libraries if name not in DEBIAN_PACKAGES)
    if shutil.which("apt-get") is None or not packages:
        return f"Install the packages of your system that hold {', '.join(sorted(libraries))}."
    sudo = "" if hasattr(os, "geteuid") and os.geteuid() == 0 else "sudo "
    command = f"{sudo}apt-get install -y --no-install-recommends {' '.join(packages)}"
    return f"{command}    (and what holds {', '.join(others)})" if others else command


def check_display() -> Check:
    problem = display_problem()
    if not problem:
        return Check(name="display", state="ok", text=os.environ.get("WAYLAND_DISPLAY") or os.environ.get("DISPLAY") or "there")
    remedy = "Work with the commands (landscape-gui surface --help), log in with ssh -X, or start one: xvfb-run -a landscape-gui"
    return Check(name="display", state="note", text=problem, remedy=remedy)


def check_opengl() -> Check:
    if display_problem():
        return Check(name="OpenGL", state="note", text="not examined, as there is no display")
    done = run_python(OPENGL_PROBE)
    if done.returncode == 0 and done.stdout.strip():
        return Check(name="OpenGL", state="ok", text=done.stdout.strip().splitlines()[-1])
    text = f"does not work ({last_line(done.stderr) or 'the driver crashed'}); the window shows 3-D figures as drawn pictures"
    return Check(name="OpenGL", state="note", text=text, remedy=install_opengl())


def install_opengl() -> str:
    if shutil.which("apt-get") is None:
        return "Install the OpenGL driver of your graphics card, or Mesa's software renderer."
    sudo = "" if hasattr(os, "geteuid") and os.geteuid() == 0 else "sudo "
    return f"{sudo}apt-get install -y --no-install-recommends libgl1 libegl1 libgl1-mesa-dri"


def check_raster() -> Check:
    name = "3-D pictures in files"
    done = run_python(RASTER_PROBE)
    if done.returncode == 0:
        return Check(name=name, state="ok", text="can be drawn, with and without a display")
    return Check(
        name=name, state="note", text=f"cannot be drawn: {last_line(done.stderr) or 'the driver crashed'}", remedy=install_opengl()
    )


def check_cache() -> Check:
    folder = cache_folder()
    if why := unwritable(folder):
        return Check(name="answers", state="missing", text=why, remedy=other_folder("LANDSCAPE_GUI_CACHE"))
    free = shutil.disk_usage(folder).free / 1e9
    state: State = "ok" if free > 0.5 else "note"
    remedy = "" if free > 0.5 else "landscape-gui cache clear"
    return Check(name="answers", state=state, text=f"kept in {folder} ({free:,.0f} GB free)", remedy=remedy)


def unwritable(folder: Path) -> str:
    """Why nothing can be written into a folder, which is made if it is not there; "" where it can."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return ""
    except OSError as error:
        return f"{folder} cannot be written: {error.strerror}"


def other_folder(variable: str) -> str:
    return f"Name another folder: export {variable}=/a/folder/you/can/write"


def cache_folder() -> Path:
    """Where answers are kept."""
    from landscape_gui.store import Store

    return Path(Store().folder)


def check_log() -> Check:
    from landscape_gui.crash_log import log_folder, traces

    folder = log_folder()
    if why := unwritable(folder):
        return Check(name="log", state="note", text=why, remedy=other_folder("LANDSCAPE_GUI_LOG"))
    kept = traces()
    last = f"; {len(kept)} kept, the last is {kept[-1].name}" if kept else ""
    return Check(name="log", state="ok", text=f"traces of crashes go to {folder}{last}")


def check_samples() -> Check:
    from landscape_gui import samples

    names = samples.names()
    if names:
        return Check(name="samples", state="ok", text=f"{len(names)}: {', '.join(names)}")
    return Check(name="samples", state="note", text="none were found", remedy="Install the program again: its wheel holds them.")


def run_python(code: str) -> subprocess.CompletedProcess[str]:
    """Run `code` in a Python of its own, at most a minute; what kills it kills nothing else."""
    command = [sys.executable, "-c", f"import sys\n{code}"]
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, cwd=Path(__file__).parent.parent)
    except subprocess.TimeoutExpired:
        return subprocess.CompletedProcess(command, 1, "", "no answer within a minute")


def last_line(text: str) -> str:
    lines = [line for line in text.strip().splitlines() if line.strip()]
    return lines[-1].strip() if lines else ""


def print_report(checks: Iterable[Check]) -> int:
    """One line a check, and under it the command that mends it. Returns 0 where the program is usable, else 1."""
    marks = {"ok": "ok     ", "note": "note   ", "missing": "MISSING"}
    worst = 0
    for check in checks:
        print(f"{marks[check.state]}  {check.name}: {check.text}")
        if check.remedy:
            print(f"         -> {check.remedy}")
        worst |= check.state == "missing"
    print("Something is missing; the arrows above mend it." if worst else "Everything that the program needs is there.")
    return worst


def main(arguments: list[str]) -> int:
    """All checks; with the one argument `display`, only whether a window can be opened (exit status 0) or why not (1)."""
    if arguments == ["display"]:
        problem = display_problem()
        if problem:
            print(problem)
        return int(bool(problem))
    return print_report(examine())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
