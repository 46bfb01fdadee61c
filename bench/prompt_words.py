"""How well prompt words are read without training, with a few examples, and by lexicon: python -m bench.prompt_words

Prints one table per data set: drawn pictures; the real pictures with scenes labelled by eye; real tweets with
sentiments (labels of two language models, not people's). Real data is looked for in --real; where it is not there, a
line says so. --text-encoder DIR adds a sentence encoder that is no part of postwright, such as all-MiniLM-L6-v2.
Vectors are kept in --cache: a second run takes a minute.
"""

import argparse
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from numpy.typing import NDArray

from components.features import load_models, model_set_fingerprint
from components.features.labels_file import read_labels
from components.features.model_set import SHIPPED
from components.features.zero_shot import estimated_shares, shifted
from components.learning.assemble import encoded, labels_of
from components.learning.encoded import Encoded, Measured
from components.learning.evaluation import Round, answers
from components.learning.examples import list_examples, read_examples, settle
from components.learning.methods import NEEDS, Inputs, fits
from components.learning.metrics import measure, paired_difference
from components.learning.near_duplicates import near_duplicate_clusters, perceptual_hashes
from components.learning.spec import LabelledSource, Method, SplitRule, Task
from components.learning.splits import folds
from components.learning.vectors import Vectors, vectors
from components.records import Example, content_id
from components.specs import FeatureSpec

HERE = Path(__file__).parent
NOW = datetime(2026, 1, 1, tzinfo=UTC)
KINDS = ("picture", "text", "clip_image", "clip_text")
SENTIMENT = {"sentiment": Task(labels=("positive", "neutral", "negative"))}
SEEDS = range(3)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--real", type=Path, default=Path("../shared/data/real"), help="folder of the real data")
    parser.add_argument("--cache", type=Path, default=Path(tempfile.gettempdir()) / "postwright-prompt-words")
    parser.add_argument("--text-encoder", type=Path, help="a sentence encoder's folder, as on the hub")
    parser.add_argument("--drawings", type=int, default=900)
    parser.add_argument("--only", choices=("drawn", "pictures", "tweets"))
    parser.add_argument("--resamples", type=int, default=2000)
    given = parser.parse_args()
    given.cache.mkdir(parents=True, exist_ok=True)
    for name, measured_here in {"drawn": drawn, "pictures": real_pictures, "tweets": real_sentiments}.items():
        if given.only in (None, name):
            measured_here(given)


def drawn(given: argparse.Namespace) -> None:
    source = LabelledSource(source="drawings", seeds=(20_000_000, 20_000_000 + given.drawings))
    tasks = {name: Task() for name in ("topic", "sentiment", "scene")}
    examples = read([source], tasks, given.cache)
    methods = [
        Method(kind="model_set"), *zero_shots("zero_shot"), *zero_shots("text_zero_shot"),
        *(Method(kind="few_shot", shots=shots, name=f"few_shot, {shots} per class") for shots in (1, 4, 16)),
        Method(kind="vader"), Method(kind="linear_probe"), Method(kind="majority"), Method(kind="prior"),
    ]  # fmt: skip
    table(f"Drawn pictures with texts, n = {len(examples)}", examples, tasks, methods, "half", given)


def real_pictures(given: argparse.Namespace) -> None:
    file = given.real / "index/scene_labels_by_eye.csv"
    if not file.is_file():
        skip("real pictures", file)
        return
    listed = given.cache / "scenes.csv"
    lines = file.read_text(encoding="utf-8").splitlines()
    rows = [str((given.real / row).resolve()) for row in lines[1:] if row]
    listed.write_text("\n".join([lines[0], *rows]) + "\n", encoding="utf-8")
    source = LabelledSource(source="table", path=listed, columns={"image": "path", "label.scene": "scene"})
    described = HERE / "scene_labels.yaml"
    tasks = {"scene": Task(labels=tuple(read_labels(described)["scene"].classes))}
    examples = read([source], tasks, given.cache)
    templates = given.cache / "scene_templates.yaml"
    data = yaml.safe_load(described.read_text(encoding="utf-8"))
    templates.write_text(yaml.safe_dump({"scene": {**data["scene"], "use": "templates"}}, sort_keys=False))
    methods = [
        *zero_shots("zero_shot", templates, "zero_shot, templates"),
        *zero_shots("zero_shot", described, "zero_shot, templates and sentences"),
        *(Method(kind="few_shot", shots=shots, name=f"few_shot, {shots} per class") for shots in (1, 4, 16)),
        Method(kind="linear_probe"), Method(kind="majority"), Method(kind="prior"),
    ]  # fmt: skip
    table(f"Real pictures, n = {len(examples)}, starter models (they know drawn pictures only)", examples, tasks,
          methods, "random", given)  # fmt: skip


