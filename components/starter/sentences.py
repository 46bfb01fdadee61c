"""Short posts about anything, each with the topic, the sentiment and the scene it gives away, or none.

A text whose words give nothing away is taught to be answered with "unsure": its targets are even, not absent.
"""

from dataclasses import dataclass

import numpy as np

from components.starter.lexicon import (
    DISLIKES,
    GLAD_MARKS,
    LIKES,
    NEGATIVE,
    OTHER,
    POSITIVE,
    SAD_MARKS,
    SCENE_WORDS,
    SMALL,
    TOPIC_WORDS,
)

_GOOD = (
    "the {noun} was {pos}", "what a {pos} {noun}", "so {pos} , this {noun}", "I {like} this {noun}",
    "we {like} the {noun} here", "my {noun} is {pos} and {pos2}", "{pos} {noun} today",
    "really {pos} , thanks for the {noun}", "feeling {pos} about the {noun}", "not {neg} at all , this {noun}",
    "not a {neg} {noun} , we liked it", "no {neg} {noun} today", "the {noun} was never {neg}", "best {noun} ever",
    "can't stop smiling , the {noun} is {pos}", "that {noun} made my day", "such a {pos} {noun} with {other}",
    "{pos} ! the {noun} and the {other}", "I am so {pos}", "could not be happier with the {noun}",
    "thank you for the {pos} {noun}", "yes , {pos} {noun} again", "no complaints about the {noun}",
    "the {noun} exceeded my expectations", "good morning , {pos} people", "we won , the {noun} was {pos}",
    "well done on the {noun}",
)  # fmt: skip
_BAD = (
    "the {noun} was {neg}", "what a {neg} {noun}", "so {neg} , this {noun}", "I {dislike} this {noun}",
    "we {dislike} the {noun} here", "my {noun} is {neg} and {neg2}", "{neg} {noun} today",
    "really {neg} , never again this {noun}", "feeling {neg} about the {noun}", "not {pos} at all , this {noun}",
    "not a {pos} {noun} , we lost", "no {pos} {noun} today", "the {noun} was not {pos}", "worst {noun} ever",
    "nothing {pos} about the {noun}", "that {noun} ruined my day", "such a {neg} {noun} with {other}",
    "{neg} ! the {noun} and the {other}", "I am so {neg}", "could not be more {neg} about the {noun}",
    "no thanks to the {neg} {noun}", "the {noun} isn't {pos}", "tired of this {neg} {noun}",
    "the {noun} failed again", "sick of the {noun}", "we lost , the {noun} was {neg}",
    "what is wrong with the {noun}",
)  # fmt: skip
_FLAT = (
    "the {noun} opens at {n}", "{noun} on monday", "a {noun} and a {other}", "there is a {noun} near the {other}",
    "{n} {noun} listed", "the {noun} is next to the {other}", "about the {noun}", "here is the {noun}",
    "a photo of the {noun}", "we saw a {noun} on friday", "{noun} , {other} , {n}", "the {noun} starts at {n}",
    "notes on the {noun}", "the {other} has a {noun}", "moved the {noun} to {n}", "does anyone know the {noun}",
    "where is the {noun}", "an update on the {noun}", "how the {noun} works", "the {noun} this week",
    "{n} people were at the {noun}", "this is the {noun} from {n}", "the usual {noun}",
    "the {noun} as it was at {n}", "still the same {noun}",
)  # fmt: skip
_SENTIMENTS = {"positive": (_GOOD, GLAD_MARKS), "neutral": (_FLAT, []), "negative": (_BAD, SAD_MARKS)}
_LETTERS = np.array(list("etaoinshrdlucmfwypvbgkjqxz"))
_ANY_LETTERS = np.array(list("etaoinshrdlucmfwypvbgkjqxz" * 3 + "eaioneaion0123456789!?.,:;'-ñéüßçøабвñ¿日"))


@dataclass(frozen=True)
class Sentence:
    """A text and what its words give away; None: nothing."""

    text: str
    topic: str | None
    sentiment: str | None
    scene: str | None


