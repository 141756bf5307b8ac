"""What recording a run cost, and what it wrote."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Summary:
    """seconds: since the recorder was made; recording: of them, spent in its calls without probes; probing: spent in probes, so
    many times `probes`; writing: of the thread that writes, beside training; bytes: written; skipped: checkpoints that were not
    taken as the disk was slower than training; missing: what could not be written, in sentences."""

    folder: str
    steps: int
    epochs: int
    checkpoints: int
    bytes: int
    seconds: float
    recording: float
    probing: float
    probes: int
    writing: float
    skipped: int
    missing: tuple[str, ...] = ()

    @property
    def share(self) -> float:
        """Of the time without probes that recording took."""
        rest = self.seconds - self.probing
        return self.recording / rest if rest > 0 else 0.0

    def __str__(self) -> str:
        lines = [
            f"{self.folder}: {counted(self.steps, 'step')}"
            + (f", {counted(self.epochs, 'epoch')}" if self.epochs else "")
            + f" in {time_of(self.seconds)}; {counted(self.checkpoints, 'checkpoint')} kept, {size_of(self.bytes)} written.",
            f"Recording took {time_of(self.recording)} of it ({self.share:.2%}), and {time_of(self.writing)} beside it.",
        ]
        if self.probes:
            each = self.probing / self.probes
            share = self.probing / self.seconds if self.seconds > 0 else 0.0
            lines.append(
                f"Probes took {time_of(self.probing)} ({share:.1%}): {counted(self.probes, 'measurement')} of {time_of(each)}."
            )
        if self.skipped:
            were = "checkpoint was" if self.skipped == 1 else "checkpoints were"
            lines.append(f"{self.skipped} {were} left out as the disk was slower than training.")
        return "\n".join([*lines, *self.missing])


def counted(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def time_of(seconds: float) -> str:
    if seconds < 1:
        return f"{seconds * 1e3:.3g} ms"
    return f"{seconds:.3g} s" if seconds < 120 else f"{seconds / 60:.1f} min"


def size_of(count: int) -> str:
    for unit, size in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if count >= size:
            return f"{count / size:.3g} {unit}"
    return f"{count} bytes"
