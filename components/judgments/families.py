"""Which models are kin: a judge prefers what it wrote itself, and, more weakly, what its kin wrote.

Zheng et al. 2023 (arXiv 2306.05685) saw judges favour their own answers; Panickssery et al. 2024 (arXiv 2404.13076)
that they do so the more, the better they recognise them. Reads `families.yaml` beside this file; to add a family, add a
line there. Names are all there is to go by: a server may call a model whatever it likes.
"""

import functools
import re
from pathlib import Path

import yaml

OFFLINE = "offline"
"""The family of the built-in writer and judge: two programs that share nothing, so nothing is noted of them."""

_ROUTED = re.compile(r"(?::(?:free|extended|nitro|floor|online|beta|thinking|exacto))+$")
"""How OpenRouter is asked to serve a model: the same one, unlike Ollama's `:8b`."""
_DATE = r"(?:20\d{2}-?(?:0[1-9]|1[0-2])-?(?:0[1-9]|[12]\d|3[01])|(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])"
_DATE += r"|2[3-9](?:0[1-9]|1[0-2]))"  # 2024-08-06, 20240806; 0613; 2407
_SNAPSHOT = re.compile(rf"(?:[-@:](?:{_DATE}(?=$|-)|latest$|00\d$))(?:-preview$)?")


def family_of(model: str) -> str:
    """The family of `provider/name` or of a bare name; of an unknown one its own name, without provider and date."""
    if model.partition("/")[0] == OFFLINE:
        return OFFLINE
    name = model.lower().rpartition("/")[2]
    for part in (name, model.lower()):  # the maker's folder tells where the name does not
        found = [(match.start(), family) for family, known in _families().items() if (match := known.search(part))]
        if found:
            return min(found)[1]
    return undated(model)


def undated(model: str) -> str:
    """The model's own name, whoever serves it, however it is routed to and whichever dated snapshot of it:
    `openai/gpt-4o-2024-08-06`, `openai/openai/gpt-4o:extended` at a reseller and `openai/gpt-4o` are `gpt-4o`."""
    return _SNAPSHOT.sub("", _ROUTED.sub("", model.lower().rpartition("/")[2]))


def is_own(judge: str, writer: str) -> bool:
    """Whether the judge is the very model that wrote."""
    if OFFLINE in (judge.partition("/")[0], writer.partition("/")[0]):
        return judge == writer
    return undated(judge) == undated(writer)


def kinship(judge: str, writer: str) -> str | None:
    """What to tell people of a judge that is the writer's own model, or of its family; None where it is neither."""
    if is_own(judge, writer):
        return (
            f"{judge} judges what {writer} wrote, its own model, which was allowed: self-preference is likely; "
            "believe differences only where another judge or people find them too"
        )
    family = family_of(judge)
    if family == OFFLINE or family != family_of(writer):
        return None
    return (
        f"judge {judge} and writer {writer} are of one family ({family}): self-preference is likely; "
        "a judge of another family in `panel` would show it"
    )


@functools.cache
def _families() -> dict[str, re.Pattern[str]]:
    listed = yaml.safe_load((Path(__file__).parent / "families.yaml").read_text(encoding="utf-8"))
    return {family: re.compile("|".join(patterns)) for family, patterns in listed.items()}
