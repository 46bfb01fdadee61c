"""labelled examples -> a network, measured beside what it is compared with, and put to use unless it is worse.

Read: the sources of a TrainingSpec. Written: `examples`, `splits`, `evaluations`, `checks`; a directory per network
under the home's `models/trained/`, and `models/NAME.yaml`, the model set that campaigns name.
"""

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd
from prefect import flow, task
from prefect.cache_policies import NO_CACHE

from components.errors import CheckFailed
from components.learning.assemble import encoded, labels_of, training_id
from components.learning.comparisons import Arm, ArmResult, arms, compare, train_arm
from components.learning.encoded import Encoded, Measured
from components.learning.fine_tuning import FineTuned, fine_tune
from components.learning.fitting import Track
from components.learning.label_maps import label_map_text
from components.learning.model_folder import save_model, training_facts, write_model_set
from components.learning.promotion import against_incumbent, is_in_use
from components.learning.spec import TrainingSpec
from components.learning.splits import PARTS, apart, split, split_rows
from components.learning.vectors import Vectors
from components.records import Evaluation, Example
from components.warehouse.store import Store
from flows.caching import whole
from flows.progress import progress, say
from flows.publish import StepResult, publish, verify
from flows.reading import encode_all, evaluation_rows, found_before, groups_of, read_sources, short
from flows.settings import Settings
from flows.write_report import write_learning_report

KINDS = ("picture", "text")


@dataclass
class TrainingResult:
    """What a training did: the closing words of the command line, and its JSON."""

    name: str
    training_id: str = ""
    state: str = "running"
    message: str = ""
    reading: StepResult = field(default_factory=lambda: StepResult("read_examples"))
    evaluations: list[dict[str, Any]] = field(default_factory=list)
    differences: list[dict[str, Any]] = field(default_factory=list)
    model: str | None = None
    model_set: str | None = None
    report: str | None = None
    seconds: float = 0.0


@task(task_run_name="train {name}", cache_policy=NO_CACHE)
def fit_arm(
    name: str, arm: Arm, data: Mapping[str, Encoded], spec: TrainingSpec, labels: Mapping[str, Sequence[str]]
) -> ArmResult:
    """Train and measure one network. Not cached: heads learn in seconds, and a network crosses no task's border but
    within this process."""
    with epochs_of(f"train {name}", spec.epochs) as track:
        return train_arm(arm, data, spec, labels, track)


@task(task_run_name="train encoders {name}", cache_policy=NO_CACHE)
def fit_encoders(
    name: str,
    examples: Sequence[Example],
    data: Mapping[str, Encoded],
    spec: TrainingSpec,
    labels: Mapping[str, Sequence[str]],
    folder: Path,
) -> FineTuned:
    """Let the encoders learn too; they are written into `folder`."""
    by_id = {example.example_id: example for example in examples}
    models = Settings.from_environment().models
    with epochs_of("train encoders", spec.epochs) as track:
        return fine_tune(by_id, data, labels, spec, models, folder, track)


@contextmanager
def epochs_of(label: str, epochs: int) -> Iterator[Track]:
    """Progress in epochs for a training that counts in steps; one that stops early is done, too."""
    advance, done = progress(label, epochs), 0

    def track(step: int, steps: int, line: str) -> None:
        nonlocal done
        epoch = step * epochs // max(steps, 1)
        advance(epoch - done)
        done = epoch

    yield track
    advance(epochs - done)


