"""What is asked of the writer: one chat request per prompt and candidate.

Reads prompts, and the items' pictures where the spec sends them: downscaled and without metadata, so neither location
nor camera leaves the machine. Buys nothing; components.chat does.
"""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from components.chat import ChatRequest
from components.items.pictures import PictureError, jpeg_for_model
from components.records import Item, Prompt
from components.spec import GenerationSpec


@dataclass
class Asked:
    """What can be asked: `requests` holds all candidates of the first of `prompts`, then those of the second, ...

    `unsent` are the prompts whose picture was to be sent and is gone, or is no longer the one that was ingested.
    """

    prompts: list[Prompt] = field(default_factory=list)
    requests: list[ChatRequest] = field(default_factory=list)
    unsent: list[tuple[Prompt, PictureError]] = field(default_factory=list)


def ask(prompts: Sequence[Prompt], items: Mapping[str, Item], spec: GenerationSpec) -> Asked:
    """The calls that `prompts` come to; one lost picture stops its own post, not the others."""
    asked = Asked()
    for prompt in prompts:
        try:
            messages = _messages(prompt, items[prompt.item_id], spec.picture)
        except PictureError as error:
            asked.unsent.append((prompt, error))
            continue
        asked.prompts.append(prompt)
        asked.requests += _candidates(messages, spec)
    return asked


def _candidates(messages: tuple[dict[str, Any], ...], spec: GenerationSpec) -> list[ChatRequest]:
    return [
        ChatRequest(
            stage="generate",
            model=spec.model,
            endpoint=spec.endpoint,
            messages=messages,
            temperature=spec.temperature,
            max_output_tokens=spec.max_output_tokens,
            seed=_seed(spec, candidate),
            api=spec.api,
            reasoning_effort=spec.reasoning_effort,
            candidate=candidate,
        )
        for candidate in range(spec.candidates)
    ]


def _seed(spec: GenerationSpec, candidate: int) -> int | None:
    """Each candidate has its own seed, or a server that honours seeds would write the same post again.

    The offline writer has no other source of chance, so its candidates get one even where none is set; a server is only
    sent what the spec asks for.
    """
    if spec.seed is not None:
        return spec.seed + candidate
    return candidate if candidate and spec.model.startswith("offline/") else None


def _messages(prompt: Prompt, item: Item, picture: bool) -> tuple[dict[str, Any], ...]:
    content: str | list[dict[str, Any]] = prompt.user
    if picture and item.image_path is not None:
        jpeg = jpeg_for_model(item.image_path, sha256=item.sha256)
        url = f"data:image/jpeg;base64,{base64.b64encode(jpeg).decode()}"
        content = [{"type": "text", "text": prompt.user}, {"type": "image_url", "image_url": {"url": url}}]
    system = [{"role": "system", "content": prompt.system}] if prompt.system else []
    return (*system, {"role": "user", "content": content})
