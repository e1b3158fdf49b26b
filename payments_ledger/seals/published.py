"""The chain of seals outside both databases: a file, one line a seal, only ever added to and synced each time."""

import os
from pathlib import Path

from django.conf import settings

from payments_ledger.seals.errors import ChainBroken
from payments_ledger.seals.seal import Seal


def path() -> Path:
    """Where the settings say it is (LEDGER_SEALS_FILE)."""
    return Path(settings.LEDGER_SEALS_FILE)


def lines() -> tuple[list[bytes], bytes]:
    """Every whole line without its end, and what stands after the last one: nothing, unless writing was interrupted."""
    try:
        *whole, torn = path().read_bytes().split(b"\n")
    except FileNotFoundError:
        return [], b""
    return whole, torn


def append(seal: Seal) -> None:
    """Add the seal's line, on disk when this returns. A line that is there already is not added twice.

    What a crash left of this very line is taken away first. Raises ChainBroken when the file ends otherwise than the
    seal before this one.
    """
    file = path()
    created = not file.exists()
    file.parent.mkdir(parents=True, exist_ok=True)
    whole, line = seal.line(), seal.line() + b"\n"
    descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o640)
    try:
        ended, torn = _ends(descriptor)
        if ended == whole:
            return
        if torn:
            if not line.startswith(torn):
                raise ChainBroken(f"{file} ends in the middle of a line that is not of seal {seal.seal_no}")
            os.ftruncate(descriptor, os.fstat(descriptor).st_size - len(torn))
        _write_all(descriptor, line)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    if created:
        _sync_folder(file.parent)


def _ends(descriptor: int) -> tuple[bytes, bytes]:
    """The last whole line, and what comes after it. Reads the end of the file only."""
    size = os.fstat(descriptor).st_size
    # A line is about 260 bytes long; two of them and more are in this.
    tail = os.pread(descriptor, 4096, max(0, size - 4096))
    whole, _, torn = tail.rpartition(b"\n")
    return whole.rpartition(b"\n")[2], torn


def _write_all(descriptor: int, content: bytes) -> None:
    while content:
        content = content[os.write(descriptor, content) :]


def _sync_folder(folder: Path) -> None:
    # Else a crash could forget that the file was ever made.
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
