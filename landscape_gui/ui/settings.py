"""What the window remembers from one day to the next: geometry, theme, recent files, trusted code."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QSettings

from landscape_gui.trust import is_trusted, remember_trust

RECENT = 10


class Settings:
    """QSettings in the user's folder, or in the folder that LANDSCAPE_GUI_CONFIG names."""

    def __init__(self) -> None:
        folder = os.environ.get("LANDSCAPE_GUI_CONFIG")
        if folder:
            Path(folder).mkdir(parents=True, exist_ok=True)
            self.store = QSettings(str(Path(folder) / "landscape_gui.ini"), QSettings.Format.IniFormat)
        else:
            self.store = QSettings(QSettings.Format.IniFormat, QSettings.Scope.UserScope, "landscape_gui", "landscape_gui")

    def value(self, key: str, default: object = None) -> object:
        return self.store.value(key, default)

    def set(self, key: str, value: object) -> None:
        self.store.setValue(key, value)

    def text(self, key: str, default: str = "") -> str:
        value = self.store.value(key, default)
        return value if isinstance(value, str) else default

    def texts(self, key: str) -> list[str]:
        value = self.store.value(key, [])
        if isinstance(value, str):
            return [value] if value else []
        return [v for v in value if isinstance(v, str)] if isinstance(value, list) else []

    def sync(self) -> None:
        """Write to the disk what has not been written yet."""
        self.store.sync()

    @property
    def recent(self) -> list[str]:
        return self.texts("recent")

    def add_recent(self, path: str) -> None:
        self.set("recent", [path, *(p for p in self.recent if p != path)][:RECENT])

    def trusts(self, digest: str) -> bool:
        return digest in self.texts("trusted") or is_trusted(digest)

    def trust(self, digests: Sequence[str], path: str = "") -> None:
        """Allow code of these digests from now on: here, and on the command line. Where that cannot be written, here alone."""
        self.set("trusted", sorted({*self.texts("trusted"), *digests}))
        for digest in digests:
            with contextlib.suppress(OSError):
                remember_trust(digest, path)
