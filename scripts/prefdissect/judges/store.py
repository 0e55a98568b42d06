"""The partial store: every answer of a judge, kept as soon as it is given.

A judge's identity (model, revision, tokenizer, prompt template, sampling) names a folder; the texts of a request and
the number of its sample name an answer in it, so another study over the same pairs finds it, and a changed prompt does
not. Every process appends to a file of its own, one line an answer with its checksum: no two writers share a file, a
process that is killed loses at most the line it was writing, and a store on a network disk needs no locks.

A failure is written down too, and asked again: only the join of shards reads it. Needs only the standard library.
"""

from __future__ import annotations

import hashlib
import json
import os
import socket
import time
import zlib
from collections.abc import Iterable
from pathlib import Path

from prefdissect.judges.answers import UNANSWERED

SYNC_SECONDS = 5.0
NEAR = 64  # more tokens than the two orders of a pair differ by


def digest(value: object) -> str:
    """SHA-256 of plain data."""
    text = json.dumps(value, sort_keys=True, ensure_ascii=True, allow_nan=False)
    return hashlib.sha256(text.encode("ascii")).hexdigest()


def request_key(request: dict) -> str:
    """Name of an answer within its judge: the conversation, both responses in the order shown, the sample's number.

    Of a request with a prompt of its own: the prompt, the form asked for, the sample's number, earlier messages.
    """
    if "pieces" in request:
        earlier = [request["turns"]] if request.get("turns") else []
        return digest([request["pieces"], request.get("schema"), request.get("sample", 0), *earlier])[:32]
    parts = [request.get("turns"), request["prompt"], request["first"], request["second"], request.get("sample", 0)]
    return digest(parts)[:32]


class Store:
    """The answers of one judge.

    Parameters
    ----------
    root
        Folder of all stores.
    identity
        All that this judge's answers depend on beside the request.
    limits
        The record's `max_length` and `too_long`: an answer to a prompt that was cut, or given up as too long, holds
        only under the same ones, and a prompt that was answered whole must not be longer than `max_length` now.
    """

    def __init__(self, root: Path, identity: dict, limits: tuple[int | None, str] = (None, "mark")):
        self.folder = Path(root) / digest(identity)[:32]
        self.identity, self.limits = identity, limits
        self.damaged = 0
        self._handle, self._synced = None, 0.0

    def load(self, keys: Iterable[str], *, failures: bool = False) -> dict[str, dict]:
        """Answers by key; of two with one key the earlier one counts, so that results do not change later.

        With `failures` a request that was asked and not answered is there too, with its last failure.
        """
        wanted, found, failed = set(keys), {}, {}
        for path in sorted(self.folder.glob("*.jsonl")):
            for key, answer in self._read(path):
                if key not in wanted:
                    continue
                if answer["status"] in UNANSWERED:
                    failed[key] = answer
                elif key not in found and self._holds(answer):
                    found[key] = answer
        return failed | found if failures else found

    def _read(self, path: Path) -> Iterable[tuple[str, dict]]:
        with path.open("rb") as handle:
            for line in handle:
                checksum, _, body = line.rstrip(b"\n").partition(b" ")
                if not line.endswith(b"\n") or checksum != b"%08x" % zlib.crc32(body):
                    self.damaged += 1  # a line cut by a kill or a full disk: asked again
                    continue
                answer = json.loads(body)
                yield answer.pop("key"), answer

    def _holds(self, answer: dict) -> bool:
        limit = answer.get("limits")
        if limit is not None:
            return tuple(limit) == self.limits
        longest, policy = self.limits
        # Near the limit a pair may have to be cut for its other order.
        room = NEAR if policy == "truncate_responses" else 0
        return longest is None or answer.get("n_tokens", 0) <= longest - room

    def append(self, answers: Iterable[tuple[str, dict]]) -> None:
        """Keep (key, answer) pairs.

        Raises
        ------
        OSError
            When the disk is full or cannot be written; what was kept before stays.
        """
        lines = [self._line(key, answer) for key, answer in answers]
        if not lines:
            return
        try:
            handle, rest = self._open(), memoryview(b"".join(lines))
            while rest:  # a disk that fills up takes a part without complaint
                rest = rest[handle.write(rest) :]
            if time.monotonic() - self._synced >= SYNC_SECONDS:
                os.fsync(handle.fileno())
                self._synced = time.monotonic()
        except OSError as error:
            raise OSError(error.errno, error.strerror, error.filename or str(self.folder)) from error

    def _line(self, key: str, answer: dict) -> bytes:
        row = {name: value for name, value in answer.items() if name != "id"} | {"key": key}
        if answer["status"] == "too_long" or answer.get("truncated"):
            row["limits"] = list(self.limits)
        body = json.dumps(row, ensure_ascii=True, allow_nan=False).encode("ascii")
        return b"%08x %s\n" % (zlib.crc32(body), body)

    def _open(self):
        if self._handle is None:
            self.folder.mkdir(parents=True, exist_ok=True)
            self._describe()
            name = f"{time.time_ns():020d}-{socket.gethostname()}-{os.getpid()}.jsonl"
            # Unbuffered: what was written survives the process, whatever ends it.
            self._handle = (self.folder / name).open("xb", buffering=0)
        return self._handle

    def _describe(self) -> None:
        """Say in the folder whose answers these are, for people."""
        if not (self.folder / "judge.json").exists():
            self._write_json("judge.json", self.identity)

    def _write_json(self, name: str, data: object) -> None:
        temporary = self.folder / f".{name}.{socket.gethostname()}.{os.getpid()}"
        temporary.write_text(json.dumps(data, indent=1, sort_keys=True), encoding="utf-8")
        os.replace(temporary, self.folder / name)

    def remember_speed(self, tokens_per_s: float) -> None:
        """Keep the speed of a run, for the estimate of a later one."""
        if self.folder.is_dir():
            self._write_json("speed.json", {"tokens_per_s": round(tokens_per_s, 2)})

    def last_speed(self) -> float | None:
        """Prompt tokens per second in the last run, or None."""
        path = self.folder / "speed.json"
        return json.loads(path.read_text(encoding="utf-8"))["tokens_per_s"] if path.exists() else None

    def close(self) -> None:
        """Bring everything to the disk."""
        if self._handle is not None:
            os.fsync(self._handle.fileno())
            self._handle.close()
            self._handle = None
