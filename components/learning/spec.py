"""Specs of a training and of an evaluation, and the YAML files they come from.

Relative paths in a file are relative to the file. `spec.id` covers all that changes the outcome; where datasets lie and
the device do not count.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from components.errors import UserError
from components.specs import Spec
from components.specs.campaign_file import apply_override, describe

T = TypeVar("T", bound=BaseModel)

Modality = Literal["picture", "text"]
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$")]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class LabelledSource(_Part):
    """Where labelled examples come from; one adapter in components/learning/sources each."""

    source: Literal["table", "image_folder", "mvsa", "fi", "places", "tweeteval", "tweettopic", "drawings"] = Field(
        title="Source", description="The format on disk."
    )
    path: Path = Field(default=Path(), title="Path", description="File or folder; unused by drawings.")
    name: str = Field(default="", title="Name", description="Of the dataset; by default the path's last part.")
    task: str = Field(
        default="", title="Task", description="For sources with one label per input: what the label is of."
    )
    label_map: str = Field(
        default="", title="Label map", description="A shipped map's name or a YAML file: foreign labels to ours."
    )
    columns: dict[str, str] = Field(
        default_factory=dict,
        title="Columns",
        description="For tables: image, text, author, published_at, id and `label.<task>` -> column.",
    )
    timezone: str = Field(default="UTC", title="Time zone", description="Of times that carry no offset.")
    author: str = Field(default="", title="Author", description="Of all examples, where the rows do not say.")
    seeds: tuple[int, int] = Field(
        default=(20_000_000, 20_001_500),
        title="Seeds",
        description="Of drawings: first (included) and last (excluded).",
    )
    limit: int | None = Field(default=None, ge=1, title="At most so many", description="The first of the source.")

    @model_validator(mode="before")
    @classmethod
    def _name_from_path(cls, data: Any) -> Any:
        if isinstance(data, dict) and not data.get("name"):
            named = "drawings" if data.get("source") == "drawings" else Path(str(data.get("path", ""))).stem
            data = {**data, "name": named or str(data.get("source", ""))}
        return data


class Task(_Part):
    """One thing to predict. Labels that are not in `labels` are refused; none given: all that occur, sorted."""

    kind: Literal["classification", "regression"] = Field(
        default="classification",
        title="Kind",
        description="classification: one of several labels; regression: a number.",
    )
    labels: tuple[str, ...] = Field(
        default=(), title="Labels", description="The names of the classes; empty: those that the examples have."
    )
    weight: float = Field(default=1.0, gt=0, title="Weight in the loss", description="Next to the other tasks.")

    @model_validator(mode="after")
    def _labels_differ(self) -> "Task":
        if twice := sorted({label for label in self.labels if self.labels.count(label) > 1}):
            raise ValueError(f"the label {twice[0]!r} stands there twice")
        return self


class NetworkShape(_Part):
    fusion: Literal["concat", "gate", "attention"] = Field(
        default="gate", title="Fusion", description="How picture and text are brought together."
    )
    hidden_dim: int = Field(default=128, ge=8, title="Hidden units", description="Per layer.")
    dropout: float = Field(default=0.1, ge=0, lt=1, title="Dropout", description="Share of units left out in training.")


class SplitRule(_Part):
    """Near-duplicates always stay together; see components/learning/splits.py."""

    test: float = Field(
        default=0.2, gt=0, lt=1, title="Share of the test", description="Of all examples; looked at once, at the end."
    )
    validation: float = Field(
        default=0.15,
        gt=0,
        lt=1,
        title="Share of the validation",
        description="Of all examples; stops the training and finds thresholds.",
    )
    by_author: bool = Field(
        default=True, description="All of an author on one side, where authors are known.", title="By author"
    )
    by_time: bool = Field(default=False, description="Validation after training, test after both.", title="By time")
    hash_distance: int = Field(
        default=6,
        ge=0,
        le=32,
        description="Bits of 64 by which near-duplicates may differ.",
        title="Bits between pictures",
    )

    cosine: float = Field(
        default=0.97,
        gt=0,
        le=1,
        description="Of embeddings; from here on near-duplicates.",
        title="Likeness of near-duplicates",
    )
    seed: int = Field(default=0, title="Seed of the split", description="The same seed, the same split.")

    @model_validator(mode="after")
    def _leaves_something(self) -> "SplitRule":
        if self.test + self.validation >= 1:
            raise ValueError(f"test {self.test} and validation {self.validation} leave nothing to train on")
        return self


class Comparisons(_Part):
    """Further networks of the same budget, trained and measured beside the main one."""

    single_task: bool = Field(
        default=True, title="Single-task networks", description="One per task, of the same budget."
    )
    fusions: tuple[Literal["concat", "gate", "attention"], ...] = Field(
        default=(), title="Other fusions", description="Each trained as the network is."
    )
    losses: tuple[Literal["weighted", "uncertainty", "alternating"], ...] = Field(
        default=(), title="Other losses", description="Each trained as the network is."
    )
    modalities: bool = Field(
        default=False, description="The picture alone, and the text alone.", title="One modality alone"
    )
    leave_one_dataset_out: bool = Field(
        default=False, title="Leave one dataset out", description="How well it reads a dataset it has never seen."
    )


class TrainingSpec(Spec):
    """What is learned from what, how, and what it is compared with."""

    step: ClassVar[str] = "train_prompt_words"
    does_not_matter: ClassVar[frozenset[str]] = frozenset({"device", "amp", "replace"})
    name: Name = Field(title="Name", description="The model set's name; campaigns use it as features.models.")
    datasets: tuple[LabelledSource, ...] = Field(
        min_length=1, title="Datasets", description="Where labelled examples come from."
    )
    tasks: dict[str, Task] = Field(
        min_length=1, title="Tasks", description="What the network learns to read: name -> labels, or a number."
    )
    models: str = Field(default="starter", title="Encoders", description="The model set whose encoders are used.")
    network: NetworkShape = Field(
        default=NetworkShape(), title="Network", description="Its size, and how picture and text are brought together."
    )
    loss: Literal["weighted", "uncertainty", "alternating"] = Field(
        default="weighted", title="Loss", description="How the tasks' losses are added up."
    )
    balance: bool = Field(default=True, title="Weight rare classes up", description="By the root of their rarity.")
    train_encoders: Literal["none", "picture", "text", "both"] = Field(
        default="none",
        title="Encoders that learn too",
        description="none is fast; with them the network needs more examples.",
    )
    epochs: int = Field(
        default=60, ge=1, title="Most epochs", description="Fewer where validation stops getting better."
    )
    patience: int = Field(
        default=8,
        ge=1,
        title="Epochs without progress on validation before it stops",
        description="Then the best epoch is kept.",
    )
    batch_size: int = Field(default=64, ge=2, title="Batch size", description="Rows per step.")
    learning_rate: float = Field(default=1e-3, gt=0, title="Learning rate", description="Of the network.")
    encoder_learning_rate: float = Field(
        default=2e-5, gt=0, title="Learning rate of the encoders", description="Where they learn too."
    )
    weight_decay: float = Field(default=0.01, ge=0, title="Weight decay", description="Of AdamW.")
    drop_modality: float = Field(
        default=0.2,
        ge=0,
        le=0.45,
        title="Share of rows that lose their picture, and as many their text",
        description="So that it also reads posts that have only one of both.",
    )
    keep_right: float = Field(
        default=0.8,
        gt=0,
        lt=1,
        title="Accuracy of kept labels",
        description="The threshold is the lowest at which so many of the kept labels are right on validation.",
    )
    split: SplitRule = Field(
        default=SplitRule(),
        title="Split",
        description="How the examples are divided; near-duplicates and, where asked, authors never cross a split.",
    )
    compare: Comparisons = Field(
        default=Comparisons(), title="Comparisons", description="What else is trained, to see what it is worth."
    )
    resamples: int = Field(default=1000, ge=100, title="Bootstrap resamples", description="Of the 95 % intervals.")
    seed: int = Field(default=0, title="Seed", description="Of weights, order and splits.")
    replace: bool = Field(
        default=False, title="Replace a network for other tasks or labels", description="Of one name."
    )
    device: Literal["auto", "cpu", "cuda"] = Field(
        default="auto", title="Device", description="auto: cuda where there is one."
    )
    amp: bool = Field(default=True, title="Mixed precision on a GPU", description="Faster, at slightly other numbers.")

    def resolved(self) -> dict[str, Any]:
        return by_name(super().resolved())

    @model_validator(mode="after")
    def _encoders_meet_what_is_held_out(self) -> "TrainingSpec":
        if self.train_encoders != "none" and self.compare.leave_one_dataset_out:
            raise ValueError(
                "leave_one_dataset_out with train_encoders: the encoders learn from every dataset, so none is "
                "held out; set one of the two off"
            )
        return self

    def contents(self) -> Mapping[str, Any]:
        from components.features import model_set_fingerprint
        from components.learning.label_maps import label_map_text

        maps = {source.label_map: label_map_text(source.label_map) for source in self.datasets if source.label_map}
        return {"model_set": model_set_fingerprint(self.models), "label_maps": maps}


class Method(_Part):
    """One way to read labels: a model set's own labeller, without training, few examples, a lexicon, or none at all."""

    kind: Literal[
        "model_set", "zero_shot", "text_zero_shot", "few_shot", "linear_probe", "vader", "majority", "prior"
    ] = Field(
        title="Kind", description="The model set itself, zero-shot, few-shot, a linear probe, a lexicon, or a baseline."
    )
    name: str = Field(default="", title="Name in tables", description="Empty: made from the kind and the model set.")
    models: str = Field(
        default="starter", title="Model set", description="starter, pretrained, or the path of a model-set file."
    )
    labels: str = Field(default="", title="Labels file", description="Descriptions of the classes, for zero-shot.")
    prior_matching: bool = Field(
        default=False,
        title="Match the labels' known shares",
        description="Shifts the scores until the share of each label is as known.",
    )
    shots: int = Field(
        default=16, ge=1, title="Examples per class, for few-shot", description="Drawn from the training examples."
    )


