"""The ways a run can stop, each with the exit code of the command line.

Everything that is not one of these is a defect of postwright and keeps its traceback.
"""

from collections.abc import Iterable


class PostwrightError(Exception):
    """A stop that a user can understand and act on: one line that says what, which value, what to do."""

    exit_code = 1


class UserError(PostwrightError):
    """The user's input is wrong (a campaign file, a path, a model's name, a flag)."""

    exit_code = 2


class HomeUnusable(UserError):
    """The home's disk or files failed in the midst of a run; what was written before is kept, and the run resumes."""


class WorkerLost(UserError):
    """A worker died over a chunk, or the cluster is gone; what was published is kept, and the run resumes."""


class CheckFailed(PostwrightError):
    """A critical data check failed; nothing of that chunk was published."""

    exit_code = 3


class BudgetExceeded(PostwrightError):
    """The next call could have passed the budget; what was bought is kept."""

    exit_code = 4


class ProviderStopped(PostwrightError):
    """The endpoint refuses or fails so often that buying on makes no sense."""

    exit_code = 5


class BatchPending(PostwrightError):
    """A batch was handed in and is not answered yet; it goes on at the endpoint, and the next run waits for it.
    `batches`: our own names of those that hold something of what was asked for; none where nothing could be handed in
    yet."""

    exit_code = 5

    def __init__(self, message: str, batches: Iterable[str] = ()) -> None:
        super().__init__(message)
        self.batches = frozenset(batches)
