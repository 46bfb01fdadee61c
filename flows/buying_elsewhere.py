"""Buying by workers: a chunk's rows and an allowance go out, its posts or judgments and its calls come back.

Money. The publisher lends each chunk an allowance out of the one purse before the chunk is handed out, and settles it
with what was spent; a worker's ledger is capped by its allowance. So caps hold however many hosts buy. A chunk whose
allowance was too small is finished by the publisher itself, out of the purse. So is one whose worker died, and its
allowance is held: it may have been billed. An errand is begun once: a cluster that
hands it to the next worker would spend its allowance again.

Calls. A worker on another host pulls what others have bought before it buys, ships what it buys every few seconds and
before its chunk's rows are known, and the publisher pulls it before it publishes them (components/chat/shipping.py).
One on this machine writes into this home's journal, as any process may.

Limits. `rpm`, `tpm` and `max_concurrency` are shared out evenly among workers: nobody else sees all of them.
"""

import secrets
import socket
import tempfile
import time
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

from prefect.futures import PrefectFuture

from components.chat import Ledger, price_of
from components.chat.burial import lost_record
from components.chat.kept import Keep
from components.chat.ledger import Reservation
from components.chat.shipping import Shipping
from components.errors import BudgetExceeded, PostwrightError, ProviderStopped, UserError, WorkerLost
from components.exchange import Parcels, Pictures, Place
from components.records import Item
from components.specs import Budget, ChatSpec
from flows.buying import Buyer, journal_of, ledger_of
from flows.caching import ROWS
from flows.extracting import key_of, same_as_publisher
from flows.progress import say
from flows.settings import Settings
from flows.workers import AHEAD, Crew

T = TypeVar("T")
S = TypeVar("S", bound=ChatSpec)

INSTRUCTIONS, PICTURE = 4_000, 2_000
"""Tokens: more than a rubric with its neighbours' openings, and than a picture. For allowances, not for prices."""

STOPS: dict[int, type[PostwrightError]] = {2: UserError, 4: BudgetExceeded, 5: ProviderStopped}


@dataclass(frozen=True)
class Errand:
    """What a worker is told beside its spec. `prices`: the publisher's own price list; `pictures`: fetch them from the
    exchange; `ships`: this worker's journal is another one than the publisher's; `keep`: what it keeps of calls."""

    exchange: str
    spec_id: str
    chunk: str
    run_id: str
    usd: float
    allow_unpriced: bool
    prices: str | None
    pictures: bool
    ships: bool
    keep: Keep
    token: str
    rows: str = ROWS

    @property
    def mark(self) -> str:
        """The object that says that a worker has begun."""
        return f"chunks/{key_of(self.spec_id, self.chunk)}/begun-{self.token}"

    @property
    def parcels(self) -> Parcels:
        return Parcels(Place(self.exchange), key_of(self.spec_id, self.chunk))


@dataclass(frozen=True)
class Bought:
    """What a worker says of its purchase; `stopped`: the exit code and message of what ended it early."""

    bought: int = 0
    reused: int = 0
    cost_usd: float = 0.0
    held_usd: float = 0.0
    stopped: tuple[int, str] | None = None


# On a worker


@dataclass
class Purchase:
    """One chunk's, on a worker: its items, where this host has their pictures, and who buys."""

    items: dict[str, Item]
    buyer: Buyer
    ledger: Ledger
    stopped: PostwrightError | None = None

    @property
    def said(self) -> Bought:
        why = self.stopped
        return Bought(
            self.buyer.bought, self.buyer.reused, self.ledger.spent_usd, self.ledger.held_usd,
            None if why is None else (why.exit_code, str(why)),
        )  # fmt: skip


@contextmanager
def purchase(spec: ChatSpec, errand: Errand) -> Iterator[Purchase]:
    """The block buys, and leaves its rows; a stop of its own kind ends it, and is said instead of raised, so that the
    publisher learns what was spent until then."""
    same_as_publisher(spec, errand.spec_id, errand.rows)
    settings, place = replace(Settings.from_environment(), keep=errand.keep), Place(errand.exchange)
    ships = Shipping(settings.calls, place).under_way() if errand.ships else nullcontext()
    with tempfile.TemporaryDirectory(prefix="postwright-") as name:
        folder = Path(name)
        items = errand.parcels.get("items", Item)
        if errand.pictures:
            items = found_again(items, Pictures(place), folder)
        prices = folder / "prices.yaml"
        if errand.prices is not None:
            prices.write_text(errand.prices, encoding="utf-8")
        ledger = Ledger(errand.usd, errand.allow_unpriced, prices=prices)
        buyer = Buyer(settings, spec, Budget(), errand.run_id, errand.run_id, errand.spec_id, ledger)
        made = Purchase({item.item_id: item for item in items}, buyer, ledger)
        if place.age_s(errand.mark) is not None:
            raise WorkerLost(f"the worker that bought chunk {errand.chunk} died: see its log; the publisher goes on")
        place.write(errand.mark, socket.gethostname().encode())
        with ships:
            try:
                yield made
                same_as_publisher(spec, errand.spec_id, errand.rows)
            except PostwrightError as why:
                made.stopped = why


def found_again(items: Sequence[Item], pictures: Pictures, folder: Path) -> list[Item]:
    """Items with their pictures where this host has them; one that the publisher could not read keeps its old place,
    and its call the state `picture`, which a later run tries again."""
    found = []
    for item in items:
        try:
            path = pictures.fetch([str(item.sha256)], folder)[str(item.sha256)] if item.image_path else None
        except FileNotFoundError:
            path = None
        found.append(replace(item, image_path=str(path)) if path else item)
    return found