class EvaluationSpec(Spec):
    """Which methods are measured on which labelled examples."""

    step: ClassVar[str] = "evaluate_prompt_words"
    does_not_matter: ClassVar[frozenset[str]] = frozenset({"device"})
    name: Name = Field(title="Name", description="Reports and tables know the evaluation by it.")
    datasets: tuple[LabelledSource, ...] = Field(
        min_length=1, title="Datasets", description="Where labelled examples come from."
    )
    tasks: dict[str, Task] = Field(min_length=1, title="Tasks", description="What is to be read: name -> labels.")
    methods: tuple[Method, ...] = Field(
        min_length=1, title="Methods", description="The ways to read labels that are compared, on the same rows."
    )
    folds: Literal["none", "author", "random"] = Field(
        default="none",
        title="Folds",
        description="For methods that learn: leave one author out, or 5 random folds of clusters.",
    )
    split: SplitRule = Field(
        default=SplitRule(),
        title="Split",
        description="How the examples are divided; near-duplicates and, where asked, authors never cross a split.",
    )
    resamples: int = Field(default=1000, ge=100, title="Bootstrap resamples", description="Of the 95 % intervals.")
    seed: int = Field(default=0, title="Seed", description="Of splits, folds and resamples.")
    device: Literal["auto", "cpu", "cuda"] = Field(
        default="auto", title="Device", description="auto: cuda where there is one."
    )

    @model_validator(mode="after")
    def _can_be_told_apart_and_asked(self) -> "EvaluationSpec":
        names = [method.name or method.kind for method in self.methods]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"two methods are called {twice[0]!r}; give each a name of its own")
        if numbers := [name for name, task in self.tasks.items() if task.kind == "regression"]:
            raise ValueError(f"tasks.{numbers[0]} is a number: methods that are compared here read labels")
        return self

    def resolved(self) -> dict[str, Any]:
        return by_name(super().resolved())

    def contents(self) -> Mapping[str, Any]:
        from components.features import model_set_fingerprint
        from components.learning.label_maps import label_map_text

        maps = {source.label_map: label_map_text(source.label_map) for source in self.datasets if source.label_map}
        files = {m.labels: _text_of(m.labels) for m in self.methods if m.labels}
        sets = {m.models: model_set_fingerprint(m.models) for m in self.methods if m.kind not in _WITHOUT_MODELS}
        return {"model_sets": sets, "label_maps": maps, "labels": files}


