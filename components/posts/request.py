"""What is asked of the writer: one chat request per prompt and candidate.

Reads prompts, and the items' pictures where the spec sends them: downscaled and without metadata, so neither location
nor camera leaves the machine. Buys nothing; components.chat does.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from components.chat import ChatRequest
from components.items.pictures import PictureError
from components.items.sending import picture_part
from components.records import Item, Prompt
from components.specs import GenerationSpec


@dataclass
class Asked:
    """What can be asked: `requests` holds all candidates of the first of `prompts`, then those of the second, ...

    `unsent` are the prompts whose picture was to be sent and is gone, or is no longer the one that was ingested.
    """

    prompts: list[Prompt] = field(default_factory=list)
    requests: list[ChatRequest] = field(default_factory=list)
    unsent: list[tuple[Prompt, PictureError]] = field(default_factory=list)


def ask(prompts: Sequence[Prompt], items: Mapping[str, Item], spec: GenerationSpec) -> Asked:
    """The calls that `prompts` come to, none for people's; one lost picture stops its own post, not the others."""
    asked = Asked()
    if spec.is_human:
        return asked
    for prompt in prompts:
        try:
            messages = _messages(prompt, items[prompt.item_id], spec)
        except PictureError as error:
            asked.unsent.append((prompt, error))
            continue
        asked.prompts.append(prompt)
        asked.requests += _candidates(messages, spec)
    return asked


def _candidates(messages: tuple[dict[str, Any], ...], spec: GenerationSpec) -> list[ChatRequest]:
    return [
        ChatRequest.by(
            spec,
            "generate",
            messages,
            temperature=temperature_of(spec, candidate),
            seed=seed_of(spec, candidate),
            candidate=candidate,
        )
        for candidate in range(spec.candidates)
    ]


def temperature_of(spec: GenerationSpec, candidate: int) -> float | None:
    """A candidate's own temperature where the spec gives each its own; None: it is not sent."""
    return spec.temperatures[candidate] if spec.temperatures else spec.temperature


def seed_of(spec: GenerationSpec, candidate: int) -> int | None:
    """Each candidate has its own seed, or a server that honours seeds would write the same post again.

    The offline writer has no other source of chance, so its candidates get one even where none is set; a server is only
    sent what the spec asks for.
    """
    if spec.seed is not None:
        return spec.seed + candidate
    return candidate if candidate and spec.model.startswith("offline/") else None


def _messages(prompt: Prompt, item: Item, spec: GenerationSpec) -> tuple[dict[str, Any], ...]:
    content: str | list[dict[str, Any]] = prompt.user
    if spec.picture and (picture := picture_part(item, spec)):
        content = [{"type": "text", "text": prompt.user}, picture]
    system = [{"role": "system", "content": prompt.system}] if prompt.system else []
    return (*system, {"role": "user", "content": content})
