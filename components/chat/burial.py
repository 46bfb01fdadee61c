"""The burial of ledgers whose processes died: what they had reserved may have been billed, so it becomes held.

It is written into the journal once, as one record, from which sums and views see it. That record has the status
`connection` (the answer never came), which no reader takes for an answer and no resume treats as final, and a key of
its own, made from the ledger's random name, so it can be found and is written once.
"""

import fcntl
import hashlib
import json
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from components.chat.journal import Journal
from components.chat.outcome import Status
from components.chat.purse_ends import row_of, settle_row

LOST = "lost"
"""The stage of records that stand for calls in flight when their process died."""

MONTH = "purse-month-"
"""So begin the names of months' purses; 2026-11 follows."""


def bury(folder: Path, journal: Journal) -> None:
    """Ends every ledger whose process is gone. Killed in the middle, it is repeated by the next one: the journal is
    looked through before the record is written again, and a row that is gone is skipped. Call it `_alone`."""
    for mark in sorted((folder / "open").glob("*.ledger")):
        try:
            opened = mark.open("r+b")
        except FileNotFoundError:
            continue  # its ledger was closed since
        with opened as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            token = bytes.fromhex(mark.stem)
            noted = _noted(file.read(), folder)
            paths = [folder / name for name in noted["purses"]]
            usd, calls = max((row_of(path, token) for path in paths), default=(0.0, 0))
            if usd > 1e-12:
                begun = noted.get("burying", False)
                file.seek(0)
                file.write(json.dumps(noted | {"burying": True}).encode().ljust(2048))
                file.flush()
                record = lost_record(token, str(noted["name"]), usd, calls, _died(paths))
                if not begun or all(known["call_key"] != record["call_key"] for known in journal.records()):
                    journal.append(record)
            for path in paths:
                settle_row(path, token)
            mark.unlink(missing_ok=True)


def living(folder: Path) -> set[str]:
    """The names of those that a living process has open. Call it `_alone`."""
    found = set()
    for mark in (folder / "open").glob("*.ledger"):
        try:
            opened = mark.open("rb")
        except FileNotFoundError:
            continue
        with opened as file:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                found.add(str(_noted(file.read(), folder)["name"]))
    return found


def lost_record(token: bytes, name: str, usd: float, calls: int, at: float) -> dict[str, Any]:
    """Stands for calls whose answers nobody has; `token` makes it one of its kind, `name` is the run or purse."""
    return {
        "call_key": hashlib.sha256(b"lost " + token).hexdigest()[:32],
        "status": Status.connection.value,
        "model": None,
        "endpoint": None,
        "stage": LOST,
        "run_id": name,
        "text": None,
        "detail": f"in flight when their process died: {calls} attempts, which may have been billed",
        "attempts": calls,
        "input_tokens": None,
        "output_tokens": None,
        "cost_usd": 0.0,
        "held_usd": usd,
        "price_date": None,
        "latency_ms": 0,
        "created_at": datetime.fromtimestamp(at, UTC).isoformat(),
    }


def _noted(data: bytes, folder: Path) -> dict[str, Any]:
    """A process that died before it could note anything had no money yet; its row is looked for everywhere."""
    try:
        noted = json.loads(data)
        return {"name": str(noted["name"]), "purses": [str(name) for name in noted["purses"]]} | dict(noted)
    except (ValueError, KeyError, TypeError):
        return {"name": LOST, "purses": [path.name for path in folder.glob("purse-*")]}


def _died(paths: Sequence[Path]) -> float:
    """When money last moved in these purses, about when the process died; within the month whose purse it was in."""
    at = max((path.stat().st_mtime for path in paths if path.exists()), default=time.time())
    for path in paths:
        if path.name.startswith(MONTH):
            begin = datetime.strptime(path.name, f"{MONTH}%Y-%m").replace(tzinfo=UTC)
            end = (begin + timedelta(days=32)).replace(day=1).timestamp() - 1
            at = min(max(at, begin.timestamp()), end)
    return at
