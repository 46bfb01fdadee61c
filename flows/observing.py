"""A run that can be watched while it goes on: its log, its metrics, its tags and progress in the Prefect UI.

One thread per run looks every other second at what is counted anyway, and talks to Prefect's server and the disk; the
run itself waits for neither. Whatever fails here is told and stops no run.
"""

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import copy_context
from functools import partial

from components.errors import PostwrightError
from components.records import Run
from components.specs import Campaign
from flows.exposition import Exposition, close_exposition, open_exposition
from flows.meter import METER
from flows.run_log import log_json_to_stderr, logged
from flows.settings import Settings
from flows.tracing import Progress, tag_flow_run
from flows.watching import EVENTS, Watched, tell, watching

log = logging.getLogger("postwright")
LOOK_S = 2.0
PATIENCE_S = 5.0
"""So long the end of a run waits for the last word to Prefect's server."""


@contextmanager
def observed(run: Run, campaign: Campaign, settings: Settings, is_part: bool = False) -> Iterator[None]:
    """What happens in the block is this run. `is_part`: one of many within a flow run that shows how far they all are
    by itself, as a window is of a backfill; the flow run is not tagged after it and gets no artifacts of its steps."""
    watched = Watched.of(run)
    if settings.log == "json":
        log_json_to_stderr()
    with watching(watched), logged(settings.logs, watched):
        exposition = open_exposition(settings, watched)
        tell(f"run {run.run_id} of {campaign.name} begins", purse=run.purse, spec_ids=run.spec_ids)
        ended = threading.Event()
        shown = None if is_part else campaign
        thread = threading.Thread(
            target=copy_context().run, args=(_look, run, shown, exposition, ended), name="observing", daemon=True
        )
        thread.start()
        try:
            yield
        except BaseException as error:  # a signal, too, is how a run ended, which its log must say; then it goes on
            is_defect = isinstance(error, Exception) and not isinstance(error, PostwrightError)
            level = logging.ERROR if is_defect else logging.WARNING
            EVENTS.log(level, "stopped by %s: %s", type(error).__name__, error, exc_info=is_defect)
            raise
        finally:
            ended.set()
            try:
                thread.join(PATIENCE_S)
            finally:
                close_exposition(exposition, watched, at_once=not is_part)


def only_shown(what: str, show: Callable[[], object]) -> None:
    """Show something in Prefect's UI. Nothing that is only shown may stop a run, also where the server is just being
    started again: what the run has done is done and recorded."""
    try:
        show()
    except Exception as error:  # noqa: BLE001 - told as a warning; a stop of the run is no Exception
        warned = f"{what} could not be shown in Prefect's UI: {type(error).__name__}: {error}"
        log.warning(warned)
        tell(warned, logging.WARNING)


def _look(run: Run, campaign: Campaign | None, exposition: Exposition, ended: threading.Event) -> None:
    progress, is_over = Progress(run.run_id), False
    shows = campaign is not None and _told(partial(tag_flow_run, run, campaign))
    while not is_over:
        is_over = ended.wait(LOOK_S)
        if shows or (is_over and campaign is not None):  # a server that was gone for a while takes the last word
            shows = _told(lambda: progress.show(METER.steps(run.run_id)))
        if not is_over:
            exposition.write()


def _told(show: Callable[[], None]) -> bool:
    """Whether Prefect's server took it; where it did not, it is asked for nothing more until the end."""
    try:
        show()
    # Nothing that is only shown may stop a run; it is told in its log. A stop of the run cancels what Prefect's client
    # does in this thread by an exception that is no Exception.
    except BaseException as error:  # noqa: BLE001
        tell(f"no further progress is shown: {type(error).__name__}: {error}", logging.WARNING)
        return False
    return True
