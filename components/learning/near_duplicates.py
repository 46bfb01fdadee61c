"""Puts examples that are nearly the same into one cluster, so that a test never asks what training has shown.

Read: pictures, once each. Needed: imagehash, numpy, scipy. Alike are: the same bytes; pictures whose perceptual hashes
differ in few bits, also after a border was cut off one or all sides or one was mirrored; texts that are the same but
for links, mentions, case and punctuation, or share four fifths of their shingles; vectors with a high cosine; and,
where asked, all of one author. Likeness chains: a to b to c puts a and c together, however different they are, since
anything else would let b's twin cross. `describe_clusters` says when a chain has grown too long to be true.
"""

import html
import re
import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from components.errors import UserError
from components.items.pictures import PictureError, open_picture
from components.learning.pairs import Merger, within_cosine, within_hamming, within_jaccard
from components.learning.spec import SplitRule
from components.records import Example, content_id

SIDE = 32
"""Pixels a side that a hash is made from; 64 low frequencies of them become its bits."""
CUTS = ((0, 0, 0, 0), (0.025,) * 4, (0.05,) * 4, *(tuple(0.05 * (i == side) for i in range(4)) for side in range(4)))
"""Shares cut off left, top, right, bottom. A hash alone loses a picture that was cut by 4 % a side in three of four
cases; beside these it is found in all of 130 photographs and drawings."""
STRICTER = 2
"""Bits by which hashes of cut or mirrored pictures must be closer: there are seven times as many chances to err."""
PLAIN = 3.0
"""Standard deviation of grey levels, of 255, below which a hash is made of noise and says nothing."""
SHINGLES_SHARED = 0.8
LONG_ENOUGH, LONG_ENOUGH_UNSPACED = 20, 8
"""Characters from which a text beside a picture says more than `good morning`."""
LARGE = 0.1
"""Share of all examples from which a cluster is worth a warning."""

Hashes = tuple[int, ...]
"""Of one picture: whole, cut (CUTS), mirrored; empty for a plain one."""

_LINKS = re.compile(r"\b(?:https?://|www\.)\S+|\b(?:t\.co|bit\.ly|pic\.twitter\.com)/\S+", re.IGNORECASE)
_MENTIONS = re.compile(r"^\s*rt\s+@\w+:?|(?<![\w@])@\w[\w.]*")
_NO_WORD = re.compile(r"[^\w\s]|_")
_UNSPACED = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")


def perceptual_hashes(examples: Sequence[Example], threads: int = 4) -> dict[str, Hashes]:
    """The hashes of each picture by its sha256. UserError names a picture that is gone or changed since it was read."""
    pictures = {example.sha256: example.image_path for example in examples if example.sha256 and example.image_path}
    with ThreadPoolExecutor(threads) as pool:
        return dict(zip(pictures, pool.map(_hashes, pictures.values(), pictures), strict=True))


def _hashes(path: str, sha256: str) -> Hashes:
    from imagehash import phash
    from PIL import Image, ImageOps

    try:
        grey = open_picture(path, sha256=sha256, max_side=8 * SIDE).convert("L")
    except PictureError as error:
        raise UserError(f"{error.detail}; read the dataset again so that its examples are what is there") from error
    width, height = grey.size

    def seen(left: float, top: float, right: float, bottom: float) -> Image.Image:
        box = (left * width, top * height, (1 - right) * width, (1 - bottom) * height)
        return grey.resize((SIDE, SIDE), Image.Resampling.LANCZOS, box=box)

    views = [seen(*cut) for cut in CUTS]
    if float(np.asarray(views[0], dtype=np.float64).std()) < PLAIN:
        return ()
    bits = [phash(view).hash.ravel() for view in [*views, ImageOps.mirror(views[0])]]
    return tuple(int.from_bytes(np.packbits(one).tobytes(), "big") for one in bits)


def text_key(text: str, with_picture: bool) -> str | None:
    """The text without links, mentions, case and punctuation; None where it is too little to make two examples one.

    Beside a picture a greeting says nothing; a text that stands alone is all there is of its example, however short.
    """
    plain = unicodedata.normalize("NFKC", html.unescape(text)).casefold()
    words = _NO_WORD.sub(" ", _MENTIONS.sub(" ", _LINKS.sub(" ", plain)))
    key = " ".join(words.split())
    if with_picture:
        enough = LONG_ENOUGH_UNSPACED if _UNSPACED.search(key) else LONG_ENOUGH
        return key if len(key) >= enough else None
    return key or plain.strip() or None


