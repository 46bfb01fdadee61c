"""Who competes with whom: tournaments of posts about the same items.

Arms: one tournament of the arms, played on as many boards as there are items; a board holds one post of each arm.
Candidates: a tournament per prompt, on one board. Posts of different items never meet: which of two pictures is the
nicer one to write about says nothing about the writer.
"""

from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations

from components.records import Post, content_id


@dataclass(frozen=True, slots=True)
class Board:
    """The posts of one item that compete there, by their competitors' names."""

    item_id: str
    posts: Mapping[str, Post]


@dataclass(frozen=True, slots=True)
class Match:
    """Two competitors of a tournament on one of its boards, each by its place."""

    tournament: int
    board: int
    one: str
    other: str


@dataclass(frozen=True)
class Tournament:
    names: tuple[str, ...]
    boards: tuple[Board, ...]

    def matches(self, number: int) -> dict[tuple[str, str], list[Match]]:
        """Pair of names -> its matches on all boards that have both, in an order drawn by the posts' ids, so that it
        depends on nothing else; `number` is the tournament's place in the contest."""
        found: dict[tuple[str, str], list[Match]] = {}
        for one, other in combinations(self.names, 2):
            boards = [at for at, board in enumerate(self.boards) if one in board.posts and other in board.posts]
            matches = [Match(number, at, one, other) for at in boards]
            found[one, other] = sorted(matches, key=lambda match: self.lot(match))
        return found

    def lot(self, match: Match) -> str:
        posts = self.boards[match.board].posts
        return content_id("match", sorted((posts[match.one].post_id, posts[match.other].post_id)))


@dataclass(frozen=True)
class Contest:
    """`by`: what competes, `arm` or `candidate`. `absent`: name -> items on which it has no post to show;
    `left_out`: name -> the arm whose posts are its own, so that there is nothing to compare."""

    by: str
    tournaments: tuple[Tournament, ...]
    absent: Mapping[str, int]
    left_out: Mapping[str, str] = field(default_factory=dict)

    @property
    def names(self) -> list[str]:
        return list(dict.fromkeys(name for tournament in self.tournaments for name in tournament.names))

    def posts_of(self, match: Match) -> tuple[Post, Post]:
        posts = self.tournaments[match.tournament].boards[match.board].posts
        return posts[match.one], posts[match.other]

    def entrants(self) -> dict[str, tuple[str, str]]:
        """post_id -> (competitor's name, item_id)."""
        boards = (board for tournament in self.tournaments for board in tournament.boards)
        return {post.post_id: (name, board.item_id) for board in boards for name, post in board.posts.items()}


def same_posts(written: Iterable[tuple[str, tuple[str, str, str]]]) -> dict[str, str]:
    """Arm -> the earlier one whose posts it has; `written`: its name, and the ids of its specs of features, prompts and
    generation. Such arms differ by their judges alone: a post is not compared with itself."""
    first: dict[tuple[str, str, str], str] = {}
    return {name: first[ids] for name, ids in written if first.setdefault(ids, name) != name}


Rounds = Generator[list[Match], list[float | None], None]
"""Matches to play, round by round; gets the points of each match's `one` (1, 1/2, 0; None where nothing came of it)."""


def play(rounds: Rounds, ask: Callable[[Sequence[Match]], list[float | None]]) -> int:
    """Play all rounds; how many matches there were."""
    played = 0
    try:
        matches = next(rounds)
        while True:
            played += len(matches)
            matches = rounds.send(ask(matches))
    except StopIteration:
        return played
