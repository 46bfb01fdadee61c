"""The offline judge: scores a post from what can be counted in it. No model, no key, the same answer every time.

It sees what a model would see, the messages of one chat-completions request, and answers in the schema asked for. Each
reasoning starts with `Offline heuristics` and names the figures. What a post says about its own scores is taken out before
anything is counted, so it neither helps nor hurts. English only. These are yardsticks for trying postwright out, not a
judge of taste: agreement with people is not claimed.
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from components.chat.offline import measures
from components.chat.offline.measures import Text
from components.prompts.escaping import clean, unescape

VERSION = 1  # bump when it would answer differently: calls are bought again
MARK = "Offline heuristics"
LOWEST, HIGHEST = 1.5, 9.5  # nothing that is only counted deserves a 10

_TAGGED = re.compile(r"<([a-z][a-z0-9_]*)>(.*?)</\1>", re.DOTALL)
_LENGTH = re.compile(r"(\d+) of (?:at most )?(\d+)(?:, usual are (\d+) to (\d+))?")
_SPAN = re.compile(r"from (-?\d+(?:\.\d+)?) to (-?\d+(?:\.\d+)?)")


@dataclass(frozen=True, slots=True)
class Material:
    """What stands between the tags of the user's message."""

    post: Text
    tags: Mapping[str, list[str]]
    left_out: int = 0  # characters of the post that were addressed to the judge

    def joined(self, tag: str) -> str:
        return " ".join(self.tags.get(tag, []))


@dataclass(frozen=True, slots=True)
class Opinion:
    """`worth` in [0, 1], and why."""

    worth: float
    why: str


def complete(body: Mapping[str, Any]) -> str:
    """The reply to one chat-completions request: a JSON object, reasoning before score for every aspect of its schema."""
    material = read_material(body["messages"])
    opinions = {name: measure(material) for name, measure in ASPECTS.items()}
    reply = {}
    for name, (lowest, highest) in _asked(body).items():
        opinion = opinions.get(name) or _for_unknown(opinions)
        score = LOWEST + (HIGHEST - LOWEST) * min(1.0, max(0.0, opinion.worth))
        if (lowest, highest) != (1.0, 10.0):
            score = lowest + (highest - lowest) * (score - 1.0) / 9.0
        reply[name] = {"reasoning": f"{MARK}: {opinion.why}", "score": round(score, 1)}
    return json.dumps(reply, ensure_ascii=False)


def _asked(body: Mapping[str, Any]) -> dict[str, tuple[float, float]]:
    """Aspect -> its scale, from the reply's schema; without a schema the four of the mpwl rubric."""
    form = body.get("response_format") or {}
    properties = (form.get("json_schema") or {}).get("schema", {}).get("properties", {})
    asked = {}
    for name in properties or ASPECTS:
        described = str(properties.get(name, {}).get("properties", {}).get("score", {}).get("description", ""))
        span = _SPAN.search(described)
        asked[name] = (float(span[1]), float(span[2])) if span else (1.0, 10.0)
    return asked


def _for_unknown(opinions: Mapping[str, Opinion]) -> Opinion:
    mean = sum(opinion.worth for opinion in opinions.values()) / len(opinions)
    return Opinion(mean, f"nothing is counted for this aspect; the mean of {', '.join(opinions)}.")


# --- the material ----------------------------------------------------------------------------------------------------


def read_material(messages: list[Mapping[str, Any]]) -> Material:
    """The first user message with a post in it; later ones ask for a repair of the reply."""
    for message in messages:
        if message.get("role") == "user":
            tags: dict[str, list[str]] = {}
            for tag, content in _TAGGED.findall(_text_of(message.get("content"))):
                tags.setdefault(tag, []).append(unescape(content).strip())
            if tags.get("post"):
                kept = without_appeals(tags["post"][0])
                return Material(measures.take_apart(kept), tags, len(tags["post"][0]) - len(kept))
    return Material(measures.take_apart(""), {})


def _text_of(content: Any) -> str:
    if isinstance(content, str):
        return content
    return "\n".join(part.get("text", "") for part in content or [] if part.get("type") == "text")


