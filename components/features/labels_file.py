"""Labels files: what the classes of topic, sentiment, scene or any other task mean, for models that never saw one.

Read: YAML, per task `prompts` (they meet pictures) and `text_prompts` (they meet texts), in which {} stands for a
description, and `classes`, each with its descriptions (its name, where the list is empty). All else may be left out:

    sentences, text_sentences   per class, whole sentences a language model wrote (see `class_descriptions.py`)
    use                         templates, sentences, or both (both)
    text_model                  who reads texts: clip, text_encoder, or both (clip)
    temperature                 divides logits: one number, or per reading (clip_image, clip_text, text)
    offsets                     per reading and class, added to logits: how a file remembers matched shares
    threshold                   labels below this probability are too uncertain to be prompt words

and beside the tasks `described`, which says who wrote the sentences. Everything that changes an answer is in the file:
its hash is the labeller's revision.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from components.errors import UserError

DESCRIBED = "described"
READINGS = ("clip_image", "clip_text", "text")
"""What is compared with descriptions: the picture by CLIP, the text by CLIP, the text by the text encoder."""

Reading = Literal["clip_image", "clip_text", "text"]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Finite = Annotated[float, Field(allow_inf_nan=False)]
Prompts = Annotated[list[str], Field(min_length=1)]


class DescribedTask(BaseModel):
    """One task of a labels file."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    prompts: Prompts
    text_prompts: Prompts
    classes: Annotated[dict[str, list[str]], Field(min_length=2)]
    sentences: dict[str, list[str]] = {}
    text_sentences: dict[str, list[str]] = {}
    use: Literal["templates", "sentences", "both"] = "both"
    text_model: Literal["clip", "text_encoder", "both"] = "clip"
    temperature: Positive | dict[Reading, Positive] = 1.0
    offsets: dict[Reading, dict[str, Finite]] = {}
    threshold: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None = None

    @model_validator(mode="after")
    def _fits(self) -> "DescribedTask":
        for kind in ("prompts", "text_prompts"):
            for prompt in getattr(self, kind):
                if prompt.count("{}") != 1 or "{" in prompt.replace("{}", "") or "}" in prompt.replace("{}", ""):
                    raise ValueError(f"{kind}: {prompt!r} needs one {{}}, where a description goes, and no other brace")
        told = [(f"offsets.{reading}", list(given)) for reading, given in self.offsets.items()]
        written = [("sentences", list(self.sentences)), ("text_sentences", list(self.text_sentences))]
        for kind, given in written + told:
            if unknown := [label for label in given if label not in self.classes]:
                raise ValueError(f"{kind}: {unknown[0]!r} is no class; the classes are {', '.join(self.classes)}")
        for kind, offsets in told:
            if missing := [label for label in self.classes if label not in offsets]:
                raise ValueError(f"{kind}: no offset for {missing[0]!r}; give one for each class, or none")
        if self.use == "sentences":
            for kind in ("sentences", "text_sentences"):
                if missing := [label for label in self.classes if not getattr(self, kind).get(label)]:
                    raise ValueError(f"{kind}: none for {missing[0]!r}; describe it, or write `use: both`")
        return self

    def texts(self, reading: str) -> list[list[str]]:
        """Per class, in their order, what the reading is compared with: filled templates, then sentences."""
        picture = reading == "clip_image"
        prompts, sentences = (self.prompts, self.sentences) if picture else (self.text_prompts, self.text_sentences)
        found = []
        for label, descriptions in self.classes.items():
            filled = [prompt.replace("{}", text) for prompt in prompts for text in descriptions or [label]]
            filled = [] if self.use == "sentences" else filled
            found.append(filled + ([] if self.use == "templates" else sentences.get(label, [])))
        return found

    def heat(self, reading: str) -> float:
        if isinstance(self.temperature, dict):
            return {str(name): heat for name, heat in self.temperature.items()}.get(reading, 1.0)
        return self.temperature

    def text_readings(self) -> tuple[str, ...]:
        return {"clip": ("clip_text",), "text_encoder": ("text",), "both": ("clip_text", "text")}[self.text_model]


def read_labels(file: Path, needed: Sequence[str] = ()) -> dict[str, DescribedTask]:
    """The tasks of a labels file; UserError names the key that is wrong, or the task of `needed` that it lacks."""
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8 text"
        raise UserError(
            f"labels file {file}: {reason}; give a YAML file such as model_sets/pretrained_labels.yaml"
        ) from error
    return parse_labels(text, str(file), needed)


def parse_labels(text: str, name: str, needed: Sequence[str] = ()) -> dict[str, DescribedTask]:
    """As `read_labels`, of a file's text; `name` is what errors call it."""
    tasks = {}
    for task, content in labels_data(text, name).items():
        if task == DESCRIBED:
            continue
        try:
            tasks[task] = DescribedTask.model_validate(content)
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(part) for part in (task, *first["loc"]))
            raise UserError(f"labels file {name}: {where}: {_said(first)}") from error
    if missing := [task for task in needed if task not in tasks]:
        raise UserError(f"labels file {name}: no {' and no '.join(missing)}; it needs {', '.join(needed)}")
    if not tasks:
        raise UserError(f"labels file {name}: no task; it needs at least one with prompts, text_prompts and classes")
    return tasks


def labels_data(text: str, name: str) -> dict[str, Any]:
    """The mapping that the file is, not yet looked at."""
    try:
        data = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise UserError(f"labels file {name} is not YAML: {' '.join(str(error).split())}") from error
    if not isinstance(data, dict):
        raise UserError(f"labels file {name}: expected a mapping of tasks, found {type(data).__name__}")
    return {str(task): content for task, content in data.items()}


def with_values(text: str, name: str, values: Mapping[str, Mapping[str, Any]], note: str = "") -> str:
    """The file's text with `values` (task -> key -> value) in it, such as offsets, temperature, threshold. UserError
    where the outcome would be wrong; comments are lost, as YAML's are."""
    data = labels_data(text, name)
    for task, changed in values.items():
        if not isinstance(data.get(task), dict):
            raise UserError(f"labels file {name}: no {task}; its tasks are {', '.join(data)}")
        data[task] = {**data[task], **changed}
    written = yaml.safe_dump(data, sort_keys=False, allow_unicode=True, width=120)
    written = "".join(f"# {line}\n" for line in note.splitlines()) + written
    parse_labels(written, name)
    return written


def _said(error: Any) -> str:
    return " ".join(str(error["msg"]).removeprefix("Value error, ").split())