def author_key(author: str | None) -> str | None:
    """`@Ann ` and `ann` are one author; nothing is nobody."""
    key = (author or "").strip().lstrip("@").casefold()
    return key or None


def near_duplicate_clusters(
    examples: Sequence[Example],
    hashes: Mapping[str, Hashes],
    vectors: Sequence[NDArray[Any]],
    rule: SplitRule,
) -> list[str]:
    """The cluster of each example, in order.

    `hashes`: by sha256, from `perceptual_hashes`. `vectors`: arrays (n, dim), one per encoder; rows of zeros where an
    example has nothing of the kind. Encoders of pictures are meant: those of texts put `Today.` beside `Swipe.`, and
    texts are compared by their shingles. A cluster is named after its smallest example_id, so its name depends on
    nothing but what is in it.
    """
    order = sorted(range(len(examples)), key=lambda i: examples[i].example_id)
    ordered = [examples[i] for i in order]  # so that no sum or tile depends on the order of the input
    merger = Merger(len(ordered))
    merger.join_equal([example.example_id for example in ordered])
    merger.join_equal([example.sha256 for example in ordered])
    _join_hashes(merger, ordered, hashes, rule.hash_distance)
    _join_texts(merger, ordered)
    for array in vectors:
        known = np.asarray(array, dtype=np.float32)[order].copy()
        known[[bool(example.sha256) and hashes.get(example.sha256 or "") == () for example in ordered]] = 0
        for left, right in within_cosine(known, rule.cosine):
            merger.join(left, right)
    return _names(merger, ordered, order)


def _join_hashes(merger: Merger, examples: Sequence[Example], hashes: Mapping[str, Hashes], distance: int) -> None:
    known = {sha256: found for sha256, found in hashes.items() if found}
    rows = {example.sha256: i for i, example in enumerate(examples) if example.sha256 in known}
    if not rows:
        return
    places = np.array(list(rows.values()), dtype=np.int64)
    table = np.array([known[sha256] for sha256 in rows if sha256], dtype=np.uint64)
    whole, others = table[:, 0], table[:, 1:]
    merger.join_equal(_by_place(len(examples), places, whole))
    kept = np.unique(whole, return_index=True)[1]  # equal hashes are joined: each is compared once
    for left, right in within_hamming(whole[kept], whole[kept], distance):
        merger.join(places[kept[left]], places[kept[right]])
    if distance >= STRICTER:
        owners = np.repeat(places, others.shape[1])
        for left, right in within_hamming(whole[kept], others.ravel(), distance - STRICTER):
            merger.join(places[kept[left]], owners[right])


def _by_place(n: int, places: NDArray[np.int64], values: NDArray[np.uint64]) -> list[int | None]:
    keys: list[int | None] = [None] * n
    for place, value in zip(places, values, strict=True):
        keys[place] = int(value)
    return keys


def _join_texts(merger: Merger, examples: Sequence[Example]) -> None:
    keys = [text_key(example.text, example.image_path is not None) for example in examples]
    merger.join_equal(keys)
    first = {key: i for i, key in reversed(list(enumerate(keys))) if key is not None and len(key) >= LONG_ENOUGH}
    texts = sorted(first)
    rows = np.array([first[text] for text in texts], dtype=np.int64)
    for left, right in within_jaccard(texts, SHINGLES_SHARED):
        merger.join(rows[left], rows[right])


def _names(merger: Merger, ordered: Sequence[Example], order: Sequence[int]) -> list[str]:
    named: dict[int, str] = {}
    found = [""] * len(ordered)
    for place, group, example in zip(order, merger.groups.tolist(), ordered, strict=True):
        found[place] = named.setdefault(group, content_id("cluster", example.example_id))
    return found


@dataclass(frozen=True, slots=True)
class ClusterFacts:
    """`warning` is None, or one line on a cluster that is too large to be true."""

    examples: int
    clusters: int
    largest: int
    largest_share: float
    warning: str | None


def describe_clusters(clusters: Sequence[str]) -> ClusterFacts:
    """How far likeness has chained."""
    sizes = Counter(clusters)
    largest = max(sizes.values(), default=0)
    share = largest / max(len(clusters), 1)
    warning = None
    if share > LARGE and largest > 2:
        warning = (
            f"{largest:,} of {len(clusters):,} examples ({share:.0%}) hang together as near-duplicates, perhaps in "
            "a chain of small steps: a higher split.cosine or a lower split.hash_distance would part them"
        )
    return ClusterFacts(len(clusters), len(sizes), largest, share, warning)