@flow(name="train_prompt_words", flow_run_name="train {spec.name}")
def train_prompt_words(spec: TrainingSpec) -> TrainingResult:
    """Train, measure, compare, and promote. A training that was done before, with the same spec and examples, is not
    done again. Raises CheckFailed when the training set or the result is not good enough; what was found is in the
    warehouse and the report all the same.

    Args:
        spec: The labelled examples, the tasks, the network, how it is trained and compared, and when it is promoted.
    """
    begun, settings = time.monotonic(), Settings.from_environment().prepare()
    store, result = settings.store(), TrainingResult(spec.name)
    examples = read_sources(spec.datasets, spec.tasks, store, spec.id, result.reading)
    labels = labels_of(examples, spec.tasks)  # before hours of encoding
    examples, read = encode_all(examples, spec.models, KINDS, spec.step, store, spec.device)
    result.training_id = made = training_id(spec.id, examples)
    folder, file = settings.models / "trained" / made, settings.models / f"{spec.name}.yaml"
    result.model = str(folder)
    rows = found_before(store, made) if is_complete(folder) else []
    if rows and is_in_use(file, folder):
        say("trained before, and in use: nothing is left to do")
        promoted(result, file)
    else:
        store.register_as(made, spec, {"examples": len(examples), "spec_id": spec.id})
        labels = labels_of(examples, spec.tasks)
        data = divide(spec, made, examples, read, labels, store)
        rows = rows or learn(spec, made, examples, data, labels, store, folder)
        try:
            promote(spec, made, examples, data["test"], store, settings, result)
        finally:
            result.report = str(write_learning_report(settings, made, spec.name))
            say(f"report: {Path(result.report).as_uri()}")
    result.evaluations = [short(row) for row in rows if "difference" not in row.metric]
    result.differences = [
        short(row) | {"p_holm": json.loads(row.detail)["p_holm"]}
        for row in rows
        if row.metric in ("macro_f1_difference", "spearman_difference")
    ]
    result.report = result.report or str(write_learning_report(settings, made, spec.name))
    result.seconds = time.monotonic() - begun
    return result


def learn(
    spec: TrainingSpec,
    made: str,
    examples: Sequence[Example],
    data: Mapping[str, Encoded],
    labels: Mapping[str, Sequence[str]],
    store: Store,
    folder: Path,
) -> list[Evaluation]:
    """Train and measure the network and those it is compared with; the network's directory comes before its figures, so
    that figures are of a network that is there."""
    encoders: dict[str, Path] = {}
    if spec.train_encoders != "none":
        tuned = fit_encoders(spec.name, whole(examples), whole(data), spec, labels, folder)
        data, encoders = dict(tuned.data), dict(tuned.folders)
    fitted = [
        fit_arm(arm.name, arm, whole(data), spec, labels) for arm in arms(spec, sorted({e.dataset for e in examples}))
    ]
    main, others = fitted[0], fitted[1:]
    for skipped in (one for one in others if one.skipped):
        say(f"{skipped.arm.name}: not trained, {skipped.skipped}")
    differences = compare(main, [other for other in others if other.trained], spec)
    save(main, differences, data, labels, spec, folder)
    write_model_set(own_set(folder), spec.models, folder, encoders)
    rows = rows_of(fitted, differences, made, examples)
    publish(store, "evaluations", rows, [], chunk=made, run_id=made, dataset=spec.name)
    return found_before(store, made)


def own_set(folder: Path) -> Path:
    """The model set of a trained network, beside its directory: what is in the directory is in its fingerprint."""
    return folder.with_suffix(".yaml")


def is_complete(folder: Path) -> bool:
    """CARD.md is the last file of a network's directory, and the model set comes after it."""
    return (folder / "CARD.md").is_file() and own_set(folder).is_file()


def divide(
    spec: TrainingSpec,
    made: str,
    examples: Sequence[Example],
    read: Vectors,
    labels: Mapping[str, Sequence[str]],
    store: Store,
) -> dict[str, Encoded]:
    """The three splits as arrays, and as rows in `splits`. Raises CheckFailed where a leak, an empty class or the like
    would make every figure worthless."""
    # Texts are compared by their words: an encoder of texts finds short ones alike that are not.
    groups = groups_of(examples, [read.kinds["picture"]], spec.split)
    splits = apart(split(examples, groups.units, spec.split, made), groups.twins)
    frame = pd.DataFrame(split_rows(examples, splits, spec.split, labels))
    checked = verify(store, "splits", frame, chunk=made, run_id=made)
    store.append({"splits": splits, "checks": checked.checks})
    everything = encoded(examples, read, spec.tasks, labels, groups.resampled, groups.units, groups.twins)
    where = pd.Series([row.split for row in splits])
    return {part: everything.rows((where == part).to_numpy()) for part in PARTS}


