"""Who computes chunks: this process, or the workers of a Dask or Ray cluster, by Prefect's own task runners.

A worker gets a spec and a reference into the exchange (components/exchange) and leaves its rows there; it opens no
warehouse. The flow's process stays the one publisher: it checks and writes what workers found, in the order in which it
asked. So a cluster changes how long a step takes, and no row.
"""

import atexit
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable
from contextlib import nullcontext
from typing import Any, TypeVar
from urllib.parse import urlsplit

from prefect.futures import PrefectFuture
from prefect.settings import PREFECT_API_URL
from prefect.task_runners import TaskRunner
from prefect.tasks import Task

from components.chat.shipping import KEPT_S as CALLS_KEPT_S
from components.errors import UserError, WorkerLost
from components.exchange import Pictures, Place
from flows.progress import say
from flows.settings import Settings
from flows.stopping import raise_if_stopped

T = TypeVar("T")
R = TypeVar("R")

AHEAD = 2
"""Chunks per worker that are handed out: one is computed, one lies ready."""

FAR = 256
"""Chunks at a time for a cluster, however many workers it turns out to have."""

JOIN_S = 60
"""So long a cluster may take to have its first worker."""

LOOK_S = 0.5
"""How often a wait looks whether the run was stopped."""

ARRIVES_S = 60.0
"""So long a result may be on its way after its worker has told Prefect's server that it is there."""

CHUNKS_KEPT_S = 7 * 86_400.0

CLUSTERS = frozenset({"distributed", "ray"})
"""Whose exceptions tell of workers, not of their work."""

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})

_lock = threading.Lock()
_crews: dict[tuple[object, ...], "Crew"] = {}


def crew_of(settings: Settings) -> "Crew | None":
    """The process's one connection to the cluster that the settings name, begun at its first use; None where this
    process computes by itself. Raises UserError where the cluster or the exchange cannot be used."""
    if settings.runner == "local":
        return None
    with _lock:
        # Workers of this machine have the home in which they were started.
        key = (settings.runner, settings.workers, settings.home, settings.exchange)
        if key not in _crews:
            _crews[key] = _begin(settings)
        return _crews[key]


def at_once(settings: Settings) -> int:
    """Chunks that a step should take at a time, so that no worker waits for the others' last ones."""
    if settings.runner == "local":
        return 1
    return FAR if "://" in settings.runner else 2 * AHEAD * settings.workers


def disband() -> None:
    """Leaves every cluster, and ends those that this process has started."""
    with _lock:
        while _crews:
            _crews.popitem()[1].close()


atexit.register(disband)


class Crew:
    """Workers behind one of Prefect's task runners. `is_here`: they are processes of this machine and see its files.
    `slots`: how many chunks they compute at a time."""

    def __init__(self, name: str, runner: TaskRunner[Any], is_here: bool, slots: int, gpus: bool = False) -> None:
        self.name, self.runner, self.is_here, self.slots, self.gpus = name, runner, is_here, slots, gpus

    def submit(self, task: Task[Any, R], on_gpu: bool = False, **parameters: Any) -> PrefectFuture[R]:
        """Hands out one chunk. Ray hides a GPU from whoever does not ask for it."""
        asked: Any = nullcontext()
        if on_gpu and self.gpus:
            from prefect_ray.context import remote_options

            asked = remote_options(num_gpus=1)
        with asked:
            future: PrefectFuture[R] = self.runner.submit(task, parameters=parameters)
            return future

    def in_turn(
        self, todo: Iterable[T], begin: Callable[[T], PrefectFuture[R] | None]
    ) -> Generator[tuple[T, R | WorkerLost | None], None, None]:
        """(one, what its chunk's task returned) in order; None where `begin` had nothing to hand out, the error where
        the worker died over it. Close it to take back what nobody has computed yet."""
        waiting: deque[tuple[T, PrefectFuture[R] | None]] = deque()
        try:
            for one in todo:
                waiting.append((one, begin(one)))
                if len(waiting) > AHEAD * self.slots:
                    ended = self._ended(*waiting.popleft())
                    yield ended
            while waiting:
                rest = self._ended(*waiting.popleft())
                yield rest
        finally:
            for _, future in waiting:
                if future is not None:
                    _take_back(future)

    def close(self) -> None:
        self.runner.__exit__(None, None, None)

    def _ended(self, one: T, future: PrefectFuture[R] | None) -> tuple[T, R | WorkerLost | None]:
        if future is None:
            return one, None
        result = self._result(future)
        return one, result

    def _result(self, future: PrefectFuture[R]) -> R | WorkerLost:
        wait_s = LOOK_S
        while True:
            raise_if_stopped()
            try:
                return future.result(timeout=wait_s, raise_on_failure=True)
            except TimeoutError:
                if wait_s == ARRIVES_S:
                    raise
                # Prefect's server says so: the result is on its way, or the timeout is the chunk's own and comes again.
                if future.state.is_final():
                    wait_s = ARRIVES_S
            except WorkerLost as error:
                return error
            except Exception as error:  # clusters' errors have no common class; all others are raised again
                if type(error).__module__.partition(".")[0] not in CLUSTERS:
                    raise
                # Out of memory, mostly: the system kills who takes most of it.
                lost = WorkerLost(f"a worker at {self.name} died over a chunk ({error}); see its log and its memory")
                lost.__cause__ = error
                return lost


