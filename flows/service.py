"""`postwright up` and `down`: Prefect's server, the work pool, all of prefect.yaml and a worker, for one home.

All that is kept lies in the home's `service/`: Prefect's database, pid files, logs. `up` looks at each part and does
only what is missing, so it may be repeated, also after a crash; then runs whose process is gone go on.
"""

import json
import platform
import secrets
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from components.errors import HomeUnusable, UserError
from flows.alone import alone
from flows.daemons import Daemon, living_runs
from flows.own_server import READY_IN_S, answers, free_port, server_command
from flows.prefect_file import ROOT, declared, fingerprint
from flows.settings import Settings, server_environment, service_environment

PORT = 4200
RUNS_END_IN_S = 60
"""A run that is told to stop lets its calls in flight arrive, which may take their timeout."""
STOP_IN_S = 20
Told = Callable[[str, str], None]


@dataclass(frozen=True)
class Reference:
    """What of Prefect's fills an environment variable of runs; without a name nothing does, any longer."""

    kind: Literal["secret", "variable"]
    name: str


@dataclass(frozen=True)
class Asked:
    """What `up` was asked for; None: as the last time, or by default."""

    file: Path
    port: int | None = None
    limit: int | None = None
    database: str | None = None
    notify: str | None = None
    environment: Mapping[str, Reference] = field(default_factory=dict)


@dataclass
class Memory:
    """How this home was last brought up, without anything secret; `deployed`: the fingerprint of what was; `mark`: the
    home's own, by which a database that others reach knows it again."""

    port: int = PORT
    database: str = "sqlite"
    deployed: str = ""
    is_pool_held: bool = False
    mark: str = field(default_factory=lambda: secrets.token_hex(4))

    @classmethod
    def of(cls, settings: Settings) -> "Memory":
        try:
            kept = json.loads((settings.service / "service.json").read_text(encoding="utf-8"))
            kept.pop("limit", None)  # of older homes; the pool has it now
            return cls(**kept)
        except FileNotFoundError:
            return cls()
        except (ValueError, TypeError, AttributeError):
            raise UserError(
                f"{settings.service / 'service.json'} cannot be read; remove it, then: postwright up"
            ) from None

    def keep(self, settings: Settings) -> None:
        settings.service.mkdir(parents=True, exist_ok=True)
        half = settings.service / "service.json.new"
        half.write_text(json.dumps(asdict(self)), encoding="utf-8")
        half.replace(settings.service / "service.json")


@dataclass
class Up:
    """What is up, and what had to be done for it."""

    url: str
    home: str
    did: list[str] = field(default_factory=list)
    deployments: int = 0
    notifies: str = ""
    went_on: list[Any] = field(default_factory=list)


@dataclass
class Down:
    server: str = "not running"
    worker: str = "not running"
    runs_stopped: int = 0
    runs_killed: int = 0
    goes_on: list[Any] = field(default_factory=list)


def server_of(settings: Settings) -> Daemon:
    return Daemon("server", settings.service)


def worker_of(settings: Settings) -> Daemon:
    return Daemon("worker", settings.service)


def bound_logs(settings: Settings) -> None:
    for part in (server_of(settings), worker_of(settings)):
        part.bound_log()


def bring_up(settings: Settings, asked: Asked, told: Told) -> Up:
    """Start what does not run, deploy what has changed, let go on what was lost. Raises UserError with what to do."""
    declared(asked.file)
    bound_logs(settings)
    with alone(settings.service / "lock", "an `up` or `down` of this home"):
        memory = wanted(settings, asked)
        api_url = f"http://127.0.0.1:{memory.port}/api"
        up = Up(f"http://127.0.0.1:{memory.port}", str(settings.home))
        keep_server(settings, memory, asked.database, up, told)
        with speaking_to(api_url) as client:
            prepare_server(client, settings, memory, asked, service_environment(settings, api_url, ROOT), up, told)
            keep_worker(settings, memory, api_url, client, up, told)
        return up


def wanted(settings: Settings, asked: Asked) -> Memory:
    """The last time's answers with what is asked now laid over them; refuses what cannot change while it runs."""
    memory, server = Memory.of(settings), server_of(settings).running()
    database = "sqlite" if asked.database in (None, "sqlite") else without_password(str(asked.database))
    if asked.database is None and server is not None:
        database = memory.database
    elif asked.database is None and memory.database != "sqlite":
        raise UserError(
            f"Prefect's data of this home are in {memory.database}: name it again, with its password, by --database or "
            "PREFECT_API_DATABASE_CONNECTION_URL (or begin anew in a file of the home: --database sqlite)"
        )
    if server and asked.port not in (None, 0, memory.port):
        raise UserError(
            f"--port {asked.port}: it is up with port {memory.port}; "
            f"postwright down first, then: postwright up --port {asked.port}"
        )
    if server and database != memory.database:
        raise UserError(f"--database: it is up with {memory.database}; postwright down first")
    if not server and asked.port is not None:
        memory.port = asked.port or free_port()
    if database != memory.database:
        memory.deployed = ""
    memory.database = database
    return memory


