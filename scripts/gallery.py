"""Makes the pictures of docs/gallery.md again, by the commands that stand on the page: `python scripts/gallery.py [NAME.png ...]`.

Every command of the page runs, in order, in a folder of its own, and each picture that the page shows is put in its place. With
names only those pictures are made, with the blocks that they come from. What is in the store is not computed again.
"""

from __future__ import annotations

import argparse
import os
import re
import shlex
import shutil
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

PAGE = Path(__file__).resolve().parent.parent / "docs" / "gallery.md"
ENTRY = re.compile(r"(?:^!\[[^\]]*\]\((?P<picture>[^)]+)\)\n\n)?^```bash[^\n]*\n(?P<body>.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A picture of the page, as its place seen from docs/ ("" where a block shows none), and the arguments of its commands."""

    picture: str
    commands: tuple[tuple[str, ...], ...]


def entries(page: Path = PAGE) -> list[Entry]:
    found = []
    for block in ENTRY.finditer(page.read_text(encoding="utf-8")):
        lines = block["body"].replace("\\\n", " ").splitlines()
        commands = tuple(tuple(shlex.split(line)[1:]) for line in lines if line.startswith("landscape-gui "))
        found.append(Entry(picture=block["picture"] or "", commands=commands))
    return found


def make(entry: Entry) -> None:
    """Run its commands, here. Raises RuntimeError where one fails."""
    from landscape_gui import cli

    for command in entry.commands:
        print("landscape-gui", shlex.join(command), file=sys.stderr)
        if cli.main([*command, "--overwrite"]) != 0:
            raise RuntimeError(f"This command failed: landscape-gui {shlex.join(command)}")


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", metavar="NAME.png", nargs="*")
    names = parser.parse_args(arguments).names
    here = os.getcwd()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        try:
            for entry in entries():
                if names and Path(entry.picture).name not in names:
                    continue
                make(entry)
                if entry.picture:
                    target = PAGE.parent / entry.picture
                    target.parent.mkdir(parents=True, exist_ok=True)
                    shutil.copyfile(target.name, target)
        finally:
            os.chdir(here)
    return 0


if __name__ == "__main__":
    sys.exit(main())
