"""Which models make up a set: reads `model_sets/*.yaml` or a user's file, fingerprints, finds and fetches the parts.

A part is a directory in the layout of the hub, either on disk (`{path: DIR}`, relative to the set's file) or a
repository of the hub at a commit (`{hub: owner/name, revision: 40 hex digits}`), which lies in
`<models folder>/owner--name/revision` once it is fetched. Nothing here imports torch: a spec's id needs the
fingerprint, and `--help` must not wait for it.
"""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from components.errors import UserError

SHIPPED = Path(__file__).parent / "model_sets"
Progress = Callable[[str], None]
"""Called with a line for people: what is being fetched and how much of it is here."""


class LocalPart(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")
    path: Path


class HubPart(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")
    hub: Annotated[str, Field(pattern=r"^[\w.-]+/[\w.-]+$")]
    revision: Annotated[str, Field(pattern=r"^[0-9a-f]{40}$")]


class ZeroShot(BaseModel):
    """Labels without a trained network: CLIP compares with descriptions of the classes."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    zero_shot: Literal["clip"]
    labels: Path


Part = LocalPart | HubPart

DetectorPrompt = Annotated[str, Field(pattern=r"^[^.]*[^.\s][^.]*$")]
DETECTOR_PROMPTS = (
    "a person",
    "an animal",
    "food",
    "a drink",
    "a vehicle",
    "a building",
    "a plant",
    "a sign",
    "a ball",
)
"""What a detector looks for unless the set says otherwise: things that posts speak of. No dots: they divide phrases."""

PARTS = ("captioner", "clip", "picture_encoder", "text_encoder", "network", "detector")

DETECTOR = HubPart(hub="IDEA-Research/grounding-dino-tiny", revision="a2bb814dd30d776dcf7e30523b00659f4f141c71")
"""A detector that fits; in no shipped set, because it weighs 700 MB and few need it."""


class ModelSet(BaseModel):
    """The five parts, perhaps a detector of what `detector_prompts` name, and where the set's file is."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    captioner: Part
    clip: Part
    picture_encoder: Part
    text_encoder: Part
    network: Part | ZeroShot
    detector: Part | None = None
    detector_prompts: Annotated[tuple[DetectorPrompt, ...], Field(min_length=1)] = DETECTOR_PROMPTS
    name: str = ""
    file: Path = Path()

    def parts(self) -> Iterator[tuple[str, Part]]:
        for name in PARTS:
            part = getattr(self, name)
            if isinstance(part, LocalPart | HubPart):
                yield name, part

    def local(self, path: Path) -> Path:
        return (self.file.parent / path).resolve()


def read_model_set(models: str) -> ModelSet:
    """The set called `models`: a shipped one's name or the path of a file. UserError names the field that is wrong."""
    file = SHIPPED / f"{models}.yaml"
    if not file.is_file() or "/" in models:
        file = Path(models)
    if not file.is_file():
        raise UserError(
            f"features.models: no model set {models!r}; use {' or '.join(shipped_sets())}, or a model-set file's path"
        )
    try:
        data = yaml.safe_load(file.read_text(encoding="utf-8"))
        return ModelSet.model_validate({**data, "name": file.stem, "file": file.resolve()})
    except (yaml.YAMLError, UnicodeDecodeError, TypeError) as error:
        raise UserError(f"features.models: {file} is not a YAML mapping: {' '.join(str(error).split())}") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"] if not str(part)[0].isupper())
        raise UserError(
            f"features.models: {file}: {where}: {first['msg']}; "
            "a part is {path: DIR} or {hub: owner/name, revision: 40 hex digits}"
        ) from error


def shipped_sets() -> list[str]:
    """Names of the sets that come with postwright; `starter` first."""
    names = sorted(file.stem for file in SHIPPED.glob("*.yaml") if not file.stem.endswith("_labels"))
    return sorted(names, key=lambda name: name != "starter")


def model_set_fingerprint(models: str) -> dict[str, str]:
    """What the set is made of, as text: `name`, and per part the hub's commit or a hash of the files' bytes."""
    chosen = read_model_set(models)
    prints = {"name": chosen.name} | {name: revision_of(chosen, part) for name, part in chosen.parts()}
    if isinstance(chosen.network, ZeroShot):
        labels = chosen.local(chosen.network.labels)
        if not labels.is_file():
            raise UserError(f"features.models: {chosen.file}: no labels file {labels}")
        prints["network"] = f"zero_shot@{hashlib.sha256(labels.read_bytes()).hexdigest()[:12]}"
    if chosen.detector is not None:
        prints["detector_prompts"] = ". ".join(chosen.detector_prompts)
    return prints


def revision_of(chosen: ModelSet, part: Part) -> str:
    """`owner/name@commit` for the hub, `sha256:...` over every file but the documentation for a directory."""
    if isinstance(part, HubPart):
        return f"{part.hub}@{part.revision}"
    folder = chosen.local(part.path)
    files = sorted(file for file in folder.glob("*") if file.is_file() and file.suffix != ".md")
    if not files:
        raise UserError(f"model set {chosen.name}: no model in {folder}; {_remedy(chosen)}")
    digest = hashlib.sha256()
    for file in files:
        digest.update(f"{file.name}\0{_file_hash(file)}\n".encode())
    return f"sha256:{digest.hexdigest()[:16]}"


_hashes: dict[tuple[str, int, int], str] = {}


def _file_hash(file: Path) -> str:
    """By size and time of change: hashing 12 MB once is cheap, once per item is not."""
    stat = file.stat()
    key = (str(file), stat.st_size, stat.st_mtime_ns)
    if key not in _hashes:
        with file.open("rb") as stream:
            _hashes[key] = hashlib.file_digest(stream, "sha256").hexdigest()
    return _hashes[key]


def short_revisions(prints: Mapping[str, str]) -> dict[str, str]:
    """Per part what stands in a row's `model`: `<set>/<part>@<12 digits>`."""
    return {
        part: f"{prints['name']}/{part}@{value.rpartition('@')[2].removeprefix('sha256:')[:12]}"
        for part, value in prints.items()
        if part in PARTS
    }


def folder_of(chosen: ModelSet, name: str, part: Part, models_folder: Path | None) -> Path:
    """Where a part lies on this machine; UserError with the command that gets it when it is not here."""
    if isinstance(part, LocalPart):
        folder = chosen.local(part.path)
        if not (folder / _config_name(name)).is_file():
            raise UserError(f"model set {chosen.name}: no {_config_name(name)} in {folder}; {_remedy(chosen)}")
        return folder
    if models_folder is not None and (folder := hub_folder(part, models_folder)).is_dir():
        return folder
    if (cached := _in_hub_cache(name, part)) is not None:
        return cached
    raise UserError(
        f"model set {chosen.name}: {name} is not on this machine ({part.hub} at {part.revision[:12]}); "
        f"run: postwright models fetch {_name_for_command(chosen)}"
    )


def hub_folder(part: HubPart, models_folder: Path) -> Path:
    return models_folder / part.hub.replace("/", "--") / part.revision


def _in_hub_cache(name: str, part: HubPart) -> Path | None:
    """The hub library's own cache, for people who have the model from elsewhere; asks no network."""
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import LocalEntryNotFoundError

    try:
        folder = Path(snapshot_download(part.hub, revision=part.revision, local_files_only=True))
    except LocalEntryNotFoundError:
        return None
    weights = any(folder.glob("*.safetensors")) or any(folder.glob("*.bin"))
    return folder if weights and (folder / _config_name(name)).is_file() else None


def _config_name(name: str) -> str:
    return "open_clip_config.json" if name == "clip" else "config.json"


def _name_for_command(chosen: ModelSet) -> str:
    return chosen.name if chosen.file.parent == SHIPPED else str(chosen.file)


def _remedy(chosen: ModelSet) -> str:
    if chosen.file == SHIPPED / "starter.yaml":
        return "train the starter models: python -m components.starter"
    return f"correct the path in {chosen.file}"


def missing_detector(chosen: ModelSet) -> str:
    """What to say where a spec asks for a detector and the set has none."""
    remedy = f"give {chosen.file} the part" if chosen.file.parent != SHIPPED else "use a model-set file with the part"
    return (
        f"features.crops: detector, but model set {chosen.name} has none; {remedy} detector: {{path: DIR}} or "
        f"{{hub: {DETECTOR.hub}, revision: {DETECTOR.revision}}}, or use crops: saliency"
    )


def describe_model_sets(models_folder: Path | None, names: Sequence[str] = ()) -> list[dict[str, Any]]:
    """For `postwright models` and `doctor`: per set its parts, which model each is, and whether it is here."""
    return [_described(read_model_set(name), models_folder) for name in names or shipped_sets()]


def _described(chosen: ModelSet, models_folder: Path | None) -> dict[str, Any]:
    parts: list[dict[str, Any]] = []
    for name, part in chosen.parts():
        try:
            folder: Path | None = folder_of(chosen, name, part, models_folder)
        except UserError:
            folder = None
        model = f"{part.hub}@{part.revision[:12]}" if isinstance(part, HubPart) else str(chosen.local(part.path))
        parts.append(
            {"part": name, "model": model, "there": folder is not None, "folder": str(folder) if folder else None}
        )
    if isinstance(chosen.network, ZeroShot):
        labels = chosen.local(chosen.network.labels)
        there = labels.is_file() and all(part["there"] for part in parts if part["part"] == "clip")
        parts.append({"part": "network", "model": f"clip with {labels.name}", "there": there, "folder": None})
    return {"name": chosen.name, "file": str(chosen.file), "parts": parts}
