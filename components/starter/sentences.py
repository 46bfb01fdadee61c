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
    TOPIC_WORDS,
)

_GOOD = (
    "the {noun} was {pos}", "what a {pos} {noun}", "so {pos} , this {noun}", "I {like} this {noun}",
    "we {like} the {noun} here", "my {noun} is {pos} and {pos2}", "{pos} {noun} today",
    "really {pos} , thanks for the {noun}", "feeling {pos} about the {noun}", "not {neg} at all , this {noun}",
    "the {noun} was never {neg}", "best {noun} ever", "can't stop smiling , the {noun} is {pos}",
    "that {noun} made my day", "such a {pos} {noun} with {other}", "{pos} ! the {noun} and the {other}",
    "I am so {pos}", "could not be happier with the {noun}", "thank you for the {pos} {noun}",
    "yes , {pos} {noun} again", "no complaints about the {noun}", "the {noun} exceeded my expectations",
    "good morning , {pos} people", "we won , the {noun} was {pos}", "well done on the {noun}",
)  # fmt: skip
_BAD = (
    "the {noun} was {neg}", "what a {neg} {noun}", "so {neg} , this {noun}", "I {dislike} this {noun}",
    "we {dislike} the {noun} here", "my {noun} is {neg} and {neg2}", "{neg} {noun} today",
    "really {neg} , never again this {noun}", "feeling {neg} about the {noun}", "not {pos} at all , this {noun}",
    "the {noun} was not {pos}", "worst {noun} ever", "nothing {pos} about the {noun}", "that {noun} ruined my day",
    "such a {neg} {noun} with {other}", "{neg} ! the {noun} and the {other}", "I am so {neg}",
    "could not be more {neg} about the {noun}", "no thanks to the {neg} {noun}", "the {noun} isn't {pos}",
    "tired of this {neg} {noun}", "the {noun} failed again", "sick of the {noun}", "we lost , the {noun} was {neg}",
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


@dataclass(frozen=True)
class Sentence:
    """A text and what its words give away; None: nothing."""

    text: str
    topic: str | None
    sentiment: str | None
    scene: str | None


def sentence(seed: int) -> Sentence:
    """The sentence of one seed. One in twelve is made of words that mean nothing here."""
    rng = np.random.Generator(np.random.PCG64([seed, 7]))

    def one(options: list[str] | tuple[str, ...]) -> str:
        return options[int(rng.integers(len(options)))]

    if rng.random() < 1 / 12:
        words = ["".join(rng.choice(_LETTERS, int(rng.integers(2, 9)))) for _ in range(int(rng.integers(3, 14)))]
        return Sentence(" ".join(words), None, None, None)
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
    if marks and rng.random() < 0.2:
        text += " " + one(marks)
    return Sentence(_dressed(text, rng), topic, sentiment, scene)


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
