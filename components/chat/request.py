"""One question to a model, and the key under which its answer is kept."""

import base64
import binascii
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import orjson

from components.chat.providers import endpoint_of, revision_of

if TYPE_CHECKING:
    from components.specs.chat import ChatSpec

KEY_VERSION = 1
"""Bumped when the key is computed in another way; every call would be bought again."""


@dataclass(frozen=True, kw_only=True)
class ChatRequest:
    """`messages` are OpenAI chat messages; a picture is a content part
    {"type": "image_url", "image_url": {"url": "data:image/jpeg;base64,..."}}. `schema` is the JSON schema of the reply.
    `candidate` numbers the samples drawn from one prompt; `api` and `reasoning_effort` are the spec's. `period`: the
    time in which the answer counts, such as `2026-11-30`, where the same is to be asked again in the next one. Nothing
    here is a secret: the account's key travels apart.
    """

    stage: str
    model: str
    endpoint: str | None = None
    messages: tuple[Mapping[str, Any], ...]
    temperature: float | None = None
    max_output_tokens: int = 400
    seed: int | None = None
    schema: Mapping[str, Any] | None = None
    candidate: int = 0
    api: str = "chat"
    reasoning_effort: str | None = None
    period: str = ""

    @classmethod
    def by(cls, spec: "ChatSpec", stage: str, messages: tuple[Mapping[str, Any], ...], **more: Any) -> "ChatRequest":
        """What `spec` asks of its model: every field of the spec that changes an answer is taken over here and nowhere
        else. `more`: the schema, the candidate and the like, or what differs from the spec, such as a temperature."""
        of_spec: dict[str, Any] = {
            "model": spec.model,
            "endpoint": spec.endpoint,
            "temperature": spec.temperature,
            "max_output_tokens": spec.max_output_tokens,
            "seed": spec.seed,
            "api": spec.api,
            "reasoning_effort": spec.reasoning_effort,
        }
        return cls(stage=stage, messages=messages, **of_spec | more)

    @cached_property
    def key(self) -> str:
        """32 hex digits (128 bits of SHA-256) over everything that can change the answer, and nothing else.

        In the key:
        - model: another model is another author. Offline models add their own version, as their code is the model.
        - endpoint: the same name at another server may be other weights. None and the provider's default are one.
        - messages, all of them with role and order, the system prompt too: caches that forgot it served wrong answers.
        - pictures, as the SHA-256 of the decoded bytes: a renamed file is a hit, one changed pixel a miss; the encoding
          of the data URL (padding, line breaks) does not matter, its media type does.
        - temperature, max_output_tokens, seed: they steer sampling and cut the reply.
        - schema: it constrains decoding.
        - candidate: the second sample of one prompt must not be a copy of the first.
        - api, where it is not chat completions: the other interface has no seed and its servers render prompts and
          default parameters in their own way, so its answer is another sample of, at best, the same distribution.
        - reasoning_effort, where it is set: a model that thinks longer answers otherwise. None is the model's default.
        - period, where one is given: whoever asks whether a model still answers as it did must not be served from the
          journal what it said then; within the period it is bought once.
          These three came later; left out at their defaults, they leave every older key as it was.

        Not in the key:
        - stage, run: who asks does not change what is answered, and a repair or a report may reuse it.
        - limits, time-outs, attempts: they change when an answer comes, not which.
        - the API key and its variable's name: another account gets the same model.
        - how the schema was asked for (json_schema, json_object, text), and which parameters the endpoint refuses and
          is not sent: found out per endpoint, they follow from it.
        """
        return hashlib.sha256(self._canonical()).hexdigest()[:32]

    def _canonical(self) -> bytes:
        """The JSON of all that is in the key, its names sorted, as the standard library writes it: orjson spells some
        numbers in another way, so it gets them, and the schema, written already."""
        temperature = None if self.temperature is None else float(self.temperature)
        content = {
            "version": KEY_VERSION,
            "model": self.model,
            "revision": revision_of(self.model),
            "endpoint": endpoint_of(self.model, self.endpoint),
            "messages": self.messages_without_pictures,
            "temperature": temperature,
            "max_output_tokens": self.max_output_tokens,
            "seed": self.seed,
            "schema": self.schema,
            "candidate": self.candidate,
            **self._later_fields,
        }
        written = {name: orjson.Fragment(_json(content[name])) for name in ("temperature", "schema", "seed")}
        try:
            return orjson.dumps(content | written, option=orjson.OPT_SORT_KEYS)
        except TypeError:  # half of a surrogate pair
            return _json(content)

    @cached_property
    def messages_without_pictures(self) -> list[dict[str, Any]]:
        """The messages as they are keyed and kept: each picture is `<media type>;sha256:<hex>`."""
        return [_without_pictures(message) for message in self.messages]

    @cached_property
    def pictures(self) -> int:
        return sum(part.get("type") == "image_url" for message in self.messages for part in _parts(message))

    @cached_property
    def text_bytes(self) -> int:
        """UTF-8 bytes of everything but the pictures that becomes prompt tokens."""
        texts = [json.dumps(self.schema)] if self.schema is not None else []
        for message in self.messages:
            content = message.get("content")
            if isinstance(content, str):
                texts.append(content)
            else:
                texts += [str(part.get("text", "")) for part in _parts(message)]
        return sum(len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass")) for text in texts)

    def record(self) -> dict[str, Any]:
        """What the journal keeps of the question."""
        return {
            "messages": self.messages_without_pictures,
            "temperature": self.temperature,
            "max_output_tokens": self.max_output_tokens,
            "seed": self.seed,
            "schema": self.schema,
            "candidate": self.candidate,
            **self._later_fields,
        }

    @property
    def _later_fields(self) -> dict[str, str]:
        """Keyed and recorded only where they are not the default."""
        fields = {"api": "" if self.api == "chat" else self.api, "reasoning_effort": self.reasoning_effort or ""}
        return {name: value for name, value in {**fields, "period": self.period}.items() if value}


_CANONICAL = json.JSONEncoder(sort_keys=True, ensure_ascii=False, separators=(",", ":"))


def _json(value: Any) -> bytes:
    return b"null" if value is None else _CANONICAL.encode(value).encode("utf-8", "surrogatepass")


def _parts(message: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    content = message.get("content")
    return list(content) if isinstance(content, list | tuple) else []


def _without_pictures(message: Mapping[str, Any]) -> dict[str, Any]:
    parts = _parts(message)
    if not parts:
        return dict(message)
    return {**message, "content": [_hashed(part) if part.get("type") == "image_url" else dict(part) for part in parts]}


def _hashed(part: Mapping[str, Any]) -> dict[str, Any]:
    picture = dict(part["image_url"])
    head, comma, data = str(picture["url"]).partition(",")
    if comma and head.startswith("data:") and head.endswith(";base64"):
        try:
            digest = hashlib.sha256(base64.b64decode(data)).hexdigest()
        except binascii.Error as broken:
            raise ValueError(f"a picture's data URL is not base64: {broken}") from broken
        picture["url"] = f"{head.removeprefix('data:').removesuffix(';base64')};sha256:{digest}"
    return {**part, "image_url": picture}