# At the publisher


@dataclass
class Elsewhere:
    """One step's purchases by a crew. `left`: parts that the publisher has to finish by itself."""

    crew: Crew
    settings: Settings
    budget: Budget
    run_id: str
    purse: str
    left: list[Any] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.place = Place(self.settings.exchange)
        self.shipping = None if self.crew.is_here else Shipping(self.settings.calls, self.place)
        self.ledger = ledger_of(self.settings, self.budget, self.purse)
        self.lent: dict[str, Reservation] = {}
        self.marks: dict[str, str] = {}

    def errand(
        self, spec: ChatSpec, spec_id: str, chunk: str, calls: int, longest: int, items: Sequence[Item]
    ) -> Errand | None:
        """What a worker needs for a chunk of so many calls whose longest own text has `longest` bytes; its items, with
        their pictures where they are sent, are in the exchange. None where there is no money to lend."""
        usd = self._allowance(spec, calls, longest)
        loan = self.ledger.lend(usd)
        if loan is None:
            return None
        self.lent[chunk] = loan
        own = self.settings.prices
        errand = Errand(
            exchange=self.settings.exchange, spec_id=spec_id, chunk=chunk, run_id=self.run_id, usd=usd,
            allow_unpriced=self.budget.allow_unpriced,
            prices=own.read_text(encoding="utf-8") if own.exists() else None,
            pictures=spec.picture and not self.crew.is_here, ships=not self.crew.is_here, keep=self.settings.keep,
            token=secrets.token_hex(8),
        )  # fmt: skip
        if errand.pictures:
            sent = [(str(item.sha256), str(item.image_path)) for item in items if item.image_path and item.sha256]
            Pictures(self.place).put(sent)
        errand.parcels.put("items", items)
        self.marks[chunk] = errand.mark
        return errand

    def in_turn(
        self, spec_id: str, parts: Iterable[T], hand_out: Callable[[T], tuple[str, PrefectFuture[Bought]] | None]
    ) -> Generator[tuple[T, str, Bought], None, None]:
        """(part, its chunk's id, what was bought) in order, the calls in this home's journal and the allowance settled.
        `hand_out` gives the chunk's id and future. A part for which the allowance was too small is `left`. After any
        other stop nothing more is handed out; it is raised once what is under way has been settled."""
        if self.shipping is not None:
            self.shipping.ship(everything=True)
        chunks: dict[int, str] = {}
        why: list[PostwrightError] = []

        def begin(part: T) -> PrefectFuture[Bought] | None:
            handed = None if why else hand_out(part)
            if handed is None:
                return None
            chunks[id(part)] = handed[0]
            return handed[1]

        turns = self.crew.in_turn(parts, begin)
        with closing(turns) as done:
            for part, bought in done:
                if bought is None:
                    self.left.append(part)
                    continue
                chunk = chunks.pop(id(part))
                if isinstance(bought, WorkerLost):
                    self._give_up(chunk, bought)
                    self._clear(spec_id, chunk)
                    self.left.append(part)
                    continue
                self._pull(chunk)
                self.lent.pop(chunk).settle(bought.cost_usd, bought.held_usd)
                if bought.stopped is None:
                    yield part, chunk, bought
                    continue
                self._clear(spec_id, chunk)
                if bought.stopped[0] == BudgetExceeded.exit_code:
                    self.left.append(part)
                else:
                    why.append(STOPS.get(bought.stopped[0], PostwrightError)(bought.stopped[1]))
        if why:
            raise why[0]

    def _pull(self, chunk: str) -> None:
        """The chunk's calls into this home's journal: what it says is what purses count later."""
        if self.shipping is not None:
            self.shipping.pull(pictures=True)
            journal_of(self.settings).refresh()
        self.place.remove(self.marks.pop(chunk))

    def _clear(self, spec_id: str, chunk: str) -> None:
        """Out of the exchange: the publisher goes on by itself."""
        self.place.remove(*self.place.names(f"chunks/{key_of(spec_id, chunk)}"))

    def _give_up(self, chunk: str, why: WorkerLost) -> None:
        """What the worker may have spent beyond what it has shipped is held, in the books as well."""
        loan, token = self.lent.pop(chunk), self.marks[chunk].encode()
        self._pull(chunk)
        if loan.usd:
            say(f"{why}; its calls are finished here, and {loan.usd:.6f} USD may have been billed for it")
            journal_of(self.settings).append(lost_record(token, self.run_id, loan.usd, 0, time.time()))
        loan.settle(held_usd=loan.usd)

    def share_of(self, spec: S) -> S:
        """The spec with one worker's part of its limits, none of which is part of its id."""
        n = self.crew.slots

        def part(limit: int | None) -> int | None:
            return None if limit is None else max(1, limit // n)

        limits = {"max_concurrency": part(spec.max_concurrency)}
        if not self.crew.is_here:  # workers here keep the home's limits together
            limits |= {"rpm": part(spec.rpm), "tpm": part(spec.tpm)}
        return spec.model_copy(update=limits)

    def _allowance(self, spec: ChatSpec, calls: int, longest: int) -> float:
        """More than the chunk is likely to cost, and no more than its share of what is left."""
        price = price_of(spec.model, spec.endpoint, self.settings.prices)
        if price is None:
            return 0.0
        tokens = INSTRUCTIONS + longest + (PICTURE if spec.picture else 0)
        left = AHEAD * self.crew.slots + 1 - len(self.lent)
        return min(calls * price.most(tokens, spec.max_output_tokens), self.ledger.room_usd / max(1, left))
