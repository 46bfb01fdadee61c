"""Settings: the only place that reads the environment.

Built inside a flow, never at import, so that one process can serve homes one after another and a worker gets what its
job says.

POSTWRIGHT_HOME is the home. POSTWRIGHT_KEEP says what the home's journal keeps of calls: `everything` (the default), or
`values`: no prompts, raw responses or pictures, only keys, states, usage, money and the replies themselves, which a
call that is bought once must be able to serve (components/chat/kept.py lists the fields). POSTWRIGHT_WAIT_S is how many
seconds a process waits for a warehouse that another one has open (60).

`use_home` and `quiet_prefect` write the environment for the flows that the command line starts in its own process.
"""

import math
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

from components.chat.calls_view import calls_view_sql
from components.chat.kept import KEEPS, Keep
from components.chat.spend_views import spend_views_sql
from components.errors import UserError
from components.keeping.in_use import use
from components.store import Store

DEFAULT_HOME = ".postwright"
WAIT_S = 60.0


@dataclass(frozen=True)
class Settings:
    """Where a home keeps things. The folder is made by `prepare`, not before."""

    home: Path
    keep: Keep = "everything"
    wait_s: float = WAIT_S

    @classmethod
    def from_environment(cls) -> "Settings":
        asked = os.environ.get("POSTWRIGHT_KEEP") or "everything"
        keep = next((known for known in KEEPS if known == asked), None)
        if keep is None:
            raise UserError(f"POSTWRIGHT_KEEP is {asked!r}: set it to {' or '.join(KEEPS)}, or leave it out")
        home = Path(os.environ.get("POSTWRIGHT_HOME") or DEFAULT_HOME).expanduser().resolve()
        return cls(home, keep, _seconds("POSTWRIGHT_WAIT_S", WAIT_S))

    @property
    def warehouse(self) -> Path:
        return self.home / "warehouse.duckdb"

    @property
    def calls(self) -> Path:
        return self.home / "calls"

    @property
    def batches(self) -> Path:
        return self.calls / "batches"

    @property
    def results(self) -> Path:
        return self.home / "results"

    @property
    def prices(self) -> Path:
        """The user's own price list, where there is one; it goes before the shipped one."""
        return self.home / "prices.yaml"

    @property
    def shared(self) -> Path:
        """What processes that buy at one time keep together: purses, limits."""
        return self.calls / "shared"

    @property
    def models(self) -> Path:
        return self.home / "models"

    @property
    def people(self) -> Path:
        """What people said, in files that are only appended to."""
        return self.home / "people"

    @property
    def reports(self) -> Path:
        return self.home / "reports"

    def backfill_report(self, campaign: str, backfill_id: str) -> Path:
        return self.reports / f"backfill-{campaign}-{backfill_id.removeprefix('backfill-')}.html"

    def prepare(self) -> "Settings":
        """Make the home's folders and tables, and be at work there until this process ends; raises UserError where the
        home cannot be written."""
        try:
            for folder in (self.home, self.calls, self.results, self.models, self.reports):
                folder.mkdir(parents=True, exist_ok=True)
            for folder in (self.home, self.calls, self.reports):
                with tempfile.TemporaryFile(dir=folder):
                    pass
            use(self.home, _say)
        except OSError as error:
            raise UserError(
                f"the home {self.home} cannot be written ({error.strerror}); choose another: --home or POSTWRIGHT_HOME"
            ) from None
        self.store().prepare()
        return self

    def store(self) -> Store:
        return Store(self.warehouse, f"{calls_view_sql(self.calls)};\n{spend_views_sql()}", self.wait_s, _say)

    def existing(self) -> "Settings":
        """For commands that only read: raises UserError when nothing has run here yet."""
        if not self.warehouse.exists():
            raise UserError(f"no runs in {self.home} yet; start with: postwright demo, or postwright run CAMPAIGN.yaml")
        return self


def _say(line: str) -> None:
    from flows.progress import say  # not needed by who never waits

    say(line)


def _seconds(name: str, default: float) -> float:
    asked = os.environ.get(name) or str(default)
    try:
        seconds = float(asked)
    except ValueError:
        seconds = math.nan
    if not 0 <= seconds < math.inf:
        raise UserError(f"{name} is {asked!r}: set it to a number of seconds, or leave it out")
    return seconds


def api_key(name: str) -> str | None:
    """The key in the environment variable `name`, or None. Never store or log it, or pass it on as a parameter."""
    return os.environ.get(name) or None


def use_home(home: Path | None) -> Settings:
    """Make `home` the home of this process and of the processes it starts."""
    if home is not None:
        os.environ["POSTWRIGHT_HOME"] = str(home.expanduser().resolve())
    return Settings.from_environment()


def quiet_prefect(settings: Settings, verbose: bool) -> dict[str, str] | None:
    """Set Prefect up for a run in this process; call before prefect is imported. Returns the environment of the server
    that the process is to start, or None where the user has one.

    Without a server of the user's, Prefect's own files go into the home: two homes never share a database, and nothing
    is left in the user's folder. Logs would tear the progress bars, so only warnings are shown.
    """
    defaults = {
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "DO_NOT_TRACK": "1",
        "PREFECT_LOCAL_STORAGE_PATH": str(settings.results),
        "PREFECT_LOGGING_LEVEL": "INFO" if verbose else "CRITICAL",
        "PREFECT_LOGGING_SERVER_LEVEL": "ERROR",
        "TOKENIZERS_PARALLELISM": "false",
        "HF_HUB_DISABLE_PROGRESS_BARS": "0" if verbose else "1",
    }
    profiles = Path(os.environ.get("PREFECT_HOME", "~/.prefect")).expanduser() / "profiles.toml"
    has_server = "PREFECT_API_URL" in os.environ or (
        profiles.exists() and "PREFECT_API_URL" in profiles.read_text(encoding="utf-8")
    )
    if not has_server:
        defaults["PREFECT_HOME"] = str(settings.home / "prefect")
    for name, value in defaults.items():
        os.environ.setdefault(name, value)
    return None if has_server else dict(os.environ)
