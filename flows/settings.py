"""Settings: the only place that reads the environment.

Built inside a flow, never at import, so that one process can serve homes one after another and a worker gets what its
job says.

POSTWRIGHT_HOME is the home. POSTWRIGHT_KEEP says what the home's journal keeps of calls: `everything` (the default), or
`values`: no prompts, raw responses or pictures, only keys, states, usage, money and the replies themselves, which a
call that is bought once must be able to serve (components/chat/kept.py lists the fields). POSTWRIGHT_WAIT_S is how many
seconds a process waits for a warehouse that another one has open (60). POSTWRIGHT_WAREHOUSE_MEMORY is the most that
the warehouse's queries hold in a process, such as 2GB; more goes to disk (without it: 80 % of the machine's, as DuckDB
has it). POSTWRIGHT_METRICS_PORT is a port on loopback
where a run shows its metrics; without it only files are written. POSTWRIGHT_LOG is `text` or `json`.

POSTWRIGHT_RUNNER says who computes chunks: `local` (the default: this process), `dask` or `ray` (worker processes that
this one starts on this machine, POSTWRIGHT_WORKERS of them), or a cluster's address: dask://HOST:8786, ray://HOST:10001.
POSTWRIGHT_EXCHANGE is where workers find what they compute and leave it: any folder or bucket that fsspec opens,
`file:///...` or `s3://bucket/prefix`; by default a folder of the home. docs/scale.md describes all three.

`use_home` and `quiet_prefect` write the environment for the flows that the command line starts in its own process;
`service_environment` makes that of the processes that `postwright up` leaves behind.
"""

import math
import os
import re
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from components.errors import UserError

if TYPE_CHECKING:  # transports and the warehouse's libraries take a second: whoever asks for help does not wait for it
    from components.chat.kept import Keep
    from components.warehouse.store import Store

DEFAULT_HOME = ".postwright"
WAIT_S = 60.0
MEMORY = re.compile(r"[1-9]\d*(\.\d+)? ?[MGT]i?B", re.IGNORECASE)
RUNNERS = re.compile(r"local|dask|ray|(?:dask|ray)://[^/\s:]+:\d+")
MOST_WORKERS = 4
"""By default: each loads the models, so memory ends before cores do."""
LOGS = ("text", "json")

NOBODY = Path(__file__).with_name("nobody.pem")
"""A certificate whose key nobody has, as the only authority of clients whose server we start ourselves, on loopback and
without TLS. Prefect makes such clients for each flow and task, and each reads the authorities, used or not: certifi's
140 take 25 ms, a seventh of the CPU of a small run; one takes a fifth of a millisecond."""


