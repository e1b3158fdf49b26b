"""The provider's memory: an append-only file of JSON lines, each on disk before anybody hears of it."""

import fcntl
import json
import logging
import os
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

logger = logging.getLogger(__name__)

Record = dict[str, Any]


class LogInUse(Exception):
    """Another process holds this log. Two writers would number their lines twice; stop the other one first."""


class LogDamaged(Exception):
    """A line inside the log cannot be read. Only the last line may be torn; restore the file before starting."""


class OperationLog:
    """Durable, numbered records (`n` from 1, no gaps), replayed on construction.

    `append` returns only after fsync; threads that append at the same time share one fsync. Each record has a `type`,
    the `payment_id` it is about, and `at`, when it was written.
    """

    def __init__(self, *, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            os.close(self._fd)
            raise LogInUse(str(path)) from error
        self._records = _replay(self._fd, path)
        self._durable = len(self._records)
        self._write_lock = threading.Lock()
        self._sync_lock = threading.Lock()
        self._grown = threading.Condition()
        _sync_directory(path.parent)

    def append(self, *, record: Record) -> Record:
        """Store the record under the next number and return it with that number, once it is on disk."""
        with self._write_lock:
            number = len(self._records) + 1
            numbered = {"n": number, **record, "at": datetime.now(UTC).isoformat(timespec="microseconds")}
            self._write(_line(numbered))
            self._records.append(numbered)
        # Whoever gets this lock first syncs for everyone who has written by then; the others find their number covered.
        with self._sync_lock:
            if self._durable < number:
                target = len(self._records)
                self._fsync()
                self._durable = target
                with self._grown:
                    self._grown.notify_all()
        return numbered

    def after(self, *, number: int) -> list[Record]:
        """Every durable record numbered above `number`, in order."""
        return self._records[max(number, 0) : self._durable]

    def wait_beyond(self, *, number: int, seconds_max: float) -> None:
        """Return once there is a durable record numbered above `number`, or after that time."""
        with self._grown:
            self._grown.wait_for(lambda: self._durable > number, seconds_max)

    def close(self) -> None:
        """Give the file (and with it the lock) back."""
        os.close(self._fd)

    def _write(self, line: bytes) -> None:
        try:
            while line:
                line = line[os.write(self._fd, line) :]
        except OSError:
            _give_up("the log cannot be written")

    def _fsync(self) -> None:
        try:
            os.fdatasync(self._fd)
        except OSError:
            # After a failed fsync the kernel may have dropped the pages, so a second try proves nothing.
            _give_up("the log cannot be synced")


def _give_up(reason: str) -> None:
    """End the process at once: memory and file may differ, and only a replay at the next start makes them equal."""
    logger.critical("%s; stopping", reason, exc_info=True)
    logging.shutdown()
    os._exit(74)


def _line(record: Record) -> bytes:
    return json.dumps(record, sort_keys=True, separators=(",", ":")).encode() + b"\n"


def _replay(fd: int, path: Path) -> list[Record]:
    """Read all lines; cut off a torn last one, which nobody was ever told about."""
    content = os.pread(fd, os.fstat(fd).st_size, 0)
    whole = content[: content.rfind(b"\n") + 1]
    records: list[Record] = []
    for number, line in enumerate(whole.splitlines(), start=1):
        try:
            record = json.loads(line)
            intact = isinstance(record, dict) and record.get("n") == number
        except ValueError:
            intact = False
        if not intact:
            raise LogDamaged(f"{path}: line {number}")
        records.append(record)
    if len(whole) < len(content):
        logger.warning("cut %d bytes of a torn last line from %s", len(content) - len(whole), path)
        os.ftruncate(fd, len(whole))
        os.fsync(fd)
    return records


def _sync_directory(directory: Path) -> None:
    """Make the file's own name durable."""
    fd = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
