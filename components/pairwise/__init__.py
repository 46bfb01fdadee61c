"""Which of two posts is better, asked in both orders: tournaments of few pairs, standings, and how far to trust them.

`compare` asks, `rounds_of` chooses the pairs, `figures` says what came of it, `win_rates` is the matrix of an
experiment's arms. Nothing here opens the warehouse.
"""

from components.pairwise.compare import compare
from components.pairwise.contest import Board, Contest, Match, Tournament, play, same_posts
from components.pairwise.designs import rounds_of
from components.pairwise.spec import PairwiseSpec
from components.pairwise.tables import Figures, Standing, WinRate, aspects_of, figures, win_rates
from components.pairwise.verdicts import PairVerdict, pair_verdicts

__all__ = [
    "Board",
    "Contest",
    "Figures",
    "Match",
    "PairVerdict",
    "PairwiseSpec",
    "Standing",
    "Tournament",
    "WinRate",
    "aspects_of",
    "compare",
    "figures",
    "pair_verdicts",
    "play",
    "rounds_of",
    "same_posts",
    "win_rates",
]
