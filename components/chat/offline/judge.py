"""The offline judge: scores a post from what can be counted in it. No model, no key, the same answer every time.

It sees what a model would see, the messages of one chat-completions request, and answers in the schema asked for. Each
reasoning starts with `Offline heuristics` and names its figures. What a post says about its own scores is taken out
before anything is counted. English only. These are yardsticks for trying postwright out, with weights chosen by hand;
no agreement with people is claimed.
"""

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from components.chat.offline import measures, persuading, reading
from components.chat.offline.opinion import Material, Opinion, bounded, read_material

VERSION = 1  # bump when it would answer differently: calls are bought again
MARK = "Offline heuristics"
LOWEST, HIGHEST = 1.5, 9.5  # nothing that is only counted deserves a 10

_LENGTH = re.compile(r"(\d+) of (?:at most )?(\d+)(?:, usual are (\d+) to (\d+))?")
_SPAN = re.compile(r"from (-?\d+(?:\.\d+)?) to (-?\d+(?:\.\d+)?)")
_TO_READERS = {"you", "your", "you're", "yours", "we", "us", "our", "let's"}


def complete(body: Mapping[str, Any]) -> str:
    """The reply to one chat-completions request: JSON, reasoning before score for each aspect of its schema. An aspect
    for which nothing can be counted gets no score, which its reader takes for a failure."""
    material = read_material(body["messages"])
    reply: dict[str, dict[str, Any]] = {}
    for name, (lowest, highest) in _asked(body).items():
        if name not in ASPECTS:
            why = f"{MARK}: nothing that can be counted tells {name}, so there is no score."
            reply[name] = {"reasoning": why, "score": None}
            continue
        opinion = ASPECTS[name](material)
        score = LOWEST + (HIGHEST - LOWEST) * bounded(opinion.worth)
        score = lowest + (highest - lowest) * (score - 1) / 9
        reply[name] = {"reasoning": f"{MARK}: {opinion.why}", "score": round(score, 1)}
    return json.dumps(reply, ensure_ascii=False)


def _asked(body: Mapping[str, Any]) -> dict[str, tuple[float, float]]:
    """Aspect -> its scale, from the reply's schema; without a schema the four of the mpwl rubric."""
    form = body.get("response_format") or {}
    properties = (form.get("json_schema") or {}).get("schema", {}).get("properties", {})
    asked = {}
    for name in properties or MPWL:
        score = properties.get(name, {}).get("properties", {}).get("score", {})
        span = _SPAN.search(str(score.get("description", "")))
        asked[name] = (float(span[1]), float(span[2])) if span else (1.0, 10.0)
    return asked


# --- the four aspects of mpwl ----------------------------------------------------------------------------------------


def relevance_clarity(material: Material) -> Opinion:
    """Coverage of what was found in the picture and of the words, and how easily it reads."""
    post, parts, said = material.post, [], []
    for tag, weight in (("caption", 0.40), ("keywords", 0.35), ("scene", 0.15), ("topic", 0.10), ("source_text", 0.15)):
        asked = measures.content_words(material.joined(tag))
        if not asked:
            continue
        share, missing = measures.covered(asked, post)
        parts.append((weight, 1 - (1 - share) ** 1.6))  # the first words tell most
        lacking = f" (missing: {', '.join(missing[:4])})" if missing else ""
        said.append(f"covers {len(asked) - len(missing)} of {len(asked)} words of the {tag}{lacking}")
    garbled = measures.broken_joints(post) + measures.odd_words(post)
    ease = measures.flesch(post)
    clarity = bounded((ease - 10) / 60) * bounded(1 - 0.3 * len(garbled))
    said.append(f"reading ease {ease:.0f}" + (f", garbled: {', '.join(garbled[:3])}" if garbled else ""))
    if not parts:
        return Opinion(0.35 + 0.2 * clarity, f"no caption or words to compare with; {said[-1]}.")
    coverage = sum(weight * share for weight, share in parts) / sum(weight for weight, _ in parts)
    return Opinion(coverage * (0.72 + 0.28 * clarity), f"{'; '.join(said)}.")


