"""What all steps of one batch purchase share, and the words in which an endpoint's trouble stops it."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace

from components.chat.abilities import Abilities, abilities_of
from components.chat.batch.books import batch_price
from components.chat.batch.lines import url_of
from components.chat.batch.pace import Pace
from components.chat.batch.register import Entry, Register
from components.chat.batch.service import Service, Trouble
from components.chat.client import DIALECTS
from components.chat.journal import Journal
from components.chat.ledger import Ledger
from components.chat.outcome import Status
from components.chat.prices import Price, price_of
from components.errors import PostwrightError, ProviderStopped, UserError
from components.specs import ChatSpec


@dataclass(kw_only=True)
class Desk:
    """`price` is the batch price; `unready`: how often in a row a batch could not be looked at or read."""

    spec: ChatSpec
    api_key: str | None
    journal: Journal
    ledger: Ledger
    run_id: str
    spec_id: str
    purse: str
    register: Register
    service: Service
    abilities: Abilities
    pace: Pace
    price: Price | None
    say: Callable[[str], None]
    unready: dict[str, int] = field(default_factory=dict)

    def impatient(self, local_id: str) -> bool:
        """Counts one more time that it did not go well; True when that was once too often."""
        self.unready[local_id] = self.unready.get(local_id, 0) + 1
        return self.unready[local_id] > self.pace.patience

    def stopped(self, trouble: Trouble, doing: str) -> PostwrightError:
        """The error for a trouble that waiting does not cure, or that lasts."""
        endpoint, variable = self.service.endpoint, self.spec.api_key_env
        if trouble.reply.no_credit:
            return ProviderStopped(
                f"the account of the key in {variable} has no credit left, says {endpoint} ({trouble})"
            )
        if trouble.status is Status.authentication:
            return ProviderStopped(
                f"{endpoint} refuses the key in {variable} ({trouble}) while {doing}: set a valid one"
            )
        if trouble.passing:
            return ProviderStopped(
                f"{doing} at {endpoint} does not come about ({trouble}); what is handed in stays open"
            )
        return ProviderStopped(f"{doing} at {endpoint} was refused: {trouble}")

    def no_batches(self, trouble: Trouble) -> UserError:
        return UserError(f"{self.service.endpoint} has no batches ({trouble}): set `mode: live`")

    def of(self, entry: Entry) -> "Desk":
        """For a batch that another spec may have handed in, of another model, at the same endpoint."""
        api = next((api for api in DIALECTS if url_of(api) == entry.url), self.spec.api)
        asked = {"model": entry.model, "api": api, "reasoning_effort": entry.effort}
        return replace(
            self,
            spec=self.spec.model_copy(update=asked),
            spec_id=entry.spec_id or self.spec_id,
            abilities=abilities_of(self.journal.folder, entry.model, entry.endpoint, api, entry.effort),
            price=batch_price(price_of(entry.model, entry.endpoint, self.ledger.prices)),
        )


@asynccontextmanager
async def desk_at(
    spec: ChatSpec,
    api_key: str | None,
    journal: Journal,
    ledger: Ledger,
    *,
    run_id: str,
    spec_id: str,
    purse: str,
    register: Register,
    pace: Pace | None,
    say: Callable[[str], None] | None,
) -> AsyncIterator[Desk]:
    """A desk with its connection, for this block."""
    journal.ready()
    service = Service(spec, api_key)
    try:
        yield Desk(
            spec=spec, api_key=api_key, journal=journal, ledger=ledger, run_id=run_id, spec_id=spec_id, purse=purse,
            register=register, service=service, pace=pace or Pace(),
            abilities=abilities_of(journal.folder, spec.model, service.endpoint, spec.api, spec.reasoning_effort),
            price=batch_price(price_of(spec.model, spec.endpoint, ledger.prices)), say=say or (lambda _: None),
        )  # fmt: skip
    finally:
        await service.close()
