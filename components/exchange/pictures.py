"""Pictures on their way to other hosts: `pictures/<two digits>/<sha256>`, put once whichever chunks need them.

The bytes are those that were ingested, checked on the way in and, by whoever opens them, on the way out. One that is
older than half of its time is put again, so that none is pruned between being found there and being fetched.
"""

import hashlib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from components.exchange.place import Place
from components.items.pictures import PictureError, read_bytes

HANDS = 16
KEPT_S = 7 * 86_400.0


class Pictures:
    def __init__(self, place: Place) -> None:
        self.place = place

    def put(self, pictures: Sequence[tuple[str, str]]) -> list[PictureError | None]:
        """Each (sha256, path) to the store; in the same order, why some could not be put."""
        with ThreadPoolExecutor(HANDS, thread_name_prefix="to the exchange") as pool:
            return list(pool.map(lambda picture: self._put(*picture), pictures))

    def fetch(self, hashes: Sequence[str], folder: Path) -> dict[str, Path]:
        """Into `folder`, by hash; FileNotFoundError where one is not in the store."""
        wanted = list(dict.fromkeys(hashes))
        with ThreadPoolExecutor(HANDS, thread_name_prefix="from the exchange") as pool:
            return dict(zip(wanted, pool.map(lambda sha256: self._fetch(sha256, folder), wanted), strict=True))

    def prune(self) -> int:
        return self.place.prune("pictures", KEPT_S)

    def _put(self, sha256: str, path: str) -> PictureError | None:
        try:
            data = read_bytes(path)
        except PictureError as error:
            return error
        if hashlib.sha256(data).hexdigest() != sha256:
            return PictureError("changed", f"{path}: no longer the picture that was ingested; run ingestion again")
        age_s = self.place.age_s(_named(sha256))
        if age_s is None or age_s > KEPT_S / 2:
            self.place.write(_named(sha256), data)
        return None

    def _fetch(self, sha256: str, folder: Path) -> Path:
        path = folder / sha256
        path.write_bytes(self.place.read(_named(sha256)))
        return path


def _named(sha256: str) -> str:
    return f"pictures/{sha256[:2]}/{sha256}"
