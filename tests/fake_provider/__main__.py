"""python -m tests.fake_provider"""

import argparse
import json
import random
import threading
from collections.abc import Callable, Sequence

from tests.fake_provider import __doc__ as about
from tests.fake_provider.faults import PASSING
from tests.fake_provider.server import FakeProvider


def latencies(distribution: str, seed: int = 0) -> Callable[[], float] | float:
    """`0.2` (always), `uniform:0.1,0.3`, `lognormal:0.2,0.5` (median, sigma)."""
    name, _, numbers = distribution.partition(":")
    if not numbers:
        return float(name)
    first, second = (float(number) for number in numbers.split(","))
    dice = random.Random(seed)
    if name == "uniform":
        return lambda: dice.uniform(first, second)
    if name == "lognormal":
        return lambda: first * dice.lognormvariate(0, second)
    raise ValueError(f"no latency distribution {distribution!r}: a number, uniform:a,b or lognormal:median,sigma")


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.fake_provider", description=(about or "").splitlines()[0])
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--latency", default="0", help="seconds, uniform:a,b or lognormal:median,sigma")
    parser.add_argument("--fail", type=float, default=0.0, help="share of requests that fail")
    parser.add_argument("--fail-with", default=",".join(PASSING), help="faults to draw from")
    parser.add_argument("--rpm", type=int)
    parser.add_argument("--tpm", type=int)
    parser.add_argument("--burst", type=int, default=1, help="requests that pass at once under --rpm")
    parser.add_argument("--slots", type=int, help="calls in flight; further ones get a 429")
    parser.add_argument("--tells-nothing", action="store_true", help="no headers about its limits")
    parser.add_argument("--key", help="refuse every other key")
    parser.add_argument("--without", default="", help="parameters or reply formats it does not know")
    parser.add_argument("--plain", action="store_true", help="one short reply for all, the cheapest to make")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args(arguments)
    server = FakeProvider(
        latency=latencies(given.latency, given.seed),
        fail=given.fail,
        fail_with=given.fail_with.split(","),
        rpm=given.rpm,
        tpm=given.tpm,
        burst=given.burst,
        slots=given.slots,
        tells=not given.tells_nothing,
        key=given.key,
        without=[name for name in given.without.split(",") if name],
        seed=given.seed,
        port=given.port,
        keep=False,
        reply=(lambda _: "A plain reply of twelve words for whoever measures how fast it comes.")
        if given.plain
        else None,
    )
    with server:
        print(f"{server.url} (statistics: http://127.0.0.1:{server.port}/stats)", flush=True)
        try:
            threading.Event().wait()
        except KeyboardInterrupt:
            print(json.dumps(server.stats))


if __name__ == "__main__":
    main()
