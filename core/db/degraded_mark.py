"""The degraded mark: a file outside PostgreSQL that says the standby lacks commits and must not be promoted.

It stands outside because a standby that is away would never learn of it from PostgreSQL.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class DegradedMark:
    """The mark at one path. Writing and removing it survive a power cut."""

    path: Path

    def stands(self) -> bool:
        return self.path.exists()

    def reason(self) -> str:
        """Why it stands, empty when it does not."""
        try:
            return self.path.read_text(encoding="utf-8").strip()
        except FileNotFoundError:
            return ""

    def write(self, reason: str) -> None:
        """Put the mark there; on return it is on disk. One that stands already keeps its first reason."""
        if self.stands():
            return
        self.path.parent.mkdir(parents=True, exist_ok=True)
        temporary = self.path.with_name(f"{self.path.name}.{os.getpid()}")
        with open(temporary, "w", encoding="utf-8") as handle:
            handle.write(reason + "\n")
            handle.flush()
            os.fsync(handle.fileno())
        os.replace(temporary, self.path)
        self._sync_folder()

    def remove(self) -> None:
        """Take the mark away; on return that is on disk."""
        self.path.unlink(missing_ok=True)
        self._sync_folder()

    def _sync_folder(self) -> None:
        folder = os.open(self.path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