def creativity_originality(material: Material) -> Opinion:
    """Stock phrases, richness, words beside those it was given, turns, likeness to the batch, hashtag stuffing."""
    post, lists = material.post, measures.lexicon()
    if not post.words:
        return Opinion(0.0, "there are no words.")
    given = " ".join(material.joined(tag) for tag in ("caption", "keywords", "scene", "topic"))
    own = measures.content_words(post.body).keys() - measures.content_words(given).keys()
    captions = [measures.words_of(text) for text in material.tags.get("caption", [])]
    copied = max((measures.copied_run(post.words, caption) for caption in captions), default=0)
    richness = measures.variety(post.words)
    stock = measures.phrases_in(post.words, lists["cliches"])
    turns = measures.phrases_in(post.words, lists["comparisons"])
    senses = len(own & lists["senses"])
    others, tags = material.tags.get("other_post", []), len(post.hashtags)
    alike = max((measures.likeness(post.body, other) for other in others), default=0.0)
    worth = 0.18 + 0.28 * bounded(len(own) / 16) + 0.20 * bounded((richness - 0.6) / 0.4)
    worth += 0.16 * bounded(len(turns) / 2) + 0.20 * bounded(senses / 4)
    worth -= 0.16 * len(stock) + 0.30 * bounded(alike - 0.25) + 0.04 * max(0, tags - 3) + 0.02 * max(0, copied - 4)
    worth -= 0.2 * (tags > len(post.words) / 2)
    said = [
        f"{len(own)} content words of its own",
        f"type-token ratio {richness:.2f}",
        f"words of the senses: {senses}",
    ]
    said.append(f"stock phrases: {', '.join(stock[:3])}" if stock else "no stock phrase known here")
    said += [f"a turn: {turns[0]}"] if turns else []
    said += [f"{copied} words in a row are the caption's"] if copied > 4 else []
    said += [f"likeness to {len(others)} other openings at most {alike:.2f}"] if others else []
    said += [f"{tags} hashtags"] if tags > 3 else []
    return Opinion(worth, f"{'; '.join(said)}.")


def coherence_structure(material: Material) -> Opinion:
    """Whole sentences of a readable length, joints that hold, no leftovers, and a length that suits the platform."""
    post = material.post
    if not post.words:
        return Opinion(0.0, "there are no words.")
    words, sentences = len(post.words), post.sentences
    whole = sum(map(measures.is_whole, sentences)) / max(1, len(sentences))
    mean_length = words / max(1, len(sentences))
    steady = bounded(1 - max(5 - mean_length, 0) / 5 - max(mean_length - 22, 0) / 20)
    glue = sum(word in measures.lexicon()["function_words"] for word in post.words) / words
    glued = bounded(glue / 0.30) * bounded(1 - (glue - 0.62) / 0.2)
    fit, said_fit = _length_fit(material)
    broken, odd, left = measures.broken_joints(post), measures.odd_words(post), measures.leftovers(post.raw)
    word, times = measures.most_repeated(post)
    repeated = max(0.0, times / words - 0.12) if words > 12 else 0.0
    twice = len(sentences) - len({sentence.lower() for sentence in sentences})
    linked = measures.linked(post)
    worth = 0.02 + 0.20 * whole + 0.14 * steady + 0.20 * glued + 0.20 * fit
    worth += 0.08 * bounded((len(sentences) - 1) / 2) + 0.16 * linked
    worth -= 0.12 * min(4, len(broken)) + bounded(len(odd) / words * 2) / 2 + 0.15 * len(left)
    worth -= 0.8 * repeated + 0.15 * twice + 0.3 * max(0.0, len(post.hashtags) / words - 0.25)
    said = [f"{len(sentences)} sentences, {mean_length:.0f} words each, {whole:.0%} whole", said_fit]
    said.append(f"function words {glue:.0%}, {linked:.0%} of the joints between sentences linked")
    said += [f"broken joints: {', '.join(broken[:3])}"] if broken else []
    said += [f"words that look like none: {', '.join(odd[:3])}"] if odd else []
    said += [f"leftovers: {', '.join(left[:3])}"] if left else []
    said += [f"'{word}' stands {times} times"] if repeated else []
    said += [f"{twice} sentences stand twice"] if twice else []
    return Opinion(worth, f"{'; '.join(said)}.")


