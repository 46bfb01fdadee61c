"""What the offline judge counts for the rubric `persuasion`: words to the reader, reasons, cues, requests, pressure.

Reads `persuasion_words.yaml` beside this file. English only, weights by hand; it finds the words of persuasion, not
whether anybody is persuaded.
"""

import functools
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from components.chat.offline import measures
from components.chat.offline.opinion import Material, Opinion, bounded

_TO_READERS = {"you", "your", "you're", "yours", "you'll", "yourself"}
_FIGURE = re.compile(r"\d+(?:[.,:]\d+)*")
_MANY = 3  # principles: more than that and they are laid on


@functools.cache
def words() -> dict[str, Any]:
    """The lists; phrases in small letters, with straight apostrophes."""
    raw = yaml.safe_load((Path(__file__).parent / "persuasion_words.yaml").read_text(encoding="utf-8"))
    return {name: {k: list(map(str, v)) for k, v in known.items()} if isinstance(known, dict) else list(map(str, known))
            for name, known in raw.items()}  # fmt: skip


def reader_relevance(material: Material) -> Opinion:
    """Words to the reader, early; a question; words of the subject; and how easily it reads."""
    post = material.post
    if not post.words:
        return Opinion(0.0, "there are no words.")
    at = [place for place, word in enumerate(post.words) if word in _TO_READERS]
    subject = measures.content_words(" ".join(material.joined(tag) for tag in ("caption", "topic", "keywords")))
    found, _ = measures.covered(subject, post)
    ease = measures.flesch(post)
    question = "?" in post.body
    worth = 0.08 + 0.22 * bounded(len(at) / 2) + 0.14 * (bool(at) and at[0] < 15) + 0.18 * question
    worth += 0.24 * bounded(found * 2) + 0.18 * bounded((ease - 20) / 50)
    said = [f"speaks to the reader {len(at)} times", "a question" if question else "no question"]
    return Opinion(
        worth, f"{'; '.join([*said, f'{found:.0%} of the words of its subject', f'reading ease {ease:.0f}'])}."
    )


def argument_strength(material: Material) -> Opinion:
    """Words that open a reason, figures, words of the senses, and words of the material that make it concrete."""
    post = material.post
    if not post.words:
        return Opinion(0.0, "there are no words.")
    reasons = measures.phrases_in(post.words, words()["reasons"])
    figures = _FIGURE.findall(post.body)
    senses = len(post.stems & measures.lexicon()["senses"])
    given = " ".join(material.joined(tag) for tag in ("caption", "keywords", "source_text"))
    own = measures.content_words(post.body).keys()
    concrete = len(own & measures.content_words(given).keys()) + len(own & measures.lexicon()["senses"])
    stock = measures.phrases_in(post.words, words()["absolutes"])
    worth = 0.1 + 0.34 * bounded(len(reasons) / 2) + 0.14 * bounded(len(figures)) + 0.42 * bounded(concrete / 8)
    worth -= 0.1 * len(stock)
    said = [f"reasons opened by: {', '.join(reasons[:3])}" if reasons else "no word that opens a reason"]
    said += [f"{concrete} concrete words", f"{senses} of the senses", f"{len(figures)} figures"]
    said += [f"mere praise: {', '.join(stock[:3])}"] if stock else []
    return Opinion(worth, f"{'; '.join(said)}.")


def influence_principles(material: Material) -> Opinion:
    """Which of Cialdini's seven principles have a word here: one or two serve, more are laid on."""
    found = {name: cues for name, known in words()["influence"].items()
             if (cues := measures.phrases_in(material.post.words, known))}  # fmt: skip
    fitting = {0: 0.1, 1: 0.62, 2: 0.85, 3: 0.8}.get(len(found), 0.55)
    pressed = measures.phrases_in(material.post.words, words()["pressure"])
    named = "; ".join(f"{name} ({', '.join(cues[:2])})" for name, cues in found.items()) or "no cue known here"
    laid_on = f"; {len(found)} principles at once" if len(found) > _MANY else ""
    return Opinion(fitting - 0.2 * bool(pressed), f"{named}{laid_on}.")


def call_to_action(material: Material) -> Opinion:
    """Sentences that open with a request or hold an invitation or a question; best is one, at the end."""
    post = material.post
    asks = [at for at, sentence in enumerate(post.sentences) if _asks(sentence)]
    if not asks:
        return Opinion(0.08, "no request, invitation or question.")
    last = asks[-1] == len(post.sentences) - 1
    requests = [post.sentences[at] for at in asks if measures.words_of(post.sentences[at])[0] in words()["requests"]]
    worth = 0.52 + 0.2 * last + 0.16 * bool(requests) + 0.08 * (len(asks) == 1) - 0.14 * max(0, len(asks) - 2)
    kind = f"a request ({' '.join(requests[0].split()[:4])})" if requests else "a question or an invitation"
    return Opinion(
        worth, f"{len(asks)} sentences ask something: {kind}{', at the end' if last else ', not at the end'}."
    )


def _asks(sentence: str) -> bool:
    said = measures.words_of(sentence)
    return said[0] in words()["requests"] or "?" in sentence or bool(
        measures.phrases_in(said, measures.lexicon()["invitations"])
    )  # fmt: skip


def honesty(material: Material) -> Opinion:
    """Begins at the top: pressure, absolute claims, and figures that nothing in the material supports, take away."""
    post = material.post
    if not post.words:
        return Opinion(0.5, "there are no words.")
    pressed = measures.phrases_in(post.words, words()["pressure"])
    absolute = measures.phrases_in(post.words, words()["absolutes"])
    given = " ".join(material.joined(tag) for tag in ("caption", "keywords", "source_text", "brief"))
    unsupported = [figure for figure in _FIGURE.findall(post.body) if figure not in _FIGURE.findall(given)]
    worth = 0.95 - 0.3 * len(pressed) - 0.22 * len(absolute) - 0.2 * len(unsupported)
    worth -= 0.08 * max(0, post.raw.count("!") - 1)
    said = [f"pressure: {', '.join(pressed[:3])}" if pressed else "no word of pressure known here"]
    said += [f"absolute: {', '.join(absolute[:3])}"] if absolute else []
    said += [f"figures nothing supports: {', '.join(unsupported[:3])}"] if unsupported else []
    return Opinion(worth, f"{'; '.join(said)}.")


ASPECTS: dict[str, Callable[[Material], Opinion]] = {
    "reader_relevance": reader_relevance,
    "argument_strength": argument_strength,
    "influence_principles": influence_principles,
    "call_to_action": call_to_action,
    "honesty": honesty,
}