def by_name(resolved: dict[str, Any]) -> dict[str, Any]:
    """Files by their names: their contents are in the id, the places where they lie are not."""
    for source in resolved["datasets"]:
        source["path"], source["label_map"] = Path(source["path"]).name, Path(source["label_map"]).name
    for part in (resolved, *resolved.get("methods", ())):
        for field in ("models", "labels"):
            if isinstance(part.get(field), str):
                part[field] = Path(part[field]).name
    for field in ("label_maps", "labels", "model_sets"):
        if isinstance(resolved.get(field), dict):
            resolved[field] = {Path(name).name: content for name, content in resolved[field].items()}
    return resolved


def _text_of(file: str) -> str:
    try:
        return Path(file).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8 text"
        raise UserError(f"methods.labels: {file}: {reason}") from None


_WITHOUT_MODELS = ("vader", "majority", "prior")


def load_training(path: Path, overrides: Sequence[str] = ()) -> TrainingSpec:
    """The training that a YAML file describes. UserError names the file, the field and the value."""
    return _load(TrainingSpec, path, overrides)


def load_evaluation(path: Path, overrides: Sequence[str] = ()) -> EvaluationSpec:
    """The evaluation that a YAML file describes. UserError names the file, the field and the value."""
    return _load(EvaluationSpec, path, overrides)


