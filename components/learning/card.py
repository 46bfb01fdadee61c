"""What people should know of a trained network, as Markdown: data, training, figures with intervals, limits.

Read and written: nothing; the text is returned. The same facts stand in card.json for programs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from components.features.network import PromptWordsNetwork
from components.learning.encoded import Measured

IN_CARD = ("accuracy", "macro_f1", "ece", "nll", "abstention", "coverage@threshold", "accuracy@threshold")
FOR_NUMBERS = ("mae", "spearman", "r2")
_MEANING = {
    "accuracy": "accuracy", "macro_f1": "macro-F1", "ece": "expected calibration error", "nll": "log loss",
    "abstention": "area under the risk-coverage curve", "coverage@threshold": "share kept at the threshold",
    "accuracy@threshold": "accuracy of what is kept", "mae": "mean absolute error", "spearman": "rank correlation",
    "r2": "R squared",
}  # fmt: skip


def card_text(
    network: PromptWordsNetwork,
    facts: Mapping[str, Any],
    measured: Sequence[Measured],
    compared: Sequence[tuple[str, Measured]],
    label_maps: Sequence[str],
    of_this_run: Mapping[str, Any],
) -> str:
    """The card in Markdown; its arguments are those of `model_folder.save_model`."""
    config = network.config
    figures = [row for row in measured if row.metric in IN_CARD + FOR_NUMBERS]
    rows = "\n".join(f"| {r.task} | {_MEANING[r.metric]} | {_number(r.value)} | {_range(r)} | {r.n} |" for r in figures)
    differences = "\n".join(
        f"| {name} | {r.task} | {_MEANING[r.metric.removesuffix('_difference')]} | {_number(r.value, sign=True)} "
        f"| {_range(r)} | {_number(r.detail.get('p_holm'))} | {r.n} |"
        for name, r in compared
    )
    tasks = "\n".join(
        f"- **{task}**, threshold {_number(config.thresholds.get(task))}: {', '.join(names)}"
        for task, names in config.tasks.items()
    )
    numbers = "\n".join(
        f"- **{task}**, a number; training mean {unit.get('mean', 0):.4g}, deviation {unit.get('scale', 1):.4g}"
        for task, unit in config.numbers.items()
    )
    splits = "\n".join(
        f"| {split} | {sum(counts.values())} | {', '.join(f'{n} {c}' for n, c in counts.items())} "
        f"| {facts.get('clusters', {}).get(split, '')} |"
        for split, counts in facts.get("rows", {}).items()
    )
    spec = facts.get("spec", {})
    with_maps = f"Label maps, beside this file: {', '.join(label_maps)}." if label_maps else "No label map was used."
    runs = "".join(f"\n{name}: {value}." for name, value in of_this_run.items())
    table = f"""
## Against networks of the same budget

Their score minus this network's, on the same test rows; p two-sided, Holm's correction over the table.

| network | task | score | difference | 95 % interval | p | n |
|---|---|---|---|---|---|---|
{differences}
"""
    return f"""# {facts.get("name", "A network for prompt words")}

A network that reads prompt words from the vectors of a picture and a text: {config.fusion} fusion,
{network.parameters:,} learned numbers. Labels: {config.label_source}.

{tasks}{chr(10) if tasks and numbers else ""}{numbers}

Below a task's threshold a label is too uncertain to be used: from there on, {_share(spec.get("keep_right"))} of the
labels kept on validation were right. A threshold above 1 says that this was never so.

## Data

| split | rows | by dataset | clusters |
|---|---|---|---|
{splits}

Near-duplicates stay in one cluster and clusters in one split. {with_maps} How often each label occurs stands in
card.json.

## Training

Loss {spec.get("loss", "")}, batches of {spec.get("batch_size", "")}, learning rate {spec.get("learning_rate", "")},
at most {spec.get("epochs", "")} epochs, stopped after {spec.get("patience", "")} without progress,
seed {facts.get("seed", "")}. Encoders of `{spec.get("models", "")}`, learning
too: {spec.get("train_encoders", "none")}.{runs}

## Figures on the test split

| task | score | estimate | 95 % interval | n |
|---|---|---|---|---|
{rows}

Intervals come from {spec.get("resamples", 1000)} bootstrap resamples of clusters; they say how much the figures would
move with other examples of the same kind, not how the network does on examples of another kind.
{table if compared else ""}
## Limits

- It names only the labels above, also where none of them fits; look at the probabilities, and keep the thresholds.
- It learned from the datasets above. On pictures or texts of another kind, language or time, figures will be lower.
- The labels carry the judgement, and the mistakes, of those who gave them.
- {_reads(config.reads)}
"""


def _reads(reads: Mapping[str, Sequence[str]]) -> str:
    if not reads:
        return "Every task learned from pictures and texts; with one of the two missing it is less sure."
    told = "; ".join(f"{task} reads the {seen[0]} only" for task, seen in reads.items())
    return f"{told}: the labels came with nothing else."


def _number(value: float | None, sign: bool = False) -> str:
    return "" if value is None else f"{value:+.3f}" if sign else f"{value:.3f}"


def _share(value: float | None) -> str:
    return "the wanted share" if value is None else f"{value:.0%}".replace("%", " %")


def _range(row: Measured) -> str:
    return "" if row.low is None or row.high is None else f"{row.low:.3f} to {row.high:.3f}"