def without_password(url: str) -> str:
    """A database's address, for people and for files; raises UserError for one that Prefect could not use."""
    parts = urlsplit(url)
    if parts.scheme not in ("postgresql+asyncpg", "sqlite+aiosqlite"):
        raise UserError(
            f"--database: {parts.scheme or 'a word'}://... is no database Prefect knows; "
            "give postgresql+asyncpg://USER:PASSWORD@HOST:PORT/NAME, or sqlite"
        )
    host = parts.hostname or ""
    return f"{parts.scheme}://{host}{f':{parts.port}' if parts.port else ''}{parts.path}"


def keep_server(settings: Settings, memory: Memory, database: str | None, up: Up, told: Told) -> None:
    server = server_of(settings)
    if (kept := server.running()) is not None and answers(memory.port):
        told("server", f"{up.url}  runs already (pid {kept['pid']})")
        return
    if kept is None:
        refuse_taken(memory.port)
        memory.keep(settings)
        chosen = None if database in (None, "sqlite") else database
        api_url = f"{up.url}/api"
        environment = server_environment(settings, api_url, ROOT, chosen)
        # Browsers keep their connections open, and would keep it from ending.
        command = [*server_command(memory.port), "--timeout-graceful-shutdown", "3"]
        server.start(command, environment, api_url=api_url, since=now())
        up.did.append("server")
    import prefect.client.orchestration  # noqa: F401 - takes seconds, and so does the server's start

    end = time.monotonic() + READY_IN_S
    while not answers(memory.port):
        if server.running() is None or time.monotonic() > end:
            server.stop(STOP_IN_S)
            raise HomeUnusable(f"Prefect's server did not start: {server.last_lines()}; all of it: {server.log}")
        time.sleep(0.1)
    data = memory.database if memory.database != "sqlite" else settings.service_prefect
    told("server", f"{up.url}  started, its data in {data}")


def refuse_taken(port: int) -> None:
    """Raises UserError where the port is somebody else's."""
    with socket.socket() as trial:
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind(("127.0.0.1", port))
            return
        except OSError as error:
            reason = error.strerror
    whose = "a Prefect server that is not this home's" if answers(port) else f"another program ({reason})"
    raise UserError(f"port {port} is taken by {whose}; choose another: postwright up --port {port + 1}")


@contextmanager
def speaking_to(api_url: str) -> Iterator[Any]:
    """A client of that server, which Prefect's own functions use too within the block."""
    from prefect.client.orchestration import get_client
    from prefect.settings import PREFECT_API_URL, temporary_settings

    with temporary_settings(updates={PREFECT_API_URL: api_url}), get_client(sync_client=True) as client:
        yield client


def prepare_server(
    client: Any, settings: Settings, memory: Memory, asked: Asked, environment: Mapping[str, str], up: Up, told: Told
) -> None:
    """The pool, the deployments, the automations, and what was lost: all before a worker takes the next run."""
    from prefect.client.schemas.actions import WorkPoolUpdate

    from flows.automations import keep_automations
    from flows.deploying import deploy, deployments
    from flows.lost_runs import go_on, lost_runs
    from flows.work_pool import POOL, described_owner, keep_pool

    # A file of the home needs no owner, and may be begun anew without service.json.
    owner = None if memory.database == "sqlite" else described_owner(settings.home, memory.mark)
    pool = keep_pool(client, asked.environment, owner, asked.limit)
    if memory.is_pool_held:  # by a `down` that did not come to its end
        client.update_work_pool(POOL, WorkPoolUpdate(is_paused=False))
        memory.is_pool_held = False
        memory.keep(settings)
    named = "".join(f", {variable} from {source}" for variable, source in pool.environment.items())
    held = ", paused" if pool.is_paused else ""
    told("work pool", f"{pool.name} ({pool.kind}), {at_a_time(pool.limit)}{named}{held}")

    names, mark = declared(asked.file), fingerprint(asked.file)
    there = {deployment.name for deployment in deployments(client)}
    if mark != memory.deployed or not set(names) <= there:
        told("deployments", f"deploying {len(names)} from {asked.file} ...")
        deploy(client, asked.file, environment)
        memory.deployed = mark
        memory.keep(settings)
        up.did.append("deployments")
    else:
        told("deployments", f"{len(names)} of {asked.file}, as they are")
    up.deployments = len(names)

    kept = keep_automations(client, asked.notify)
    up.notifies = kept.notifies
    told("automations", f"failed, late and lost runs; {kept.notifies or 'nobody'} is notified")

    is_working = worker_of(settings).running() is not None
    up.went_on = go_on(client, lost_runs(client, POOL, living_runs(settings.home), is_working))
    for lost in up.went_on:
        what = f"goes on as {lost.next_id}" if lost.next_id else f"does not go on: {lost.why_not}"
        told("lost run", f"{lost.name} {what}")