@dataclass(frozen=True)
class Settings:
    """Where a home keeps things. The folder is made by `prepare`, not before."""

    home: Path
    keep: "Keep" = "everything"
    wait_s: float = WAIT_S
    runner: str = "local"
    workers: int = 1
    shared_exchange: str | None = None
    """The exchange that the user has named; None: a folder of this home, which other hosts do not see."""
    metrics_port: int | None = None
    log: str = "text"
    warehouse_memory: str = ""
    """DuckDB's own limit where it is empty."""

    @classmethod
    def from_environment(cls) -> "Settings":
        from components.chat.kept import KEEPS

        asked = os.environ.get("POSTWRIGHT_KEEP") or "everything"
        keep = next((known for known in KEEPS if known == asked), None)
        if keep is None:
            raise UserError(f"POSTWRIGHT_KEEP is {asked!r}: set it to {' or '.join(KEEPS)}, or leave it out")
        runner = os.environ.get("POSTWRIGHT_RUNNER") or "local"
        if not RUNNERS.fullmatch(runner):
            raise UserError(
                f"POSTWRIGHT_RUNNER or --runner is {runner!r}: it is local, dask, ray, dask://HOST:8786 or ray://HOST:10001"
            )
        workers = os.environ.get("POSTWRIGHT_WORKERS") or str(min(MOST_WORKERS, os.cpu_count() or 1))
        if not workers.isdigit() or int(workers) < 1:
            raise UserError(f"POSTWRIGHT_WORKERS is {workers!r}: set it to a whole number above 0, or leave it out")
        memory = os.environ.get("POSTWRIGHT_WAREHOUSE_MEMORY") or ""
        if memory and not MEMORY.fullmatch(memory):
            raise UserError(f"POSTWRIGHT_WAREHOUSE_MEMORY is {memory!r}: set it to a size such as 2GB, or leave it out")
        log = os.environ.get("POSTWRIGHT_LOG") or "text"
        if log not in LOGS:
            raise UserError(f"POSTWRIGHT_LOG is {log!r}: set it to {' or '.join(LOGS)}, or leave it out")
        return cls(
            home=Path(os.environ.get("POSTWRIGHT_HOME") or DEFAULT_HOME).expanduser().resolve(),
            keep=keep,
            wait_s=_seconds("POSTWRIGHT_WAIT_S", WAIT_S),
            runner=runner,
            workers=int(workers),
            shared_exchange=named_exchange(),
            metrics_port=metrics_port(),
            log=log,
            warehouse_memory=memory,
        )

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
    def exchange(self) -> str:
        """Where workers find what they compute, and leave it."""
        return self.shared_exchange or (self.home / "exchange").as_uri()

    @property
    def models(self) -> Path:
        return self.home / "models"

    @property
    def people(self) -> Path:
        """What people said, in files that are only appended to."""
        return self.home / "people"

    @property
    def logs(self) -> Path:
        """A file of JSON lines per run."""
        return self.home / "logs"

    @property
    def metrics(self) -> Path:
        """Files for a textfile collector."""
        return self.home / "metrics"

    @property
    def reports(self) -> Path:
        return self.home / "reports"

    @property
    def service(self) -> Path:
        """What `postwright up` started: pid files, logs, and how it was asked."""
        return self.home / "service"

    @property
    def service_prefect(self) -> Path:
        """The files of that server: its database, unless another one was asked for. The servers that commands start for
        their own time have another, so that neither waits for the other."""
        return self.service / "prefect"

    def backfill_report(self, campaign: str, backfill_id: str) -> Path:
        return self.reports / f"backfill-{campaign}-{backfill_id.removeprefix('backfill-')}.html"

    def prepare(self) -> "Settings":
        """Make the home's folders and tables, and be at work there until this process ends; raises UserError where the
        home cannot be written."""
        from components.keeping.in_use import use

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

    def store(self) -> "Store":
        from components.chat.calls_view import calls_view_sql
        from components.chat.spend_views import spend_views_sql
        from components.warehouse.store import Store

        views = f"{calls_view_sql(self.calls)};\n{spend_views_sql()}"
        return Store(self.warehouse, views, self.wait_s, _say, self.warehouse_memory)

    def existing(self) -> "Settings":
        """For commands that only read: raises UserError when nothing has run here yet."""
        if not self.warehouse.exists():
            raise UserError(f"no runs in {self.home} yet; start with: postwright demo, or postwright run CAMPAIGN.yaml")
        return self


def named_exchange() -> str | None:
    exchange = os.environ.get("POSTWRIGHT_EXCHANGE") or None
    if exchange is not None and "://" not in exchange:
        raise UserError(f"POSTWRIGHT_EXCHANGE is {exchange!r}: write file:///a/folder or s3://bucket/prefix")
    if exchange is not None and "@" in exchange.partition("://")[2].partition("/")[0]:
        raise UserError(  # it is a parameter of tasks, and shown in errors
            "POSTWRIGHT_EXCHANGE holds a key: leave it out, the store's library reads keys from the environment of "
            "each host (AWS_ACCESS_KEY_ID, ...)"
        )
    return exchange


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


def metrics_port() -> int | None:
    asked = os.environ.get("POSTWRIGHT_METRICS_PORT") or None
    if asked is None:
        return None
    if not asked.isdecimal() or int(asked) > 65535:
        raise UserError(f"POSTWRIGHT_METRICS_PORT is {asked!r}: set it to a port such as 9464, or leave it out")
    return int(asked)


_keys: set[str] = set()
"""Names of the variables that keys were read from."""


def api_key(name: str) -> str | None:
    """The key in the environment variable `name`, or None. Never store or log it, or pass it on as a parameter."""
    _keys.add(name)
    return os.environ.get(name) or None


def without_keys(line: str) -> str:
    """A line of JSON with every form of every key that was read in this process blotted out."""
    from components.chat.blotting import blotted_json

    found = line.encode("utf-8", "backslashreplace")
    for name in sorted(_keys):
        found = blotted_json(found, os.environ.get(name))
    return found.decode()


