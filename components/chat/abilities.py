"""What an endpoint can do, found out from its refusals and kept in `<home>/calls/abilities.json`.

Nobody asks a server what it can do: lists of models and parameters are out of date the day they are written. A call is
sent as we would like it; a 400 that says how it may not be sent teaches one thing, and the call is sent again. What
was learned holds for a model at an endpoint by one interface with one effort of reasoning (OpenAI's models take a
temperature with effort `none` only), for all processes of the home, and for `MEMORY`: servers are updated.

It never loops: each 400 takes something out of the body that was in it, or is final.
"""

import fcntl
import logging
import os
import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson

from components.chat.outcome import Status
from components.chat.providers import endpoint_of
from components.chat.replies import Reply
from components.chat.request import ChatRequest
from components.chat.schemas import LADDER

log = logging.getLogger(__name__)

MEMORY = timedelta(days=30)
UNHEEDED = 3
"""So many answers in a row without any JSON, to a schema that the server took without a word: it does not follow
schemas. `transformers serve` ignores them, and so do proxies that drop what they do not know."""
LENGTHS = ("max_tokens", "max_completion_tokens")
"""Chat completions' names for the longest reply: newer OpenAI models refuse the old one, other servers do not know the
new one. It is swapped, never left out: without it no budget could hold."""

DROPPABLE = ("temperature", "seed", "reasoning_effort", "store")
"""What a call can do without; `reasoning.effort` is called as in chat completions."""

_FORMAT = ("response_format", "text.format", "json_schema", "json_object", "structured output", "guided")
_CODES = frozenset({"unsupported_parameter", "unsupported_value", "unknown_parameter"})
_REFUSED = re.compile(
    r"unsupported|not supported|does(?: not|n't) support|unrecogni[sz]ed|unknown (?:parameter|field|argument|name)"
    r"|unexpected (?:parameter|keyword|field)|extra (?:inputs?|fields?)\b|extra_forbidden|not (?:permitted|allowed)"
)
"""In lower case. OpenAI: "Unsupported value: 'temperature' does not support 0.7 with this model.", "Unsupported
parameter: ...", "Unrecognized request argument supplied: ...", "Unknown parameter: ..."; pydantic behind many other
servers: "Extra inputs are not permitted"."""

_ECHO = re.compile(r"input_value=.*?(?=, ?input_type=|$)|\binput: ?['\"].*", re.DOTALL)
"""pydantic behind many servers quotes what was sent: words of a post are no words of the server."""

_NAMED = re.compile(r"\b(temperature|seed|reasoning[._]effort|reasoning|thinking|store)\b")
"""Ollama: "\"m\" does not support thinking", where an effort was asked for."""


class Abilities:
    """`reply_format` is a step of LADDER, `length` the name of the parameter that caps the reply, `refused` the
    parameters that are not sent. Thread-safe: the windows of a run share it."""

    def __init__(self, model: str, endpoint: str, api: str = "chat", effort: str | None = None) -> None:
        self.name = f"{model} at {endpoint} by {api}" + (f", effort {effort}" if effort else "")
        self.model, self.endpoint, self.api = model, endpoint, api
        self._file: Path | None = None
        self._lock = threading.Lock()
        self._found: dict[str, dict[str, str]] = {}
        self._refused_lengths: set[str] = set()
        self._unheeded = 0
        self._apply()

    def _apply(self) -> None:
        found = self._found
        if self.api == "responses":
            length, missing = "max_output_tokens", {"seed"}  # OpenAI: "`seed` is not a supported parameter" there
        else:
            official = self.endpoint == endpoint_of(self.model, None)
            length, missing = LENGTHS[official], set()
        self.reply_format = found["reply_format"]["is"] if "reply_format" in found else LADDER[0]
        self.length = found["length"]["is"] if "length" in found else length
        self.refused = frozenset(missing | {name for name in DROPPABLE if name in found})

    def sent_without(self, request: ChatRequest) -> list[str]:
        """What the request asks for and its body, made now, does not say; sorted. Of a schema: the formats that the
        endpoint refuses, most exact first."""
        formats = [] if request.schema is None else list(LADDER[: LADDER.index(self.reply_format)])
        if not self.refused:
            return formats
        asked = {"store"} | {name for name in DROPPABLE[:3] if getattr(request, name) is not None}
        return sorted(asked & self.refused) + formats

    def learn(self, sent: Mapping[str, Any], reply: Reply) -> bool:
        """True when the 400 was about how we asked, and the body that is made now asks in another way."""
        if reply.status is Status.ok:
            self._heed(sent, reply)
        if reply.status is not Status.bad_request or reply.detail is None:
            return False
        said = _ECHO.sub("", reply.detail.lower())
        refused = bool(_codes(reply) & _CODES or _REFUSED.search(said))
        with self._lock:
            if any(word in said for word in _FORMAT):
                return self._step_down(sent, reply.detail, sure=refused or _about_format(reply))
            if not refused:
                return False
            if any(name in said for name in LENGTHS):
                return self._swap_length(sent, reply.detail)
            return self._drop(sent, reply)

    def _heed(self, sent: Mapping[str, Any], reply: Reply) -> None:
        """An answer teaches, too: whether the way of asking for a schema means anything to this server."""
        asked = _format_of(sent)
        if asked == LADDER[-1]:
            return
        with self._lock:
            self._unheeded = 0 if "{" in str(reply.text) else self._unheeded + 1
            if self._unheeded >= UNHEEDED and asked == self.reply_format:
                said = f"{UNHEEDED} answers in a row without JSON"
                self._learned("reply_format", LADDER[-1], said)
                log.warning("%s at %s takes %s and ignores it (%s)", self.model, self.endpoint, asked, said)

    def _step_down(self, sent: Mapping[str, Any], said: str, sure: bool) -> bool:
        asked = _format_of(sent)
        if asked == LADDER[-1]:
            return False
        if asked == self.reply_format:  # else another call has learned it meanwhile
            step = LADDER[LADDER.index(asked) + 1]
            # A schema that this server cannot read says little about the next schema, and a word may be a post's that
            # the server quotes: kept for this process only.
            self._learned("reply_format", step, said, keep=sure and "invalid schema" not in said.lower())
            log.warning(
                "%s at %s refuses %s, asking for %s from now on (%s)", self.model, self.endpoint, asked, step, said
            )
        return True

    def _swap_length(self, sent: Mapping[str, Any], said: str) -> bool:
        used = next((name for name in LENGTHS if name in sent), None)
        if used is None:
            return False
        self._refused_lengths.add(used)
        other = LENGTHS[1 - LENGTHS.index(used)]
        if other in self._refused_lengths:
            return False
        if used == self.length:
            self._learned("length", other, said)
            log.warning("%s at %s caps replies by %s (%s)", self.model, self.endpoint, other, said)
        return True

    def _drop(self, sent: Mapping[str, Any], reply: Reply) -> bool:
        name = _parameter(reply)
        if (
            name is None
            or ("reasoning" if name == "reasoning_effort" and self.api == "responses" else name) not in sent
        ):
            return False
        if name not in self.refused:
            self._learned(name, "refused", str(reply.detail))
            log.warning(
                "%s at %s refuses %s: sent without it from now on (%s)", self.model, self.endpoint, name, reply.detail
            )
        return True

    def _learned(self, name: str, found: str, said: str, keep: bool = True) -> None:
        self._found[name] = {"is": found, "at": datetime.now(UTC).isoformat(timespec="seconds"), "said": said}
        self._apply()
        if self._file is not None and keep:
            _keep(self._file, self.name, {name: self._found[name]})

    def remember(self, file: Path) -> None:
        """Takes over what this home's file says, and forgets what is too old; later findings go there."""
        with self._lock:
            self._file = file
            kept = _load(file).get(self.name)
            known = [*(kept.items() if isinstance(kept, dict) else ()), *self._found.items()]
            known = [(name, finding) for name, finding in known if _holds(name, finding)]
            self._found = dict(sorted(known, key=lambda pair: datetime.fromisoformat(pair[1]["at"])))  # the newest wins
            self._apply()


