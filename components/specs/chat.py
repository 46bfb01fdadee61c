"""Which language model is asked, where, and how fast; in particular the one that captions pictures."""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, model_validator

from components.specs.base import Spec

ModelName = Annotated[str, Field(pattern=r"^[a-z0-9_]+/.+$")]
"""provider/name."""


def temperature_of(default: float) -> Any:
    """The field, of whoever answers warmer or colder by default."""
    return Field(default=default, ge=0, le=2, title="Temperature", description="null: not sent.")


def longest_reply_of(default: int) -> Any:
    """The field, of whoever answers at more or less length."""
    return Field(
        default=default,
        ge=1,
        title="Longest reply, in tokens",
        description="A longer one is cut, which is a state of its own and no post or score.",
    )


class ChatSpec(Spec):
    """Which model answers, where, and how fast it may be asked. Limits and key names are no part of the id."""

    does_not_matter: ClassVar[frozenset[str]] = frozenset(
        {"api_key_env", "max_concurrency", "rpm", "tpm", "timeout_s", "max_attempts", "mode", "batch_wait_h"}
    )
    matters_when_set: ClassVar[frozenset[str]] = frozenset({"api", "reasoning_effort", "picture_px", "picture_detail"})
    """Fields that are no part of the id while they stand at their default."""
    model: ModelName = Field(
        title="Model", description="provider/name: offline/... or openai/...", examples=["openai/gpt-4o-mini"]
    )
    endpoint: str | None = Field(
        default=None,
        title="Endpoint",
        description="Base URL of any OpenAI-compatible server; default OpenAI's.",
        examples=["http://127.0.0.1:8000/v1"],
    )
    api_key_env: str = Field(
        default="OPENAI_API_KEY",
        pattern=r"^[A-Za-z_][A-Za-z0-9_]*$",
        title="Key variable",
        description="The name (never the value) of the environment variable.",
    )
    temperature: float | None = temperature_of(0.7)
    max_output_tokens: int = longest_reply_of(400)
    seed: int | None = Field(default=None, title="Seed", description="Sent where set.")
    api: Literal["chat", "responses"] = Field(
        default="chat", title="Interface", description="Chat completions, as all servers, or OpenAI's Responses."
    )
    reasoning_effort: Literal["none", "minimal", "low", "medium", "high", "xhigh"] | None = Field(
        default=None,
        title="Effort of reasoning",
        description="For reasoning models; their thinking counts as output: raise the longest reply.",
    )
    picture: bool = Field(default=False, title="Send the picture", description="Downscaled, without EXIF.")
    picture_px: int = Field(
        default=768,
        ge=64,
        le=2048,
        title="Longest side of a sent picture, in pixels",
        description="Larger pictures are scaled down; more pixels cost more tokens.",
    )
    picture_detail: Literal["auto", "low", "high"] = Field(
        default="auto", title="Detail of a sent picture", description="low costs least; auto leaves it to the server."
    )
    mode: Literal["live", "batch"] = Field(
        default="live", title="Mode", description="batch: half the price at OpenAI, answered within a day."
    )
    batch_wait_h: float = Field(
        default=26,
        ge=0,
        title="Wait for a batch, in hours",
        description="Then the run stops, to be resumed by the same command; 0: hand in, and come back later.",
    )
    max_concurrency: int = Field(
        default=16, ge=1, title="Calls in flight", description="At most; fewer where the server has room for fewer."
    )
    rpm: int | None = Field(
        default=None, ge=1, title="Requests per minute", description="Empty: as the server says, or as found out."
    )
    tpm: int | None = Field(default=None, ge=1, title="Tokens per minute", description="Empty: as the server says.")
    timeout_s: float = Field(
        default=60,
        gt=0,
        title="Time-out of one attempt, in seconds",
        description="An answer that comes later may be billed, and is held in the books.",
    )
    max_attempts: int = Field(
        default=5,
        ge=1,
        title="Attempts per call",
        description="Of what may pass: refusals for the rate, time-outs, errors of the server.",
    )

    def resolved(self) -> dict[str, Any]:
        unset = {n for n in self.matters_when_set if getattr(self, n) == self.__class__.model_fields[n].default}
        return {name: value for name, value in super().resolved().items() if name not in unset}

    def contents(self) -> Mapping[str, Any]:
        from components.chat.providers import revision_of

        return {"revision": revision_of(self.model)}


class TellingSpec(ChatSpec):
    """Who else captions pictures: a model that sees them. CLIP decides whose caption is kept."""

    step: ClassVar[str] = "tell_captions"
    temperature: float | None = temperature_of(0.2)
    max_output_tokens: int = longest_reply_of(120)
    picture: Literal[True] = Field(default=True, title="Send the picture", description="Always, for a caption.")
    caption: bool = Field(default=True, title="Caption pictures", description="One call per picture.")
    fuse: bool = Field(
        default=False, title="Fuse the best two captions", description="One more call per picture, without the picture."
    )

    @model_validator(mode="after")
    def _can_be_done(self) -> "TellingSpec":
        if self.model.startswith("offline/"):
            raise ValueError(f"{self.model} sees no pictures; name a model that does, e.g. openai/gpt-4o-mini")
        if self.mode == "batch":
            raise ValueError("mode: batch is for generation and judge; captions are bought item by item, live")
        if not (self.caption or self.fuse):
            raise ValueError("caption and fuse are both false: leave `told` out to buy nothing")
        return self

    def contents(self) -> Mapping[str, Any]:
        from components.features.told_captions import wording

        return {**super().contents(), "wording": wording()}