def keep_worker(settings: Settings, memory: Memory, api_url: str, client: Any, up: Up, told: Told) -> None:
    from flows.work_pool import POOL

    worker = worker_of(settings)
    if (kept := worker.running()) is not None:
        told("worker", f"{kept['name']}  runs already (pid {kept['pid']})")
        return
    name, begun = platform.node().replace("/", "-").replace("%", "-") or "worker", datetime.now(UTC)
    command = [sys.executable, "-m", "prefect", "worker", "start", "--pool", POOL, "--type", "process"]
    # Without --limit, which is the pool's: a worker with a limit of its own dies of a run that is resumed before the
    # process that suspended it has ended (Prefect 3.8).
    command += ["--name", name]
    memory.keep(settings)
    worker.start(command, service_environment(settings, api_url, ROOT), name=name, since=now())
    up.did.append("worker")
    end = time.monotonic() + READY_IN_S
    while not any(
        one.name == name and one.last_heartbeat_time and one.last_heartbeat_time >= begun
        for one in client.read_workers_for_work_pool(POOL)
    ):
        if worker.running() is None or time.monotonic() > end:
            worker.stop(STOP_IN_S)
            raise HomeUnusable(f"the worker did not start: {worker.last_lines()}; all of it: {worker.log}")
        time.sleep(0.2)
    told("worker", f"{name}  started")


def bring_down(settings: Settings, told: Told) -> Down:
    """Stop the runs, the worker, the server, in this order: outcomes in flight reach the journal, and what was stopped
    goes on at the next `up`. Raises UserError only where another command is at work."""
    with alone(settings.service / "lock", "an `up` or `down` of this home"):
        memory, server, down = Memory.of(settings), server_of(settings), Down()
        kept = server.running()
        if kept is None or not answers(memory.port):
            stop_runs(settings, down, told)
            down.worker = worker_of(settings).stop(STOP_IN_S)
            stop_runs(settings, down, told)
        else:
            with speaking_to(kept["api_url"]) as client:
                stop_working(client, settings, memory, down, told)
        told("worker", down.worker)
        down.server = server.stop(STOP_IN_S)
        told("server", down.server)
        return down


def stop_working(client: Any, settings: Settings, memory: Memory, down: Down, told: Told) -> None:
    """The pool is held meanwhile: a worker whose runs end would take the next ones. One that an interrupted `down` left
    held is ours to let go, however often that is repeated."""
    from prefect.client.schemas.actions import WorkPoolUpdate
    from prefect.exceptions import ObjectNotFound

    from flows.lost_runs import go_on, lost_runs
    from flows.work_pool import POOL

    try:
        memory.is_pool_held = memory.is_pool_held or not client.read_work_pool(POOL).is_paused
    except ObjectNotFound:
        memory.is_pool_held = False
    memory.keep(settings)
    if memory.is_pool_held:
        client.update_work_pool(POOL, WorkPoolUpdate(is_paused=True))
    begun = set(stop_runs(settings, down, told))
    down.worker = worker_of(settings).stop(STOP_IN_S)
    begun |= set(stop_runs(settings, down, told))
    runs = {str(run.id): run for run in lost_runs(client, POOL, living_runs(settings.home), is_working=False)}
    for run_id in begun - runs.keys():
        run = client.read_flow_run(run_id)
        # Failed, too: a signal in the midst of a query comes out of DuckDB as an error of the query.
        if run.state is not None and (run.state.is_crashed() or run.state.is_failed()):
            runs[run_id] = run
    down.goes_on = go_on(client, list(runs.values()), is_stop=True)
    if memory.is_pool_held:
        client.update_work_pool(POOL, WorkPoolUpdate(is_paused=False))
        memory.is_pool_held = False
        memory.keep(settings)
    for lost in down.goes_on:
        told("stopped", f"{lost.name} {'goes on at the next up' if lost.next_id else lost.why_not}")


def stop_runs(settings: Settings, down: Down, told: Told) -> list[str]:
    """Ask each run to end, once: a second signal would not let its calls in flight arrive. Ids of those that ran."""
    import psutil

    living = living_runs(settings.home)
    if living:
        told("runs", f"{len(living)} asked to stop, calls in flight may arrive ...")
    for process in living.values():
        try:
            process.send_signal(signal.SIGTERM)
        except psutil.NoSuchProcess:
            continue
    gone, left = psutil.wait_procs(living.values(), timeout=RUNS_END_IN_S)
    for process in left:
        process.kill()
    psutil.wait_procs(left, timeout=STOP_IN_S)
    down.runs_stopped += len(gone)
    down.runs_killed += len(left)
    return list(living)


def at_a_time(limit: int | None) -> str:
    return "any number of runs at a time" if limit is None else f"{limit} run{'' if limit == 1 else 's'} at a time"


def now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
