"""Writes a trained network as a directory that a model set can point at, its card, and the model set's file.

Written: `config.json`, `model.safetensors`, `card.json`, the label maps that were used, and `CARD.md` for people. All
but CARD.md is part of the model's fingerprint, so it holds nothing that differs between two runs of one training; dates
and durations go to CARD.md only.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from components.errors import UserError
from components.features.model_set import read_model_set
from components.features.network import PromptWordsNetwork
from components.learning.card import card_text
from components.learning.encoded import Encoded, Measured
from components.learning.spec import TrainingSpec


def training_facts(
    spec: TrainingSpec, data: Mapping[str, Encoded], labels: Mapping[str, Sequence[str]], network: PromptWordsNetwork
) -> dict[str, Any]:
    """What a card says of how a network came to be: the spec, rows and labels per split and dataset, the encoders."""
    rows = {
        split: {name: int(sum(d == name for d in part.datasets)) for name in sorted(set(part.datasets))}
        for split, part in data.items()
    }
    counts: dict[str, Any] = {}
    for task in spec.tasks:
        counts[task] = {}
        for split, part in data.items():
            known = part.targets[task][part.known(task)]
            counts[task][split] = (
                dict(zip(labels[task], np.bincount(known, minlength=len(labels[task])).tolist(), strict=True))
                if task in labels
                else len(known)
            )
    return {
        "name": spec.name, "spec": spec.resolved(), "rows": rows, "labelled": counts, "parameters": network.parameters,
        "clusters": {split: len(set(part.clusters)) for split, part in data.items()}, "seed": spec.seed,
    }  # fmt: skip


def save_model(
    folder: Path,
    network: PromptWordsNetwork,
    facts: Mapping[str, Any],
    measured: Sequence[Measured],
    *,
    compared: Sequence[tuple[str, Measured]] = (),
    label_maps: Mapping[str, str] | None = None,
    of_this_run: Mapping[str, Any] | None = None,
) -> None:
    """Writes the directory. `facts`: from `training_facts`, more is welcome; `measured` on the test split; `compared`:
    other networks minus this one; `label_maps`: name -> YAML text; `of_this_run`: dates, seconds, for CARD.md only."""
    folder.mkdir(parents=True, exist_ok=True)
    # In full precision: the figures were measured with these numbers, and the file is a megabyte or two.
    network.save(folder, half=False)
    for name, text in (label_maps or {}).items():
        (folder / f"label_map_{Path(name).stem}.yaml").write_text(text, encoding="utf-8")
    card = {
        "facts": dict(facts),
        "figures": [asdict(row) for row in measured],
        "compared": [{"subject": name, **asdict(row)} for name, row in compared],
    }
    text = json.dumps(card, indent=2, ensure_ascii=False, sort_keys=True, default=str, allow_nan=False)
    (folder / "card.json").write_text(text + "\n", encoding="utf-8")
    (folder / "CARD.md").write_text(
        card_text(network, facts, measured, compared, tuple(label_maps or ()), of_this_run or {}), encoding="utf-8"
    )


def read_card(folder: Path) -> dict[str, Any]:
    card: dict[str, Any] = json.loads((folder / "card.json").read_text(encoding="utf-8"))
    return card


def write_model_set(file: Path, base: str, network: Path, encoders: Mapping[str, Path] | None = None) -> Path:
    """Writes `file`, a model set to be named as features.models: the parts of the set `base`, but for the trained
    network and the `encoders` (picture_encoder, text_encoder) that learned too. Parts beside the file are named
    relative to it, so that the directory can be moved; the base set's by their place on this machine or on the hub."""
    if unknown := sorted(set(encoders or {}) - {"picture_encoder", "text_encoder"}):
        raise UserError(f"model set {file.name}: {unknown[0]} is no encoder; use picture_encoder or text_encoder")
    chosen = read_model_set(base)
    parts: dict[str, Any] = yaml.safe_load(chosen.file.read_text(encoding="utf-8"))
    for part in parts.values():
        for key in ("path", "labels"):
            if isinstance(part, dict) and key in part:
                part[key] = str(chosen.local(Path(part[key])))
    for name, folder in {**(encoders or {}), "network": network}.items():
        parts[name] = {"path": _from(file.parent, folder)}
    file.parent.mkdir(parents=True, exist_ok=True)
    header = f"# Trained by postwright on the encoders of {chosen.name}; see CARD.md in the network's directory.\n"
    half = file.with_name(f".{file.name}.{os.getpid()}")  # a run that reads it now sees the old set or the new one
    half.write_text(header + yaml.safe_dump(parts, sort_keys=False, allow_unicode=True), encoding="utf-8")
    half.replace(file)
    return file


def _from(folder: Path, part: Path) -> str:
    place, base = part.resolve(), folder.resolve()
    return str(place.relative_to(base)) if place.is_relative_to(base) else str(place)