def _take_back(future: PrefectFuture[Any]) -> None:
    wrapped: Any = getattr(future, "wrapped_future", None)
    if hasattr(wrapped, "cancel"):
        wrapped.cancel()
    elif wrapped is not None:
        import ray

        ray.cancel(wrapped)


def _begin(settings: Settings) -> Crew:
    kind, _, address = settings.runner.partition("://")
    if address:
        _check_reach(settings, address)
    place = Place(settings.exchange)
    place.check()
    sweep(place)
    say(f"connecting to {settings.runner} ..." if address else f"starting {settings.workers} {kind} workers ...")
    return _dask(settings, address) if kind == "dask" else _ray(settings, address)


def sweep(place: Place) -> None:
    """What runs that were killed have left in the exchange, and what every home has pulled by now."""
    place.prune("chunks", CHUNKS_KEPT_S)
    Pictures(place).prune()
    place.prune("calls", CALLS_KEPT_S)


def _check_reach(settings: Settings, address: str) -> None:
    """Workers elsewhere see neither this home nor a server that listens on this machine alone."""
    if urlsplit(f"//{address}").hostname in LOOPBACK:
        return
    if settings.shared_exchange is None:
        raise UserError(
            f"workers at {settings.runner} do not see {settings.exchange}: set POSTWRIGHT_EXCHANGE to a bucket "
            "(s3://bucket/prefix) or to a folder that all hosts have mounted (file:///...)"
        )
    api = PREFECT_API_URL.value()
    if not api or urlsplit(api).hostname in LOOPBACK:
        raise UserError(
            f"workers at {settings.runner} report to Prefect's server, and {api or 'the one of this process'} is this "
            "machine's alone: prefect server start --host 0.0.0.0, then set PREFECT_API_URL to an address they reach"
        )


def _missing(kind: str, error: ImportError) -> UserError:
    return UserError(
        f"POSTWRIGHT_RUNNER asks for {kind}, and {error.name} is missing: pip install 'postwright[{kind}]'"
    )


def _dask(settings: Settings, address: str) -> Crew:
    try:
        from distributed import LocalCluster
        from prefect_dask import DaskTaskRunner
    except ImportError as error:
        raise _missing("dask", error) from error
    if address:
        runner = DaskTaskRunner(address=f"tcp://{address}")
    else:
        runner = DaskTaskRunner(
            cluster_class=LocalCluster,
            cluster_kwargs={
                "n_workers": settings.workers, "threads_per_worker": 1, "processes": True, "dashboard_address": None,
                "silence_logs": "ERROR",
            },
        )  # fmt: skip
    runner.__enter__()
    try:
        runner.client.wait_for_workers(1, timeout=JOIN_S)
    except (OSError, TimeoutError) as error:
        runner.__exit__(None, None, None)
        raise UserError(
            f"no Dask worker at {settings.runner} within {JOIN_S} s ({error}): start a scheduler (dask scheduler) and, "
            "on each host, a worker (dask worker HOST:8786)"
        ) from error
    slots = sum(runner.client.nthreads().values())
    return Crew(settings.runner, runner, not address, max(1, slots))


def _ray(settings: Settings, address: str) -> Crew:
    try:
        import ray
        from prefect_ray import RayTaskRunner
    except ImportError as error:
        raise _missing("ray", error) from error
    quiet: dict[str, Any] = {"log_to_driver": False, "logging_level": "ERROR"}
    if address:
        runner: Any = RayTaskRunner(address=f"ray://{address}", init_kwargs=quiet)
    else:
        # References travel, not rows: the least store of objects that Ray takes is more than enough.
        least = {"object_store_memory": 100 * 2**20, "include_dashboard": False}
        runner = RayTaskRunner(init_kwargs={**quiet, **least, "num_cpus": settings.workers})
    try:
        runner.__enter__()
    except ConnectionError as error:
        raise UserError(
            f"no Ray cluster answers at {settings.runner} ({error}): on its head, ray start --head "
            "--ray-client-server-port 10001; on each other host, ray start --address HEAD:6379"
        ) from error
    there = ray.cluster_resources()
    return Crew(settings.runner, runner, not address, max(1, int(there.get("CPU", 1))), bool(there.get("GPU")))