def save(
    main: ArmResult,
    differences: Sequence[tuple[str, Measured]],
    data: Mapping[str, Encoded],
    labels: Mapping[str, Sequence[str]],
    spec: TrainingSpec,
    folder: Path,
) -> None:
    """The main network as a directory with its card."""
    if main.trained is None:  # train_arm raises for the main arm
        raise ValueError(f"{main.arm.name} was not trained: {main.skipped}")
    save_model(
        folder,
        main.trained.network,
        training_facts(spec, data, labels, main.trained.network),
        main.measured,
        compared=differences,
        label_maps={s.label_map: label_map_text(s.label_map) for s in spec.datasets if s.label_map},
        of_this_run={"trained": f"{datetime.now(UTC):%Y-%m-%d}", "seconds": round(main.trained.seconds, 1)},
    )


def rows_of(
    fitted: Sequence[ArmResult], differences: Sequence[tuple[str, Measured]], made: str, examples: Sequence[Example]
) -> list[Evaluation]:
    """Every figure of every network, and their differences to the main one."""
    everything = ", ".join(sorted({example.dataset for example in examples}))
    rows: list[Evaluation] = []
    for one in fitted:
        where = one.arm.held_out or everything
        rows += evaluation_rows(one.measured, made, one.arm.name, f"trained@{made}", where, "test")
    held = {one.arm.name: one.arm.held_out for one in fitted}
    for name, measured in differences:
        rows += evaluation_rows([measured], made, name, f"trained@{made}", held[name] or everything, "test")
    return rows


def promote(
    spec: TrainingSpec,
    made: str,
    examples: Sequence[Example],
    test: Encoded,
    store: Store,
    settings: Settings,
    result: TrainingResult,
) -> None:
    """Point the model set at the new network, unless the one it points at is better on the new one's test examples."""
    file, folder = settings.models / f"{spec.name}.yaml", settings.models / "trained" / made
    if file.exists() and not is_in_use(file, folder):
        by_id = {example.example_id: example for example in examples}
        asked = [by_id[name] for name in test.ids]
        compared = against_incumbent(own_set(folder), file, settings.models, asked, test, spec)
        if compared.reason:
            say(f"not compared with what was in use: {compared.reason}")
        if compared.lost and not spec.replace:
            raise CheckFailed(
                f"the network that {file} uses also reads {', '.join(compared.lost)}, and the new one does not, or "
                f"with other labels; it stays. The new one is in {folder}. Train these tasks too, give the training "
                "another name, or set replace: true"
            )
        try:
            if compared.rows:
                checked = verify(store, "promotions", pd.DataFrame(compared.rows), chunk=made, run_id=made)
                store.append({"checks": checked.checks})
        except CheckFailed as error:
            why = error.args[0].removesuffix(". Nothing of this chunk was published")
            scores = "; ".join(
                f"{row['task']}: new {row['new']:.3f}, in use {row['incumbent']:.3f}" for row in compared.rows
            )
            raise CheckFailed(
                f"the new network does not take the place of the one that {file} uses ({scores}): {why}. "
                f"The new one is in {folder}"
            ) from error
    tuned = {part: folder / part for part in ("picture_encoder", "text_encoder") if (folder / part).is_dir()}
    write_model_set(file, spec.models, folder, tuned)
    promoted(result, file)


def promoted(result: TrainingResult, file: Path) -> None:
    result.state, result.model_set = "promoted", str(file)
    result.message = f"model set: {file}\nin a campaign: features: {{models: {file}}}"