def use_log(log: str) -> None:
    """Make `log` the form of the lines of this process and of the processes it starts."""
    os.environ["POSTWRIGHT_LOG"] = log


def use_home(home: Path | None) -> Settings:
    """Make `home` the home of this process and of the processes it starts."""
    if home is not None:
        os.environ["POSTWRIGHT_HOME"] = str(home.expanduser().resolve())
    return Settings.from_environment()


def use_runner(runner: str | None) -> None:
    """Make `runner` who computes chunks for this process; raises UserError where it is none."""
    if runner is not None:
        os.environ["POSTWRIGHT_RUNNER"] = runner
    Settings.from_environment()


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
        defaults["PREFECT_API_SSL_CERT_FILE"] = str(NOBODY)
    for name, value in defaults.items():
        os.environ.setdefault(name, value)
    return None if has_server else dict(os.environ)


def speak_to_service(settings: Settings) -> None:
    """For commands that only speak to the server of `postwright up`; call before prefect is imported. Nothing that the
    processes they start would inherit: those are to log as usual."""
    os.environ["PREFECT_HOME"] = str(settings.service_prefect)
    os.environ.pop("PREFECT_PROFILE", None)


DATABASE_NAMES = ("PREFECT_API_DATABASE_CONNECTION_URL", "PREFECT_SERVER_DATABASE_CONNECTION_URL")
"""Prefect's own names for the same setting; the value holds a password."""


def database_url() -> str | None:
    """The database for Prefect's server that the environment names, or None."""
    return next((os.environ[name] for name in DATABASE_NAMES if os.environ.get(name)), None)


def service_environment(settings: Settings, api_url: str, root: Path) -> dict[str, str]:
    """For the worker that `postwright up` starts, the flow runs it starts, and the commands that deploy: this process's
    environment, but of this home and its server, and without what belongs to another server of the user's.

    The server's database is none of theirs: its URL holds a password that flow runs have no use for.
    """
    others = {"PREFECT_API_KEY", "PREFECT_PROFILE", *DATABASE_NAMES}
    kept = {name: value for name, value in os.environ.items() if name not in others and "PREFECT__" not in name}
    defaults = {
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "DO_NOT_TRACK": "1",
        "TOKENIZERS_PARALLELISM": "false",
        "PREFECT_CLI_COLORS": "false",
        "PREFECT_WORKER_QUERY_SECONDS": "5",  # how long a run that was asked for in the UI waits
    }
    ours = {
        "POSTWRIGHT_HOME": str(settings.home),
        "POSTWRIGHT_ROOT": str(root),
        "PREFECT_API_URL": api_url,
        "PREFECT_HOME": str(settings.service_prefect),
        "PREFECT_LOCAL_STORAGE_PATH": str(settings.results),
        "PREFECT_API_SSL_CERT_FILE": str(NOBODY),
        # A run in the worker is the code of the command that started it, wherever else a copy is installed.
        "PYTHONPATH": os.pathsep.join(filter(None, (str(root), os.environ.get("PYTHONPATH")))),
    }
    return defaults | kept | ours


def server_environment(settings: Settings, api_url: str, root: Path, database: str | None) -> dict[str, str]:
    """For Prefect's server itself."""
    environment = service_environment(settings, api_url, root)
    defaults = {
        # Leases in memory would be gone after a restart, and the runs that hold them would be stopped.
        "PREFECT_SERVER_CONCURRENCY_LEASE_STORAGE": "prefect.server.concurrency.lease_storage.filesystem",
        # A worker asks every few seconds, and a run takes some to start: this is late only when nobody takes it.
        "PREFECT_SERVER_SERVICES_LATE_RUNS_AFTER_SECONDS": "120",
        "PREFECT_SERVER_LOGGING_LEVEL": "WARNING",
        # By default only events go: runs with their logs and artifacts would be kept for good (90 days, by Prefect).
        "PREFECT_SERVER_SERVICES_DB_VACUUM_ENABLED": "events,flow_runs",
    }
    chosen = {} if database is None else {DATABASE_NAMES[0]: database}
    return defaults | environment | {"PREFECT__SERVER_FINAL": "1"} | chosen
