"""What the writer answered, read as posts: the text alone, the picture's description, and the platform rules it breaks.

Reads outcomes of components.chat and the kept captions. Models wrap posts in greetings, quotes and fences although they
are asked not to; only what is certainly wrapping is taken off, because a wrong cut would be published.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime

from components.chat import ChatOutcome, Status
from components.chat.thinking import without_thinking
from components.posts.alt_text import alt_text
from components.posts.request import Asked, seed_of, temperature_of
from components.prompts import load_platform
from components.prompts.escaping import clean
from components.records import Post, Prompt
from components.specs import GenerationSpec

_FENCE = re.compile(r"\A```[\w-]*[ \t]*\n(.*?)\n?```\Z", re.DOTALL)
_TAGGED = re.compile(r"\A<(post|answer|output|reply)>(.*)</\1>\Z", re.DOTALL | re.IGNORECASE)
_YES = r"(?:sure|certainly|of course|absolutely|okay|ok|great|got it)\b[^\n:]{0,40}[!.,:]\s*"
_HERE = (
    r"(?:here(?:['’]s| is| you go)|this is|below is)\b[^\n]{0,80}?"
    r"\b(?:post|caption|tweet|toot|skeet|thread|draft|version|text)\b[^\n]{0,60}?:"
)
_GREETING = re.compile(
    rf"\A(?:{_YES}{_HERE}\s*|(?:{_YES})?{_HERE}\s*(?:\n\s*|(?=[\"“])|\Z)|{_YES}\n\s*)", re.IGNORECASE
)
_LABEL = re.compile(
    r"\A(?:\*\*|__)?(?:(?:x|twitter|linkedin|instagram|facebook|threads|bluesky|mastodon)\s+)?"
    r"(?:post|caption|tweet|toot)(?:\*\*|__)?\s*:(?:\*\*|__)?\s*",
    re.IGNORECASE,
)
_FAREWELL = re.compile(
    r"\n+\s*(?:\(\s*\d+\s*(?:/\s*\d+\s*)?(?:characters|chars)[^\n]*\)|\(?character count[^\n]*"
    r"|(?:let me know|feel free to|would you like me|i hope this)[^\n]*"
    r"\b(?:post|version|changes?|adjust|edit|tweak|tone)\b[^\n]*)\s*\Z",
    re.IGNORECASE,
)
_OPEN = re.compile("<post>", re.IGNORECASE)
_QUOTES = {'"': '"', "“": "”", "'": "'", "‘": "’", "«": "»", "„": "“", "「": "」"}


def read_posts(
    prompts: Sequence[Prompt],
    outcomes: Sequence[ChatOutcome],
    captions: Mapping[str, str],
    spec: GenerationSpec,
    now: datetime,
    details: Mapping[str, Sequence[str]] | None = None,
    alt_texts: Mapping[str, str] | None = None,
) -> list[Post]:
    """One Post per outcome, in the order of what was asked. `captions` maps an item's id to its kept caption, `details`
    to what is said of parts of its picture, most telling first: both make the alt text, unless `alt_texts` has one.

    A call that did not end well gives a post without text whose `error` is its status; a reply that holds nothing gives
    the error `empty`. Every candidate carries the cost of its own call, None where that is unknown.
    """
    if len(outcomes) != len(prompts) * spec.candidates:
        raise ValueError(f"{len(outcomes)} outcomes do not fit {len(prompts)} prompts x {spec.candidates} candidates")
    spec_id = spec.id
    asked = [(prompt, candidate) for prompt in prompts for candidate in range(spec.candidates)]
    alts = {
        prompt.prompt_id: (alt_texts or {}).get(prompt.item_id)
        or alt_text(
            captions.get(prompt.item_id), load_platform(prompt.platform), (details or {}).get(prompt.item_id, ())
        )
        for prompt in prompts
    }
    return [
        _read(prompt, candidate, outcome, alts[prompt.prompt_id], spec, spec_id, now)
        for (prompt, candidate), outcome in zip(asked, outcomes, strict=True)
    ]


def unsent_posts(asked: Asked, spec: GenerationSpec, now: datetime) -> list[Post]:
    """A Post with the error `picture` for every candidate that could not be asked for."""
    spec_id = spec.id
    return [
        Post(
            post_id=Post.make_id(prompt.prompt_id, spec_id, candidate, "picture"),
            prompt_id=prompt.prompt_id,
            spec_id=spec_id,
            candidate=candidate,
            platform=prompt.platform,
            cost_usd=0.0,
            error="picture",
            error_detail=f"the picture could not be sent: {error}; restore it or ingest again",
            created_at=now,
            temperature=temperature_of(spec, candidate),
            seed=seed_of(spec, candidate),
        )
        for prompt, error in asked.unsent
        for candidate in range(spec.candidates)
    ]


def _read(
    prompt: Prompt,
    candidate: int,
    outcome: ChatOutcome,
    alt: str | None,
    spec: GenerationSpec,
    spec_id: str,
    now: datetime,
) -> Post:
    platform = load_platform(prompt.platform)
    text, error, detail = None, None, None
    if outcome.status is Status.ok:
        answer = without_thinking(clean(outcome.text or ""))
        reply = between_tags(answer) if asks_for_tags(prompt) else answer
        text = unwrapped(reply or "") or None
        if reply is None:
            error, detail = "no_post", f"no <post>...</post> in the reply {(outcome.text or '')[:80]!r}"
        elif text is None:
            error, detail = "empty", f"the reply was {(outcome.text or '')[:80]!r}"
    else:
        error, detail = outcome.status.value, outcome.detail
    return Post(
        post_id=Post.make_id(prompt.prompt_id, spec_id, candidate, error),
        prompt_id=prompt.prompt_id,
        spec_id=spec_id,
        candidate=candidate,
        platform=prompt.platform,
        text=text,
        alt_text=alt if text else None,
        rules=platform.violations(text) if text else [],
        call_key=outcome.key,
        cost_usd=outcome.cost_usd,
        error=error,
        error_detail=detail,
        created_at=now,
        temperature=temperature_of(spec, candidate),
        seed=seed_of(spec, candidate),
    )


def asks_for_tags(prompt: Prompt) -> bool:
    """Whether the template asks for thoughts first and the post between tags; what others wrote is escaped there, so a
    tag can only be the template's."""
    return "<post>" in prompt.user