def _length_fit(material: Material) -> tuple[float, str]:
    """From the length by the platform's own counting, which the message states; without it from the characters."""
    stated = _LENGTH.search(material.joined("length"))
    if not stated:
        length = len(material.post.raw)
        return bounded(length / 80), f"{length} characters"
    length, limit = int(stated[1]) - material.left_out, int(stated[2])
    shortest, longest = int(stated[3] or min(80, limit / 3)), int(stated[4] or limit)
    said = f"length {length} of {limit}"
    if length > limit:
        return 0.3 * bounded(2 - length / limit), f"{said}, too long"
    if length > longest:
        return 0.7 + 0.3 * bounded(2 - length / longest), f"{said}, longer than usual there"
    return bounded(length / max(1, shortest)), said


def emotional_engagement(material: Material) -> Opinion:
    """The feeling that was asked for, and what speaks to a reader: a question, an address, an invitation."""
    post, lists = material.post, measures.lexicon()
    if not post.words:
        return Opinion(0.0, "there are no words.")
    feeling, seen = measures.valence(post)
    asked = next((word for word in measures.words_of(material.joined("sentiment")) if word in FITS), None)
    fit = FITS[asked](feeling) if asked else 0.35 + 0.35 * abs(feeling)
    addressed = sum(word in _TO_READERS for word in post.words)
    invited = bool(measures.phrases_in(post.words, lists["invitations"]))
    question = "?" in post.body
    senses = len(post.stems & lists["senses"])
    faces = lists["positive_emoji"] | lists["negative_emoji"]
    emoji = sum(character in faces for character in post.raw)
    shouted = sum(word.isupper() and len(word) > 3 for word in post.body.split()) > 2
    worth = 0.04 + 0.48 * fit + 0.13 * question + 0.11 * bounded(addressed / 2) + 0.08 * invited
    worth += 0.12 * bounded(senses / 4) + 0.04 * (1 <= emoji <= 3)
    worth -= 0.04 * max(0, emoji - 4) + 0.05 * max(0, post.raw.count("!") - 2) + 0.15 * shouted
    read = f"from {', '.join(seen[:4])}" if seen else "no word of feeling known here"
    said = [f"feeling {feeling:+.2f} ({read})", f"asked for: {asked or 'nothing'}"]
    said.append("a question to the reader" if question else "no question")
    said += ["speaks to the reader"] if addressed or invited else []
    return Opinion(worth, f"{'; '.join(said)}.")


FITS: dict[str, Callable[[float], float]] = {
    "positive": lambda feeling: 0.25 + (0.75 if feeling >= 0 else 0.5) * feeling,
    "negative": lambda feeling: 0.25 - (0.75 if feeling <= 0 else 0.5) * feeling,
    "neutral": lambda feeling: 0.80 - 0.6 * abs(feeling),
}
"""Sentiment asked for -> how well a feeling in [-1, 1] suits it."""

MPWL: dict[str, Callable[[Material], Opinion]] = {
    "relevance_clarity": relevance_clarity,
    "creativity_originality": creativity_originality,
    "coherence_structure": coherence_structure,
    "emotional_engagement": emotional_engagement,
}

ASPECTS = MPWL | persuading.ASPECTS | reading.ASPECTS
"""What is counted: the aspects of the rubrics mpwl, persuasion and accessibility. Any other is refused before a run
begins (components/judgments/worth.py): the mean of what was counted for something else would be a score of nothing."""
