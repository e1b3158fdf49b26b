"""The export's folder: a day is one file, which is there whole or not at all.

    events/booking_day=2026-11-21/part-0.parquet      the layout that Parquet readers call hive
    .unfinished/                                       files being written; whatever is left there means nothing

One file a day, because a rename replaces one file at once and several never: a reader sees the day as it was or as it
is, and never half of both.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

from payments_ledger.analytics.errors import AnalyticsError

PART = "part-0.parquet"


def day_file(folder: Path, day: date) -> Path:
    return folder / "events" / f"booking_day={day.isoformat()}" / PART


def exported_days(folder: Path) -> list[date]:
    """The days that have a file, in order."""
    found = folder.glob(f"events/booking_day=*/{PART}")
    return sorted(date.fromisoformat(path.parent.name.removeprefix("booking_day=")) for path in found)


def unfinished_file(folder: Path, day: date) -> Path:
    """Where this process writes the day before it is whole."""
    directory = folder / ".unfinished"
    directory.mkdir(parents=True, exist_ok=True)
    return directory / f"{day.isoformat()}-{os.getpid()}.parquet"


def publish(unfinished: Path, target: Path) -> None:
    """Make the finished file the day's file, in the place of an older one; it outlives a power cut from then on."""
    _flush(unfinished)
    target.parent.mkdir(parents=True, exist_ok=True)
    os.replace(unfinished, target)
    for directory in (target.parent, target.parent.parent):
        _flush(directory)


@contextmanager
def owned(folder: Path) -> Iterator[None]:
    """Keep other exports out of this folder, and clear what a killed one left. Raises AnalyticsError."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        file = (folder / ".lock").open("w")
    except OSError as error:
        raise AnalyticsError(f"{folder} cannot be written: {error.strerror}; name another with --folder") from error
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise AnalyticsError(f"another export is writing to {folder}; wait for it, or name another") from error
        for left in folder.glob(".unfinished/*.parquet"):
            left.unlink(missing_ok=True)
        yield


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
