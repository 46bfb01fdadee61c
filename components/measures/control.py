"""Control accuracy: does the post say what its writer was asked for, as far as a reader of the text alone can tell?

Asked for are the words that stand in the prompt. What was not asked is no failure (`not_asked`), nor is a word that the
reader has no class for (`no_class`); where the reader cannot tell it abstains (`unsure`), and both are counted apart.
"""

from collections.abc import Iterator, Sequence

from components.measures.batch import Batch, Found
from components.measures.readers import Lexicon, Reader, reader_of, surest
from components.measures.vectors import TextVectors
from components.posts.duplicates import words_of
from components.records import Post
from components.specs.measures import MeasureSpec

NAMES = {"topic_control": "topic", "scene_control": "scene", "sentiment_control": "sentiment"}
LEXICON = "sentiment_lexicon"


class Control:
    def __init__(self, batch: Batch, vectors: TextVectors, spec: MeasureSpec) -> None:
        self.batch, self._reader, self._lexicon = batch, reader_of(spec.reader, vectors), Lexicon()

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
                able.append((post, str(asked)))
        if not able:
            return
        # A lexicon reads emoji and hashtags too; models read what says something of a picture.
        texts = [post.text or "" if name == LEXICON else self.batch.texts[post.post_id] for post, _ in able]
        probabilities = reader.read(task, texts)
        places, sure = surest(probabilities)
        for (post, asked), place, leads, row in zip(able, places, sure, probabilities, strict=True):
            read = classes[int(place)]
            detail = {"asked": asked, "read": read, "named": says(post.text or "", asked)}
            detail |= {"probability": round(float(row[place]), 4), "independence": reader.independence}
            if leads:
                yield Found(post.post_id, name, reader.model, float(read == asked), read, detail)
            else:
                yield Found(post.post_id, name, reader.model, label=read, detail=detail, error="unsure")

    def _why_not(self, post: Post, asked: str | None, classes: Sequence[str], name: str) -> str | None:
        if asked is None:
            return "not_asked"
        if asked not in classes:
            return "no_class"
        if name == LEXICON and not self.batch.is_english:
            return "language"
        return None if self.batch.texts[post.post_id] else "wordless"


def says(text: str, word: str) -> bool:
    """Whether the words of `word` stand in `text`, in a row, also within a hashtag: the plainest reader of all."""
    said = f" {' '.join(words_of(text))} "
    folded = " ".join(words_of(word))
    return f" {folded} " in said or f"#{folded.replace(' ', '')}" in said