_TO_JUDGE = [
    r"\b(?:ignore|disregard|forget|override|bypass)\b[^.!?\n]*\b(?:rubric|instructions?|previous|above|prompt|rules?|guidelines?|criteria)\b",
    r"\b(?:score|rate|grade|give|award|assign|answer|output|respond|reply|return|print|say|write)\b[^.!?\n]{0,60}\b(?:10|ten|scores?)\b",
    r"\b(?:full marks|top marks|perfect score|highest (?:score|marks?|rating)|maximum score)\b",
    r"\b(?:dear|note to|attention|as) (?:an? |the |my )?(?:\w+ )?(?:judge|grader|evaluator|rater|reviewer|ai|llm|assistant|language model)\b",
    r"\byou (?:are|must act as|will act as)(?: now)? (?:an? |the )?(?:\w+ )?(?:judge|grader|evaluator|assistant|ai)\b",
    r"\b(?:this|the|my) post (?:deserves|merits|earns|should (?:get|receive|have|score)|must (?:get|receive|score))\b",
    r"\b(?:system|developer) (?:prompt|message|override)\b",
    r"\b(?:score|rating|overall|grade)\s*[:=]\s*\d",
    r"\b(?:relevance|creativity|coherence|emotional)_\w+\b",
]
_APPEAL = re.compile("|".join(_TO_JUDGE), re.IGNORECASE)
_ROLE_LINE = re.compile(
    r"^[ \t>*#\-_|]*(?:[(\[<|]+/?(?:system|assistant|user|human|developer|tool|inst|sys|instructions?|response|im_start|im_end)\b[^\n]*"
    r"|(?:system|assistant|user|human|developer)\s*:[^\n]*)$",
    re.IGNORECASE | re.MULTILINE,
)
_ROLE_TAG = re.compile(r"<\|?/?[a-zA-Z_|]{1,30}\|?>|\[/?(?:INST|SYS)\]|\(/?(?:INST|SYS|SYSTEM|USER|ASSISTANT)\)", re.IGNORECASE)
_BOUNDARY = re.compile(r"[,;:—–(\n]|#\w+|[\u2190-\u2bff\U0001f000-\U0001faff]\ufe0f?")  # an appeal may follow hashtags or emoji
_OBJECT = re.compile(r"(?:```(?:json)?\s*)?\{[^{}]*(?:\{[^{}]*\}[^{}]*)*\}(?:\s*```)?")


def without_appeals(post: str) -> str:
    """The post without what is addressed to its judge: score objects, role lines and tags, sentences that ask for a score."""
    post = _OBJECT.sub(lambda match: "" if ":" in match[0] and '"' in match[0] else match[0], clean(post))
    post = _ROLE_TAG.sub("", _ROLE_LINE.sub("", post))
    kept = []
    for sentence in re.split(r"(?<=[.!?…])(?=\s)|(?<=\n)", post):
        if match := _APPEAL.search(sentence):
            before = sentence[: match.start()]
            ends = [boundary.end() for boundary in _BOUNDARY.finditer(before)]
            sentence = before[: ends[-1] if ends else 0].rstrip(" ,;:—–(\n")
        kept.append(sentence)
    return re.sub(r"[ \t]{2,}", " ", re.sub(r"\n{3,}", "\n\n", "".join(kept))).strip()


# --- the four aspects ------------------------------------------------------------------------------------------------


