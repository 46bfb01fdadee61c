"""The tables of an experiment as CSV files, for spreadsheets and for other people's statistics."""

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from components.spreadsheets import guarded


def export(result: Mapping[str, Any], folder: Path) -> list[Path]:
    """Writes arms.csv, differences.csv, agreement.csv (how far the judges can be believed), scores.csv and, where there
    are any, pairs.csv and claims.csv into `folder`."""
    pairs = result["pairs"] or {"win_rates": ()}
    tables = {
        "arms.csv": [_arm(row) for row in result["arms"]],
        "differences.csv": [
            *({"judge": "", **row} for row in [*result["overall"], *result["aspects"]]),
            *({"judge": judge, **row} for judge, rows in result["second"].items() for row in rows),
        ],
        "pairs.csv": [_pair(row) for row in pairs["win_rates"]],
        "claims.csv": [_claim(row) for row in result["claims"]],
        "agreement.csv": [*_agreement(result["agreement"], "scores"), *_agreement(pairs.get("agreement"), "pairs")],
        "scores.csv": list(result["scores"]),
    }
    written = []
    for name, rows in tables.items():
        if rows:
            _write(folder / name, rows)
            written.append(folder / name)
    return written


def _agreement(found: Mapping[str, Any] | None, of: str) -> list[dict[str, Any]]:
    """The figures, and what is not known as lines without one."""
    names = ("whom", "aspect", "figure", "value", "low", "high", "n")
    rows = [{"of": of, **{name: row[name] for name in names}} for row in found["rows"]] if found else []
    return rows + [{"of": of, "note": line} for line in (found["said"] if found else ())]


def _arm(row: Mapping[str, Any]) -> dict[str, Any]:
    flat = {key: value for key, value in row.items() if key not in ("means", "failures")}
    flat["failures"] = "; ".join(f"{kind}: {n}" for kind, n in row["failures"].items())
    for aspect, mean in row["means"].items():
        flat |= {f"{aspect}_{key}": mean[key] for key in ("mean", "low", "high", "n")}
    return flat


def _claim(row: Mapping[str, Any]) -> dict[str, Any]:
    found = row["difference"]
    ours = {f"our_{name}": found[name] for name in ("difference", "low", "high", "p_holm", "n")}
    said = {"reported_by_them": row["reported"]}
    return {key: row[key] for key in ("better", "than", "aspect", "by", "direction", "found")} | ours | said


def _pair(row: Mapping[str, Any]) -> dict[str, Any]:
    rate = row["rate"]
    counts = {key: row[key] for key in ("name", "other", "wins", "ties", "losses", "incomplete")}
    return counts | {"win_rate": rate["value"], "low": rate["low"], "high": rate["high"]}


def _write(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    names = list(dict.fromkeys(name for row in rows for name in row))
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, names, lineterminator="\n")
        writer.writeheader()
        writer.writerows({name: _cell(value) for name, value in row.items()} for row in rows)


def _cell(value: object) -> object:
    return guarded(value) if isinstance(value, str) else value
