"""What all steps of one batch purchase share, and the words in which an endpoint's trouble stops it."""

from collections.abc import Callable
from dataclasses import dataclass, field

from components.chat.abilities import Abilities
from components.chat.batch.pace import Pace
from components.chat.batch.register import Register
from components.chat.batch.service import Service, Trouble
from components.chat.journal import Journal
from components.chat.ledger import Ledger
from components.chat.outcome import Status
from components.chat.prices import Price
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