def relevance_clarity(material: Material) -> Opinion:
    """Coverage of what was found in the picture and of the words, and how easily it reads."""
    post, parts, said = material.post, [], []
    sources = (("caption", 0.40), ("keywords", 0.35), ("scene", 0.15), ("topic", 0.10), ("source_text", 0.15))
    for tag, weight in sources:
        asked = measures.content_stems(material.joined(tag))
        if not asked:
            continue
        share, missing = measures.covered(asked, post)
        parts.append((weight, 1 - (1 - share) ** 1.6))  # the first words tell most
        if tag != "source_text":
            lacking = f" (missing: {', '.join(missing[:4])})" if missing else ""
            said.append(f"covers {len(asked) - len(missing)} of {len(asked)} words of the {tag}{lacking}")
    ease, broken = measures.flesch(post), measures.broken_joints(post) + measures.odd_words(post)
    clarity = min(1.0, max(0.0, (ease - 10) / 60)) * max(0.0, 1 - 0.3 * len(broken))
    if not parts:
        return Opinion(0.35 + 0.2 * clarity, f"no caption or words to compare with; reading ease {ease:.0f}.")
    coverage = sum(weight * share for weight, share in parts) / sum(weight for weight, _ in parts)
    worth = coverage * (0.72 + 0.28 * clarity)
    garbled = f"; garbled: {', '.join(broken[:3])}" if broken else ""
    return Opinion(worth, f"{'; '.join(said) or 'compared with the text only'}; reading ease {ease:.0f}{garbled}.")


def creativity_originality(material: Material) -> Opinion:
    """Clichés, richness of words, words of its own beside those it was given, likeness to the batch, hashtag stuffing."""
    post, lists = material.post, measures.lexicon()
    if not post.words:
        return Opinion(0.0, "there are no words.")
    cliches = measures.phrases_in(post.words, lists["cliches"])
    given = set(measures.content_stems(" ".join(material.joined(tag) for tag in ("caption", "keywords", "scene", "topic"))))
    own = [word for word in measures.content_stems(post.body) if word not in given]
    richness = measures.variety(post.words)
    figures = measures.phrases_in(post.words, lists["comparisons"])
    senses = sum(word in lists["senses"] for word in own)
    others = material.tags.get("other_post", [])
    alike = max((measures.likeness(post.body, other) for other in others), default=0.0)
    tags = len(post.hashtags)
    worth = 0.18 + 0.30 * min(1.0, len(own) / 14) + 0.22 * max(0.0, (richness - 0.6) / 0.4)
    worth += 0.12 * min(1.0, len(figures) / 2) + 0.18 * min(1.0, senses / 4)
    worth -= 0.16 * len(cliches) + 0.30 * max(0.0, alike - 0.25) + 0.04 * max(0, tags - 3)
    if tags > len(post.words) / 2:
        worth -= 0.2
    said = [f"{len(own)} content words of its own, type-token ratio {richness:.2f}"]
    said.append(f"stock phrases: {', '.join(cliches[:3])}" if cliches else "no stock phrase known here")
    if figures:
        said.append(f"turns such as '{figures[0]}'")
    if others:
        said.append(f"likeness of the opening to {len(others)} others at most {alike:.2f}")
    if tags > 3:
        said.append(f"{tags} hashtags")
    return Opinion(worth, f"{'; '.join(said)}.")


def coherence_structure(material: Material) -> Opinion:
    """Whole sentences of a readable length, joints that hold, no leftovers, and a length that suits the platform."""
    post = material.post
    if not post.words:
        return Opinion(0.0, "there are no words.")
    words, sentences = len(post.words), post.sentences
    whole = sum(bool(re.match(r"[^a-z]*[A-Z0-9\"'“‘«¿¡]", s)) and len(measures.words_of(s)) >= 3 for s in sentences) / max(1, len(sentences))
    mean_length = words / max(1, len(sentences))
    steady = 1.0 if 5 <= mean_length <= 22 else max(0.0, 1 - (5 - mean_length) / 5 if mean_length < 5 else 1 - (mean_length - 22) / 20)
    glue = sum(word in measures.lexicon()["function_words"] for word in post.words) / words
    glued = min(1.0, glue / 0.30) if glue < 0.62 else max(0.0, 1 - (glue - 0.62) / 0.2)
    broken, odd, left = measures.broken_joints(post), measures.odd_words(post), measures.leftovers(post.raw)
    word, times = measures.most_repeated(post)
    repeated = max(0.0, times / words - 0.12) if words > 12 else 0.0
    doubled = len(sentences) - len({s.lower() for s in sentences})
    fit, said_fit = _length_fit(material)
    stuffed = max(0.0, len(post.hashtags) / words - 0.25)
    worth = 0.08 + 0.22 * whole + 0.18 * steady + 0.26 * glued + 0.26 * fit
    worth -= 0.10 * min(4, len(broken)) + 0.5 * min(1.0, len(odd) / words * 2) + 0.15 * len(left)
    worth -= 0.8 * repeated + 0.15 * doubled + 0.3 * stuffed
    said = [f"{len(sentences)} sentences of {mean_length:.0f} words on average, {whole:.0%} of them whole", said_fit]
    said.append(f"function words {glue:.0%}")
    said += [f"broken joints: {', '.join(broken[:3])}"] if broken else []
    said += [f"words that look like none: {', '.join(odd[:3])}"] if odd else []
    said += [f"leftovers: {', '.join(left[:3])}"] if left else []
    said += [f"'{word}' stands {times} times"] if repeated else []
    said += [f"{doubled} sentences stand twice"] if doubled else []
    return Opinion(worth, f"{'; '.join(said)}.")