def _load(kind: type[T], path: Path, overrides: Sequence[str]) -> T:
    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8 text"
        raise UserError(f"{path}: {reason}; give the path of a YAML file, e.g. campaigns/train-drawings.yaml") from None
    except yaml.YAMLError as error:
        raise UserError(f"{path} is not YAML: {' '.join(str(error).split())}") from None
    if not isinstance(data, dict):
        raise UserError(f"{path}: expected a mapping with name, datasets, tasks; found {type(data).__name__}")
    for override in overrides:
        apply_override(data, override)
    _absolute(data, path.parent)
    try:
        return kind.model_validate(data)
    except ValidationError as error:
        raise UserError(f"{path}: {describe(error, kind)}") from None


def _absolute(data: dict[str, Any], folder: Path) -> None:
    """Paths in place, relative to the file they stand in."""

    def place(part: Any, field: str, only_yaml: bool) -> None:
        value = part.get(field) if isinstance(part, dict) else None
        if isinstance(value, str) and value and (not only_yaml or value.endswith((".yaml", ".yml"))):
            part[field] = str((folder / Path(value).expanduser()).resolve())

    place(data, "models", only_yaml=True)

    def parts(field: str) -> list[Any]:
        return list(data[field]) if isinstance(data.get(field), list) else []  # anything else is refused later

    for source in parts("datasets"):
        place(source, "path", only_yaml=False)
        place(source, "label_map", only_yaml=True)
    for method in parts("methods"):
        place(method, "models", only_yaml=True)
        place(method, "labels", only_yaml=True)
