"""What is asked of the writer: one chat request per prompt and candidate.

Reads prompts, and the items' pictures where the spec sends them: downscaled and without metadata, so neither location
nor camera leaves the machine. Buys nothing; components.chat does.
"""

import base64
from collections.abc import Mapping, Sequence
from typing import Any

from components.chat import ChatRequest
from components.errors import UserError
from components.items.pictures import PictureError, jpeg_for_model
from components.records import Item, Prompt
from components.spec import GenerationSpec


def requests(prompts: Sequence[Prompt], items: Mapping[str, Item], spec: GenerationSpec) -> list[ChatRequest]:
    """The calls in prompt-major order: all candidates of the first prompt, then those of the second, ...

    Raises UserError where a picture that is to be sent is gone or no longer the one that was ingested.
    """
    return [
        ChatRequest(
            stage="generate",
            model=spec.model,
            endpoint=spec.endpoint,
            messages=messages,
            temperature=spec.temperature,
            max_output_tokens=spec.max_output_tokens,
            seed=_seed(spec, candidate),
            candidate=candidate,
        )
        for prompt in prompts
        for messages in [_messages(prompt, items[prompt.item_id], spec.picture)]
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
        url = f"data:image/jpeg;base64,{base64.b64encode(_jpeg(item)).decode()}"
        content = [{"type": "text", "text": prompt.user}, {"type": "image_url", "image_url": {"url": url}}]
    system = [{"role": "system", "content": prompt.system}] if prompt.system else []
    return (*system, {"role": "user", "content": content})


def _jpeg(item: Item) -> bytes:
    assert item.image_path is not None
    try:
        return jpeg_for_model(item.image_path, sha256=item.sha256)
    except PictureError as error:
        raise UserError(
            f"the picture of item {item.item_id} cannot be sent: {error}; restore it or ingest again"
        ) from error