def _format_of(sent: Mapping[str, Any]) -> str:
    asked = sent.get("response_format") or sent.get("text", {}).get("format") or {}
    return str(asked.get("type", LADDER[-1]))


def _error_of(reply: Reply) -> Mapping[str, Any]:
    error = reply.raw.get("error") if isinstance(reply.raw, dict) else None
    return error if isinstance(error, dict) else {}


def _about_format(reply: Reply) -> bool:
    return str(_error_of(reply).get("param")).startswith(("response_format", "text.format"))


def _codes(reply: Reply) -> set[str]:
    return {str(_error_of(reply).get("code"))}


def _parameter(reply: Reply) -> str | None:
    """The droppable parameter that a refusal is about: its `param`, or where servers leave that out its words."""
    named = _error_of(reply).get("param")
    if not isinstance(named, str) or named in ("", "None", "null"):
        found = _NAMED.search(str(reply.detail).lower())
        named = found[0] if found else ""
    if named.partition(".")[0] in ("reasoning", "thinking"):
        named = "reasoning_effort"
    return named if named in DROPPABLE else None


def _holds(name: str, finding: Any) -> bool:
    """Whether an entry of the file, which anybody may have edited, is one, and young enough."""
    values = {"reply_format": LADDER, "length": LENGTHS} | dict.fromkeys(DROPPABLE, ("refused",))
    try:
        fits = finding["is"] in values[name]
        return fits and datetime.now(UTC) - datetime.fromisoformat(finding["at"]) < MEMORY
    except (KeyError, TypeError, ValueError):
        return False


def _load(file: Path) -> dict[str, Any]:
    try:
        content = orjson.loads(file.read_bytes())
    except FileNotFoundError:
        return {}
    except (OSError, orjson.JSONDecodeError) as error:
        log.warning("%s cannot be read (%s): what endpoints can do is found out again", file, error)
        return {}
    return content if isinstance(content, dict) else {}


def _keep(file: Path, name: str, findings: dict[str, Any]) -> None:
    """Adds to the file what others may be adding to at this moment; it is replaced whole, so no reader sees half."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with _locked(file.with_suffix(".lock")):
            content = _load(file)
            old = content.get(name)
            content[name] = (old if isinstance(old, dict) else {}) | findings
            new = file.with_suffix(f".{os.getpid()}-{threading.get_ident()}")
            new.write_bytes(orjson.dumps(content, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS))
            new.replace(file)
    except OSError as error:
        log.warning("%s cannot be written (%s): the next run finds out again", file, error.strerror)


@contextmanager
def _locked(file: Path) -> Iterator[None]:
    descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


_all: dict[tuple[Path, str], Abilities] = {}
_all_lock = threading.Lock()


def abilities_of(folder: Path, model: str, endpoint: str, api: str = "chat", effort: str | None = None) -> Abilities:
    """The one of this process and home (`folder` is its calls), with what its processes have found out so far."""
    new = Abilities(model, endpoint, api, effort)
    with _all_lock:
        abilities = _all.setdefault((folder, new.name), new)
    abilities.remember(folder / "abilities.json")
    return abilities