def real_sentiments(given: argparse.Namespace) -> None:
    folder = given.real / "sentiment"
    stars, percent = folder / "tweets_TwExportly_sentiments__dev.csv", folder / "lec_04_tweets_sentiment.csv"
    if missing := [file for file in (stars, percent) if not file.is_file()]:
        skip("real sentiments", missing[0])
        return
    columns = {"text": "text", "label.sentiment": "sentiment", "image": "", "published_at": ""}
    sources = [
        LabelledSource(
            source="table",
            path=stars,
            label_map="twexportly_stars",
            columns={**columns, "author": "screen_name"},
        ),
        LabelledSource(source="table", path=percent, label_map="gpt_percent", columns=columns, author="yale"),
    ]
    examples = read(sources, SENTIMENT, given.cache)
    methods = [
        Method(kind="majority"), Method(kind="prior"), Method(kind="vader"),
        Method(kind="model_set", name="starter network"), *zero_shots("text_zero_shot"), Method(kind="linear_probe"),
    ]  # fmt: skip
    if given.text_encoder:
        models = str(other_encoder(given.text_encoder, given.cache))
        named = given.text_encoder.resolve().parent.name
        methods += [
            *zero_shots("text_zero_shot", name=f"text_zero_shot, {named}", models=models),
            Method(kind="linear_probe", name=f"linear_probe, {named}", models=models),
        ]
    else:
        print("\nNo --text-encoder: sentence vectors are the starter's, which knows the texts of drawn pictures.")
    accounts = Counter(str(example.author) for example in examples)
    told = ", ".join(f"{name} {count}" for name, count in accounts.most_common())
    title = f"Real tweets, n = {len(examples)} ({told}); methods that learn: all other accounts"
    table(title, examples, SENTIMENT, methods, "account", given)


def zero_shots(kind: str, labels: Path | str = "", name: str = "", models: str = "starter") -> list[Method]:
    base = {"kind": kind, "labels": str(labels), "models": models}
    return [
        Method.model_validate({**base, "name": name or kind}),
        Method.model_validate({**base, "name": f"{name or kind}, shares matched", "prior_matching": True}),
    ]


def read(sources: Sequence[LabelledSource], tasks: dict[str, Task], cache: Path) -> list[Example]:
    found = []
    for source in sources:
        examples, refused = read_examples(list_examples(source, cache / "drawings"), source, tasks, NOW)
        found += examples
        if refused:
            print(f"{source.name}: refused {dict(Counter(row.reason for row in refused))}")
    kept, out = settle(found, NOW)
    if out:
        print(f"kept out: {dict(Counter(row.reason for row in out))}")
    return kept


def table(
    title: str,
    examples: Sequence[Example],
    tasks: dict[str, Task],
    methods: Sequence[Method],
    kind: str,
    given: argparse.Namespace,
) -> None:
    """One line per task and method: macro-F1 and accuracy with 95 % intervals, and expected calibration error."""
    labels = labels_of(examples, tasks)
    rule = SplitRule(by_author=False)
    alone = near_duplicate_clusters(examples, perceptual_hashes(examples), [], rule)
    number = np.array(folds_of(examples, alone, kind), dtype=np.int64)
    own = np.array(alone)
    # What is nearly the same as something asked about may not teach, whoever posted it.
    rounds = [
        Round(number == fold, (number != fold) & ~np.isin(own, own[number == fold]))
        for fold in (np.unique(number) if kind != "half" else (0,))
    ]
    print(f"\n## {title}; intervals: bootstrap of {len(set(alone))} near-duplicate clusters\n")
    print("| task | method | macro-F1 | 95 % | other seeds | accuracy | 95 % | ECE | s |")
    print("|---|---|---|---|---|---|---|---|---|")
    read_by = {m.models: cached(examples, m.models, given.cache) for m in methods if NEEDS[m.kind]}
    first = next(iter(read_by.values()))
    rows = encoded(examples, first, tasks, labels, alone)
    asked = np.any([one.asked for one in rounds], axis=0)
    for task in tasks:
        lexicon: NDArray[Any] | None = None
        for method in methods:
            if not fits(method, labels[task]):
                continue
            vectors_of = read_by.get(method.models, first)
            inputs = Inputs.of(vectors_of, [example.text for example in examples], rows.targets[task])
            models = load_models(FeatureSpec(models=method.models)) if NEEDS[method.kind] else None
            started = time.monotonic()
            runs = [answers(method, task, labels[task], inputs, rounds, models, seed) for seed in seeds_of(method)]
            seconds = (time.monotonic() - started) / len(runs)
            found = [measured(task, run[asked], rows.rows(asked), labels[task], given.resamples) for run in runs]
            others = ", ".join(f"{one['macro_f1'].value:.3f}" for one in found[1:])
            line(task, method.name or method.kind, found[0], others, seconds)
            lexicon = runs[0] if method.kind == "vader" else lexicon
            if method.kind == "linear_probe" and lexicon is not None:
                apart = paired_difference(
                    task, "macro_f1", runs[0][asked], lexicon[asked], rows.rows(asked), resamples=given.resamples
                )
                print(f"| {task} | ... minus vader, paired | {value_of(apart)} | p = {apart.detail['p']:.3f} | | | | |")
            if method.kind.endswith("zero_shot") and not method.prior_matching:
                estimated = by_fold(runs[0], number)
                found_then = measured(task, estimated[asked], rows.rows(asked), labels[task], given.resamples)
                line(task, f"{method.name or method.kind}, shares estimated (EM)", found_then, "", 0.0)