def _length_fit(material: Material) -> tuple[float, str]:
    """From the length by the platform's own counting, which the message states; without it from the characters."""
    if not (match := _LENGTH.search(material.joined("length"))):
        length = len(material.post.raw)
        return min(1.0, length / 80), f"{length} characters"
    length, limit = int(match[1]) - material.left_out, int(match[2])
    said = f"length {length} of {limit}"
    if length > limit:
        return max(0.0, 0.3 - 2 * (length / limit - 1)), f"{said}, too long"
    enough = int(match[3]) if match[3] else min(0.4 * limit, 150)  # a post need not fill LinkedIn's 3,000
    if match[4] and length > int(match[4]):
        usual = int(match[4])
        return max(0.4, 1 - 0.4 * (length - usual) / usual), f"{said}, longer than usual there"
    return min(1.0, length / max(1, enough)), said


def emotional_engagement(material: Material) -> Opinion:
    """The feeling that was asked for, and what speaks to a reader: a question, an address, an invitation."""
    post, lists = material.post, measures.lexicon()
    if not post.words:
        return Opinion(0.0, "there are no words.")
    feeling, seen = measures.valence(post)
    asked = next((word for word in measures.words_of(material.joined("sentiment")) if word in FITS), None)
    fit = FITS[asked](feeling) if asked else 0.35 + 0.35 * abs(feeling)
    calls = measures.phrases_in(post.words, lists["invitations"])
    address = sum(word in {"you", "your", "you're", "yours", "we", "us", "our", "let's"} for word in post.words)
    question = "?" in post.body
    senses = sum(stem in lists["senses"] for stem in post.stems)
    emoji = sum(character in lists["positive_emoji"] | lists["negative_emoji"] for character in post.raw)
    worth = 0.08 + 0.46 * fit + 0.14 * question + 0.10 * min(1.0, address / 2) + 0.08 * bool(calls)
    worth += 0.10 * min(1.0, senses / 3) + 0.04 * (1 <= emoji <= 3)
    worth -= 0.04 * max(0, emoji - 4) + 0.05 * max(0, post.raw.count("!") - 2)
    worth -= 0.15 * (sum(word.isupper() and len(word) > 3 for word in post.body.split()) > 2)
    read = f"feeling {feeling:+.2f}" + (f" from {', '.join(seen[:4])}" if seen else ", no word of feeling known here")
    said = [f"{read}; asked for: {asked or 'nothing'}"]
    said.append("a question to the reader" if question else "no question")
    said += ["speaks to the reader"] if address or calls else []
    return Opinion(worth, f"{'; '.join(said)}.")


FITS: dict[str, Callable[[float], float]] = {
    "positive": lambda feeling: 0.25 + 0.75 * feeling if feeling >= 0 else max(0.0, 0.25 + 0.5 * feeling),
    "negative": lambda feeling: 0.25 - 0.75 * feeling if feeling <= 0 else max(0.0, 0.25 - 0.5 * feeling),
    "neutral": lambda feeling: 0.80 - 0.6 * abs(feeling),
}

ASPECTS: dict[str, Callable[[Material], Opinion]] = {
    "relevance_clarity": relevance_clarity,
    "creativity_originality": creativity_originality,
    "coherence_structure": coherence_structure,
    "emotional_engagement": emotional_engagement,
}