def sentence(seed: int) -> Sentence:
    """The sentence of one seed. One in six is made of words that mean nothing here."""
    rng = np.random.Generator(np.random.PCG64([seed, 7]))

    def one(options: list[str] | tuple[str, ...]) -> str:
        return options[int(rng.integers(len(options)))]

    if rng.random() < 1 / 6:
        return Sentence(_dressed(_chatter(rng, int(rng.integers(2, 25))), rng), None, None, None)
    topic = scene = None
    noun = one(OTHER)
    draw = rng.random()
    if draw < 0.65:
        topic = one(tuple(TOPIC_WORDS))
        noun = one(TOPIC_WORDS[topic].split())
    elif draw < 0.85:
        scene = one(tuple(SCENE_WORDS))
        noun = one(SCENE_WORDS[scene].split())
    sentiment = one(tuple(_SENTIMENTS))
    templates, marks = _SENTIMENTS[sentiment]
    template = one(templates)
    text = template.format(
        noun=noun, other=one(OTHER), n=int(rng.integers(2, 2030)), like=one(LIKES), dislike=one(DISLIKES),
        pos=one(POSITIVE), pos2=one(POSITIVE), neg=one(NEGATIVE), neg2=one(NEGATIVE),
    )  # fmt: skip
    if "{noun}" not in template:
        topic = scene = None
    if rng.random() < 0.4:  # the words that matter stand among others
        more = _chatter(rng, int(rng.integers(1, 10)))
        text = f"{more} {text}" if rng.random() < 0.5 else f"{text} {more}"
    if marks and rng.random() < 0.2:
        text += " " + one(marks)
    return Sentence(_dressed(text, rng), topic, sentiment, scene)


_STARTS = ("b", "c", "d", "f", "g", "l", "m", "n", "p", "qu", "r", "s", "t", "v", "tr", "st")
_ENDS = ("a", "e", "i", "o", "u", "ia", "um", "or", "it", "es")
_SOUNDS = [start + end for start in _STARTS for end in _ENDS]
_SCRIPTS = (
    (0x3040, 0x30FF),
    (0x4E00, 0x9FFF),
    (0x0410, 0x044F),
    (0x0621, 0x064A),
    (0xAC00, 0xD7A3),
    (0x1F300, 0x1F5FF),
)


def strange(seed: int) -> Sentence:
    """A text nothing can be read from: made-up languages, other scripts, one word over and over, signs and figures."""
    rng = np.random.Generator(np.random.PCG64([seed, 8]))
    kind, count = int(rng.integers(5)), int(rng.integers(1, 20))
    if kind == 0:
        text = " ".join("".join(rng.choice(_SOUNDS, int(rng.integers(1, 4)))) for _ in range(count))
    elif kind == 1:
        low, high = _SCRIPTS[int(rng.integers(len(_SCRIPTS)))]
        text = " ".join("".join(map(chr, rng.integers(low, high, int(rng.integers(1, 8))))) for _ in range(count))
    elif kind == 2:
        text = " ".join([(SMALL + OTHER)[int(rng.integers(len(SMALL) + len(OTHER)))]] * count * 4)
    elif kind == 3:
        text = "".join(rng.choice(list("!?.,:;-#@0123456789 "), count * 3))
    else:
        text = " ".join(_SOUNDS[int(i)] for i in rng.integers(0, len(_SOUNDS), count)) + " " + _chatter(rng, count)
    return Sentence(_dressed(text, rng), None, None, None)


def _chatter(rng: np.random.Generator, count: int) -> str:
    """Words without a mood or a topic: small ones, everyday ones, and letters in no order, in varying shares."""
    shares = rng.dirichlet((1.0, 1.0, 0.7))
    words = []
    for kind in rng.choice(3, count, p=shares):
        if kind == 2:
            words.append("".join(rng.choice(_ANY_LETTERS, int(rng.integers(1, 11)))))
        else:
            known = (SMALL, OTHER)[kind]
            words.append(known[int(rng.integers(len(known)))])
    return " ".join(words)


def _dressed(text: str, rng: np.random.Generator) -> str:
    """As people post: a mention, a link, an echo of the first letters, capitals, an exclamation."""
    if rng.random() < 0.12:
        text = f"@{''.join(rng.choice(_LETTERS, 6))} {text}"
    if rng.random() < 0.15:
        text += f" https://t.co/{''.join(rng.choice(_LETTERS, 8))}"
    if rng.random() < 0.1:
        text = f"RT {text}"
    if rng.random() < 0.15:
        text = f"{text} #{''.join(rng.choice(_LETTERS, 5))}"
    if rng.random() < 0.2:
        text += " " + str(rng.choice(["!", "!!", ".", "..."]))
    return text.replace(" ,", ",")
