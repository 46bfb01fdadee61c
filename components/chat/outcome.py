"""How a call can end. Every failure has one class, and every class one end state."""

from dataclasses import dataclass
from enum import StrEnum


class Status(StrEnum):
    """What became of a call.

    | status         | the server                                        | within a run        | the next run    |
    |----------------|---------------------------------------------------|---------------------|-----------------|
    | ok             | answered                                          | done                | kept, not asked |
    | truncated      | stopped at max_output_tokens                      | done, with its text | kept, not asked |
    | content_filter | cut or refused by a filter                        | done, without text  | kept, not asked |
    | refusal        | the model declined                                | done, without text  | kept, not asked |
    | bad_request    | 400, 413, 422: it never will                      | done, without text  | kept, not asked |
    | invalid_reply  | 200, but no JSON, no choice, or an empty text     | tried again         | asked again     |
    | timeout        | 408, or no whole answer within `timeout_s`        | tried again         | asked again     |
    | connection     | no connection, reset, cut body                    | tried again         | asked again     |
    | rate_limited   | 429                                               | waited, tried again | asked again     |
    | server_error   | 5xx, 409, 425                                     | tried again         | asked again     |
    | expired        | ended a batch without this call's answer          | handed in again     | asked again     |
    | authentication | 401, 402, 403                                     | stops the run       | asked again     |
    | not_found      | 404, 405, 410, 3xx, 400 that names the model      | stops the run       | asked again     |

    "Tried again" ends after `max_attempts` with this status. 429s only say "later" and are no attempts in this sense:
    they end when the endpoint has accepted nothing at all for `Retry.refused_s`.
    A 429 that means "no credit" (insufficient_quota) stops the run as well. In a batch every line is one attempt, and
    what is to be tried again is handed in again, at most `Pace.rounds` times (see components/chat/batch).
    """

    ok = "ok"
    truncated = "truncated"
    content_filter = "content_filter"
    refusal = "refusal"
    invalid_reply = "invalid_reply"
    timeout = "timeout"
    connection = "connection"
    rate_limited = "rate_limited"
    server_error = "server_error"
    expired = "expired"
    bad_request = "bad_request"
    authentication = "authentication"
    not_found = "not_found"


FINAL = frozenset({Status.ok, Status.truncated, Status.content_filter, Status.refusal, Status.bad_request})
"""Never bought again: the same question would get the same answer."""

RETRYABLE = frozenset(
    {
        Status.invalid_reply,
        Status.timeout,
        Status.connection,
        Status.rate_limited,
        Status.server_error,
        Status.expired,
    }
)
"""Tried again within a run, and asked again by the next one."""

STOPPING = frozenset({Status.authentication, Status.not_found})
"""Every further call would fail in the same way until the user changes something."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatOutcome:
    """`text` is there for ok and truncated; `detail` says why for the others. Tokens and money are sums over all
    attempts, None where unknown; `latency_ms` is the last attempt's. `bought` is False when the journal, or an equal
    call of the same batch, had it: sum `cost_usd` over bought ones to know what was spent now."""

    key: str
    status: Status
    text: str | None = None
    detail: str | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    cost_usd: float | None = None
    latency_ms: int = 0
    attempts: int = 0
    bought: bool = True
