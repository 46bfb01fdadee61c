"""Reads a campaign file into a Campaign: YAML, then `key=value` overrides, then validation, each error in one line.

Relative paths in the file are relative to the file, so a campaign runs from anywhere.
"""

import difflib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, get_args

import yaml
from pydantic import BaseModel, ValidationError

from components.errors import UserError
from components.specs import Campaign


def load_campaign(path: Path, overrides: Sequence[str] = ()) -> Campaign:
    """The campaign in `path` with `section.field=value` overrides (values are YAML: 0.3, true, [caption, topic]).

    Raises UserError that names the file, the field and the value.
    """
    data = read_mapping(path)
    if "arms" in data:
        raise UserError(f"{path} is an experiment, with arms; run it by: postwright experiment {path}")
    for override in overrides:
        apply_override(data, override)
    relative_to(data, path.parent)
    return parse_campaign(data, str(path))


def read_mapping(path: Path) -> dict[str, Any]:
    """The mapping in a YAML file; raises UserError that says what is wrong with it."""
    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UserError(f"no campaign file {path}; give the path of a YAML file, e.g. campaigns/demo.yaml") from None
    except IsADirectoryError:
        raise UserError(f"{path} is a folder; give the path of a campaign's YAML file") from None
    except PermissionError:
        raise UserError(f"{path} cannot be read: permission denied") from None
    except UnicodeDecodeError as error:
        raise UserError(f"{path} is not UTF-8 text (byte {error.start})") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f", line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        problem = getattr(error, "problem", None) or "not YAML"
        raise UserError(f"{path}{where}: {problem}; correct the YAML") from None
    if not isinstance(data, dict):
        raise UserError(f"{path}: a campaign is a mapping with name, dataset, ...; found {type(data).__name__}")
    return data


def relative_to(data: dict[str, Any], folder: Path) -> None:
    """Make the paths in a campaign's data, or in a part of it, absolute in place: they are relative to its file."""
    absolute(data.get("dataset"), "path", folder)
    panel = data.get("panel")
    judges = [data.get("judge"), *(panel if isinstance(panel, list) else ())]
    for section, field, endings in (
        (data.get("features"), "models", (".yaml", ".yml")),
        (data.get("prompt"), "template", (".j2",)),
        *((judge, "rubric", (".yaml", ".yml")) for judge in judges),
        *((judge, "brief", (".md", ".txt")) for judge in judges),
        (data.get("anchors"), "posts", (".yaml", ".yml")),
    ):
        value = section.get(field) if isinstance(section, dict) else None
        if isinstance(value, str) and value.endswith(endings) and "\n" not in value:
            absolute(section, field, folder)


def parse_campaign(data: Mapping[str, Any], source: str) -> Campaign:
    """The campaign in `data`; an invalid field is one UserError line that begins with `source`."""
    try:
        return Campaign.model_validate(data)
    except ValidationError as error:
        raise UserError(f"{source}: {describe(error)}") from None


def apply_override(data: dict[str, Any], override: str) -> None:
    """Set `a.b=value` in place."""
    key, equals, value = override.partition("=")
    if not equals or not key.strip():
        raise UserError(f"--set {override}: write it as section.field=value, e.g. --set generation.temperature=0.2")
    *sections, field = key.strip().split(".")
    place: Any = data
    for section in sections:
        child = element(place, section, override) if isinstance(place, list) else place.setdefault(section, {})
        if not isinstance(child, dict | list):
            raise UserError(f"--set {override}: {section} is no section")
        place = child
    try:
        read = yaml.safe_load(value)
    except yaml.YAMLError:
        raise UserError(f"--set {override}: the value is not YAML; quote it") from None
    if isinstance(place, list):
        element(place, field, override)
        place[int(field)] = read
    else:
        place[field] = read


def element(place: list[Any], number: str, override: str) -> Any:
    """Of a list in the file: `panel.0` is its first element."""
    if not number.isdecimal() or int(number) >= len(place):
        raise UserError(f"--set {override}: {number} is not one of the {len(place)} there; the first is 0")
    return place[int(number)]


def absolute(section: Any, field: str, folder: Path) -> None:
    """Make a path in a section of the file, where there is one, absolute, in place."""
    value = section.get(field) if isinstance(section, dict) else None
    if isinstance(value, str) and value:
        section[field] = str((folder / Path(value).expanduser()).resolve())


def describe(error: ValidationError, of: type[BaseModel] = Campaign) -> str:
    """The first problem in words, and how many more there are."""
    first = error.errors()[0]
    field = ".".join(str(part) for part in first["loc"] if part != "__root__")
    if first["type"] == "extra_forbidden":
        problem = f"unknown field {field}{suggestion(first['loc'], of)}"
    elif first["type"] == "missing":
        problem = f"{field} is missing"
    elif first["loc"][-1:] == ("api_key_env",):  # perhaps the key itself: not to be shown
        problem = (
            f"{field} is not the name of an environment variable; write e.g. OPENAI_API_KEY, and set it to the key"
        )
    elif first["type"] == "value_error":  # of our own validators, which say what is wrong and what to do
        shown = "" if isinstance(first["input"], dict | BaseModel) else f" = {first['input']!r}"
        problem = ": ".join(filter(None, [field + shown, first["msg"].removeprefix("Value error, ")]))
    else:
        problem = f"{field} = {first['input']!r}: {first['msg']}"
    more = error.error_count() - 1
    return problem + (f" (and {more} more)" if more else "")


def suggestion(location: Sequence[str | int], of: type[BaseModel] = Campaign) -> str:
    """The known field that was probably meant."""
    model = of
    for part in location[:-1]:
        if isinstance(part, int):  # which of several sections: they are alike
            continue
        field = model.model_fields.get(str(part))
        inner = None if field is None else model_of(field.annotation)
        if inner is None:
            return ""
        model = inner
    close = difflib.get_close_matches(str(location[-1]), model.model_fields, n=1)
    known = ", ".join(model.model_fields)
    return f"; did you mean {close[0]}?" if close else f"; known fields: {known}"


def model_of(annotation: Any) -> type[BaseModel] | None:
    """The section that a field holds, also where it may be left out or stand several times."""
    for kind in (annotation, *get_args(annotation)):
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            return kind
    return None
