"""Control accuracy: does the post say what its writer was asked for, as far as a reader of the text alone can tell?

Asked for are the words that stand in the prompt. What was not asked is no failure (`not_asked`), nor is a word that the
reader has no class for (`no_class`); where the reader cannot tell it abstains (`unsure`), and both are counted apart.
"""

from collections.abc import Iterator, Sequence

from components.measure_spec import MeasureSpec
from components.measures.batch import Batch, Found
from components.measures.readers import Lexicon, Reader, reader_of, surest
from components.measures.vectors import TextVectors
from components.records import Post

NAMES = {"topic_control": "topic", "scene_control": "scene", "sentiment_control": "sentiment"}
LEXICON = "sentiment_lexicon"


class Control:
    def __init__(self, batch: Batch, vectors: TextVectors, spec: MeasureSpec) -> None:
        self.batch = batch
        self._reader = reader_of(spec.reader, vectors)
        self._lexicon = Lexicon({post.post_id: post.text or "" for post in batch.posts})

    def __call__(self, posts: Sequence[Post]) -> Iterator[Found]:
        for name, task in NAMES.items():
            yield from self._read(posts, name, task, self._reader)
        yield from self._read(posts, LEXICON, "sentiment", self._lexicon)

    def _read(self, posts: Sequence[Post], name: str, task: str, reader: Reader) -> Iterator[Found]:
        classes = reader.classes(task)
        able = []
        for post in posts:
            asked = self.batch.asked.get(post.prompt_id, {}).get(task)
            error = self._why_not(post, asked, classes, name)
            if error:
                yield Found(post.post_id, name, reader.model, error=error, detail={"asked": asked} if asked else {})
            else:
                able.append((post.post_id, str(asked)))
        if not able:
            return
        probabilities = reader.read(task, [post_id for post_id, _ in able])
        places, sure = surest(probabilities)
        for (post_id, asked), place, leads, row in zip(able, places, sure, probabilities, strict=True):
            read = classes[int(place)]
            detail = {"asked": asked, "read": read, "probability": round(float(row[place]), 4)}
            detail["independence"] = reader.independence
            if leads:
                yield Found(post_id, name, reader.model, float(read == asked), read, detail)
            else:
                yield Found(post_id, name, reader.model, label=read, detail=detail, error="unsure")

    def _why_not(self, post: Post, asked: str | None, classes: Sequence[str], name: str) -> str | None:
        if asked is None:
            return "not_asked"
        if asked not in classes:
            return "no_class"
        if name == LEXICON and not self.batch.is_english:
            return "language"
        return None if self.batch.texts[post.post_id] else "wordless"
