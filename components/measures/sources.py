"""What measures are taken with: versions of libraries, and the classifier of toxicity.

All of it is part of a spec's id, because a new version may give another number.
"""

from importlib.metadata import version
from typing import TYPE_CHECKING

from components.errors import UserError
from components.features.model_set import HubPart, LocalPart, ModelSet

if TYPE_CHECKING:
    from pathlib import Path

    from components.specs.measures import MeasureSpec

OWN = "postwright"
"""The `model` of what is counted here, by no library's opinion."""
SHIPPED = "shipped"
LIBRARIES = {
    "control": ("vaderSentiment",),
    "variety": ("sacrebleu",),
    "safety": ("phonenumbers", "python-stdnum"),
}
CLASSIFIER = "alt-profanity-check"


def named(library: str) -> str:
    """`library version`, as rows carry it."""
    return f"{library} {version(library)}"


def fingerprint(spec: "MeasureSpec") -> dict[str, str]:
    """Source -> version or hash, of the families that are taken."""
    found = {library: version(library) for family in spec.families for library in LIBRARIES.get(family, ())}
    if "safety" not in spec.families:
        return found
    if spec.toxicity == SHIPPED:
        return found | {CLASSIFIER: version(CLASSIFIER)}
    return found | {"toxicity": _revision(spec.toxicity)}


def classifier_part(name: str) -> HubPart | LocalPart:
    """`owner/name@commit`, or the path of a directory; UserError for anything else."""
    from pathlib import Path

    repository, at, revision = name.partition("@")
    if Path(name).is_dir():
        return LocalPart(path=Path(name).resolve())
    if at and len(revision) == 40 and repository.count("/") == 1:
        return HubPart(hub=repository, revision=revision)
    raise UserError(
        f"measures.toxicity: {name!r} is no directory here and not owner/name@commit with 40 hex digits; "
        "use shipped, or e.g. unitary/toxic-bert@<commit>"
    )


def classifier_folder(name: str, models_folder: "Path | None") -> "Path":
    """Where the classifier lies on this machine; UserError with the command that gets it when it is not here."""
    from components.features.model_set import folder_of

    part = classifier_part(name)
    try:
        return folder_of(_as_set(), "toxicity", part, models_folder)
    except UserError as error:
        if isinstance(part, LocalPart):
            raise UserError(
                f"measures.toxicity: no config.json in {part.path}; give a directory of transformers"
            ) from error
        raise UserError(
            f"measures.toxicity: {part.hub} at {part.revision[:12]} is not on this machine; run: "
            f"hf download {part.hub} --revision {part.revision} (or use toxicity: shipped)"
        ) from error


def _revision(name: str) -> str:
    from components.features.model_set import revision_of

    return revision_of(_as_set(), classifier_part(name))


def _as_set() -> ModelSet:
    """The loader of model sets knows where parts of the hub lie; it asks for a set only to name it in errors."""
    from components.features.model_set import read_model_set

    return read_model_set("starter").model_copy(update={"name": "toxicity"})