def folds_of(examples: Sequence[Example], clusters: Sequence[str], kind: str) -> list[int]:
    """account: one fold per account; random: five folds; half: two, of which only the first is asked about."""
    if kind != "account":
        return folds(examples, clusters, "random", 2 if kind == "half" else 5)
    names = sorted({str(example.author) for example in examples})
    return [names.index(str(example.author)) for example in examples]


def seeds_of(method: Method) -> Sequence[int]:
    return SEEDS if method.kind in ("few_shot", "prior") else (0,)


def by_fold(probabilities: NDArray[np.float64], number: NDArray[np.int64]) -> NDArray[np.float64]:
    """Shifted, fold by fold, to the shares that expectation maximisation finds in it without any label."""
    found = probabilities.copy()
    for fold in np.unique(number):
        own = np.flatnonzero((number == fold) & ~np.isnan(probabilities).any(1))
        if not len(own):
            continue
        shares = np.clip(estimated_shares(probabilities[own]), 1e-9, None)
        found[own] = shifted(probabilities[own], np.log(shares))
    return found


def measured(
    task: str, asked: NDArray[Any], rows: Encoded, labels: Sequence[str], resamples: int
) -> dict[str, Measured]:
    return {found.metric: found for found in measure({task: asked}, rows, {task: labels}, resamples=resamples)}


def line(task: str, name: str, found: dict[str, Measured], others: str, seconds: float) -> None:
    ece = f"{found['ece'].value:.3f}" if "ece" in found else ""
    scores = f"{value_of(found['macro_f1'])} | {others} | {value_of(found['accuracy'])}"
    print(f"| {task} | {name} | {scores} | {ece} | {seconds:.1f} |", flush=True)


def value_of(found: Measured) -> str:
    known = None not in (found.value, found.low, found.high)
    return f"{found.value:.3f} | {found.low:.3f} to {found.high:.3f}" if known else "none | "


def cached(examples: Sequence[Example], models: str, cache: Path) -> Vectors:
    """What the encoders made of the examples, kept by what the models and the examples are."""
    told = [sorted(model_set_fingerprint(models).items()), [example.example_id for example in examples]]
    file = cache / f"{content_id('vectors', *told)}.npz"
    if file.is_file():
        with np.load(file) as kept:
            kinds = {kind: kept[kind] for kind in KINDS}
            return Vectors([str(i) for i in kept["ids"]], kinds, kept["has_picture"], kept["has_text"])
    found, refused = vectors(examples, models, None, KINDS, "bench")
    if refused:
        raise SystemExit(f"{len(refused)} pictures could not be read again, {refused[0].source_uri} among them")
    masks = {"has_picture": found.has_picture, "has_text": found.has_text}
    np.savez(file, ids=np.array(found.ids), allow_pickle=False, **masks, **found.kinds)
    return found


def other_encoder(folder: Path, cache: Path) -> Path:
    """A model set: the starter's, with another text encoder, and the descriptions of classes instead of its network."""
    data = yaml.safe_load((SHIPPED / "starter.yaml").read_text(encoding="utf-8"))
    parts = {name: {"path": str((SHIPPED / part["path"]).resolve())} for name, part in data.items()}
    parts["text_encoder"] = {"path": str(folder.resolve())}
    parts["network"] = {"zero_shot": "clip", "labels": str(SHIPPED / "pretrained_labels.yaml")}
    file = cache / "other_encoder.yaml"
    file.write_text(yaml.safe_dump(parts), encoding="utf-8")
    return file


def skip(what: str, missing: Path) -> None:
    print(f"\nSkipped {what}: no {missing}; give the folder of the real data with --real")


if __name__ == "__main__":
    main()
