"""labelled examples -> evaluations: every method is asked about the same rows, and none about rows it learned from."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from prefect import flow, task
from prefect.cache_policies import NO_CACHE

from components.errors import UserError
from components.learning.assemble import labels_of, targets_of, training_id
from components.learning.encoded import Encoded, Measured
from components.learning.evaluation import Round, answers, author_rounds, fold_rounds
from components.learning.methods import NEEDS, Inputs, fits
from components.learning.metrics import measure
from components.learning.spec import EvaluationSpec, Method
from components.learning.splits import apart, folds, split
from components.learning.vectors import Vectors
from components.records import Evaluation, Example
from components.specs import FeatureSpec
from components.warehouse.store import Store
from flows.caching import whole
from flows.progress import progress, say
from flows.publish import StepResult, publish
from flows.reading import Groups, encode_all, evaluation_rows, found_before, groups_of, read_sources, short
from flows.settings import Settings
from flows.write_report import write_learning_report

PICTURES = ("picture", "clip_image")
"""Vectors by which near-duplicates are found; one kind of them is enough."""
FEWEST = 20


@dataclass
class EvaluationResult:
    """What an evaluation found: the closing words of the command line, and its JSON."""

    name: str
    evaluation_id: str = ""
    reading: StepResult = field(default_factory=lambda: StepResult("read_examples"))
    evaluations: list[dict[str, Any]] = field(default_factory=list)
    report: str | None = None
    seconds: float = 0.0


@task(task_run_name="measure {name}", cache_policy=NO_CACHE)
def measure_method(
    spec: EvaluationSpec,
    method: Method,
    name: str,
    examples: Sequence[Example],
    read: Vectors | None,
    rounds: Sequence[Round],
    clusters: Sequence[str],
) -> list[Measured]:
    """All metrics of one method; not cached, since heads on vectors take seconds."""
    from components.features import load_models

    settings = Settings.from_environment()
    models = load_models(FeatureSpec(models=method.models), settings.models) if read is not None else None
    labels = labels_of(examples, spec.tasks)
    targets = targets_of(examples, spec.tasks, labels)
    read = read or without_vectors(examples)
    asked = np.logical_or.reduce([one.asked for one in rounds])
    found: list[Measured] = []
    for name_of_task in [name for name in labels if fits(method, labels[name])]:
        inputs = Inputs.of(read, [example.text for example in examples], targets[name_of_task])
        given = answers(method, name_of_task, labels[name_of_task], inputs, rounds, models, spec.seed)
        rows = Encoded(
            read.ids, np.zeros((len(examples), 0), np.float32), np.zeros((len(examples), 0), np.float32),
            read.has_picture, read.has_text, {name_of_task: targets[name_of_task]},
            [example.dataset for example in examples], clusters,
        ).rows(asked)  # fmt: skip
        found += measure({name_of_task: given[asked]}, rows, labels, resamples=spec.resamples, seed=spec.seed)
    return found


@flow(name="evaluate_prompt_words", flow_run_name="evaluate {spec.name}")
def evaluate_prompt_words(spec: EvaluationSpec) -> EvaluationResult:
    """Measure every method on every task; results go to `evaluations` and into a report.

    Args:
        spec: Which ways to read labels are measured, on which labelled examples.
    """
    begun, settings = time.monotonic(), Settings.from_environment().prepare()
    store, result = settings.store(), EvaluationResult(spec.name)
    examples = read_sources(spec.datasets, spec.tasks, store, spec.id, result.reading)
    read: dict[str, Vectors] = {}
    for models in sorted({method.models for method in spec.methods if NEEDS[method.kind]}):
        kinds = sorted({kind for method in spec.methods if method.models == models for kind in NEEDS[method.kind]})
        examples, read[models] = encode_all(examples, models, kinds, spec.step, store, spec.device)
    result.evaluation_id = made = training_id(spec.id, examples)
    rows = found_before(store, made)
    if not rows:
        found = measure_all(spec, made, examples, read, store)
        publish(store, "evaluations", found, [], chunk=made, run_id=made, dataset=spec.name)
        rows = found_before(store, made)
    result.evaluations = [short(row) for row in rows]
    say("writing the report ...")
    result.report = str(write_learning_report(settings, made, spec.name))
    result.seconds = time.monotonic() - begun
    return result


def measure_all(
    spec: EvaluationSpec, made: str, examples: Sequence[Example], read: Mapping[str, Vectors], store: Store
) -> list[Evaluation]:
    """Every method on every task that it can be asked about."""
    ids = [example.example_id for example in examples]
    store.register_as(made, spec, {"examples": len(examples), "spec_id": spec.id})
    pictures = [vectors.of(ids).kinds[kind] for vectors in read.values() for kind in PICTURES if kind in vectors.kinds]
    groups = groups_of(examples, pictures[:1], spec.split)
    rounds = rounds_of(spec, examples, groups)
    if (n := int(sum(one.asked.sum() for one in rounds))) < FEWEST:
        raise UserError(
            f"only {n} of {len(examples)} examples would be asked about, and fewer than {FEWEST} say nothing; give "
            "more examples, or use folds: random, which asks about all"
        )
    advance = progress("measure", len(spec.methods))
    rows: list[Evaluation] = []
    for method in spec.methods:
        name = method.name or method.kind
        vectors = read[method.models].of(ids) if NEEDS[method.kind] else None
        found = measure_method(
            spec, method, name, whole(examples), whole(vectors), whole(rounds), whole(groups.resampled)
        )
        where = "folds by " + spec.folds if spec.folds != "none" else "test"
        rows += evaluation_rows(found, made, name, revision_of(method), dataset_of(examples), where)
        advance(1)
    return rows


def rounds_of(spec: EvaluationSpec, examples: Sequence[Example], groups: Groups) -> list[Round]:
    """Without folds the test split is asked once, and the rest is there to learn from."""
    if spec.folds == "author":
        return author_rounds(examples, groups.twins)
    if spec.folds == "none":
        rows = apart(split(examples, groups.units, spec.split), groups.twins)
        return [Round.of([row.split for row in rows])]
    return fold_rounds(folds(examples, groups.units, seed=spec.split.seed), groups.twins)


def without_vectors(examples: Sequence[Example]) -> Vectors:
    """For methods that read texts, or nothing."""
    return Vectors(
        [example.example_id for example in examples],
        {},
        np.array([example.image_path is not None for example in examples]),
        np.array([bool(example.text.strip()) for example in examples]),
    )


def revision_of(method: Method) -> str:
    """What stands in the column `model`: the model set's name and a hash of its parts, or the method's own name."""
    from components.features import model_set_fingerprint
    from components.records import content_id

    if not NEEDS[method.kind]:
        return method.kind
    prints: Mapping[str, str] = model_set_fingerprint(method.models)
    return f"{prints['name']}@{content_id(prints)[:12]}"


def dataset_of(examples: Sequence[Example]) -> str:
    return ", ".join(sorted({example.dataset for example in examples}))