def between_tags(reply: str) -> str | None:
    """The last post between tags, None where there is none: thoughts are never taken for a post. The closing tag may be
    missing where nothing follows."""
    opened = list(_OPEN.finditer(reply))
    return re.split("</post>", reply[opened[-1].end() :], maxsplit=1, flags=re.IGNORECASE)[0] if opened else None


def clean_reply(reply: str) -> str:
    """The post in a model's reply, without greeting, label, quotes, fence or farewell around it; "" where none is left.

    >>> clean_reply('Here is your post:\\n\\n"Two dogs, one beach."')
    'Two dogs, one beach.'
    """
    return unwrapped(without_thinking(clean(reply)))


def unwrapped(text: str) -> str:
    """The same of an answer that is clean and without thoughts."""
    text = text.strip()
    while True:
        before = text
        if match := _FENCE.match(text):
            text = match[1]
        if match := _TAGGED.match(text):
            text = match[2]
        text = _LABEL.sub("", _GREETING.sub("", text.strip()))
        text = _unquoted(_FAREWELL.sub("", text).strip())
        if text == before:
            break
    for entity, char in (
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&amp;", "&"),
    ):  # echoed from the prompt, where they are escapes
        text = text.replace(entity, char)
    return re.sub(r"\n{3,}", "\n\n", re.sub(r"[ \t]+$", "", text, flags=re.MULTILINE))


def _unquoted(text: str) -> str:
    """Without a pair of quotes around the whole; quotes that close and open again inside belong to the post."""
    closing = _QUOTES.get(text[:1])
    if closing is None or len(text) < 2 or text[-1] != closing:
        return text
    inner = text[1:-1]
    if closing in inner and (closing != "'" or re.search(r"(?<!\w)'|'(?!\w)", inner)):
        return text
    return inner.strip()
