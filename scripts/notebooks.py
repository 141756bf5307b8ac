"""Runs the notebooks in Jupyter's kernel and keeps what they show: `python scripts/notebooks.py [NAME.ipynb ...]`.

Needs nbclient and ipykernel. A picture beside a table is kept once, with 256 colours; progress is left out. Tests run the same
cells without Jupyter.
"""

from __future__ import annotations

import base64
import io
import json
import re
import sys
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parent.parent / "notebooks"
IMAGE = re.compile(r"<img [^>]*>")


def main(names: list[str]) -> int:
    for path in [FOLDER / Path(name).name for name in names] or sorted(FOLDER.glob("*.ipynb")):
        write(path, executed(path))
        print(f"{path.name}: {path.stat().st_size / 1000:.0f} kB")
    return 0


def executed(path: Path) -> dict[str, Any]:
    import nbformat
    from nbclient import NotebookClient

    notebook = nbformat.read(path, as_version=4)
    NotebookClient(notebook, timeout=300, kernel_name="python3", resources={"metadata": {"path": str(FOLDER)}}).execute()
    found: dict[str, Any] = json.loads(nbformat.writes(notebook))
    return found


def write(path: Path, notebook: dict[str, Any]) -> None:
    for cell in notebook["cells"]:
        cell["metadata"] = {}
        if cell["cell_type"] == "code":
            cell["outputs"] = [kept for output in cell["outputs"] for kept in parts(output)]
    notebook["metadata"] = {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    path.write_text(json.dumps(notebook, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def parts(output: dict[str, Any]) -> list[dict[str, Any]]:
    """What is kept of an output: standard output, a table without its picture, the picture."""
    if output["output_type"] == "stream":
        return [output] if output["name"] == "stdout" else []
    data = output["data"]
    kept = []
    if "text/html" in data:
        table = IMAGE.sub("", "".join(data["text/html"]))
        kept.append(shown({"text/html": [table], "text/plain": data["text/plain"]}))
    if "image/png" in data:
        kept.append(shown({"image/png": fewer_colours("".join(data["image/png"]))}))
    return kept or [output]


def shown(data: dict[str, Any]) -> dict[str, Any]:
    return {"output_type": "display_data", "data": data, "metadata": {}}


def fewer_colours(picture: str) -> str:
    from PIL import Image

    image = Image.open(io.BytesIO(base64.b64decode(picture))).convert("RGB")
    image.thumbnail((1000, 1000), Image.Resampling.LANCZOS)
    written = io.BytesIO()
    image.quantize(256, dither=Image.Dither.NONE).save(written, "PNG", optimize=True)
    return base64.b64encode(written.getvalue()).decode()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
