"""Source mvsa: MVSA-Single and MVSA-Multiple (Niu et al. 2016), tweets with a picture, labelled by one or three people.

`labelResultAll.txt` has tab-separated columns `ID`, `text,image` (MVSA-Multiple: three of these), each cell such as
`positive,neutral`; `data/` holds `<ID>.jpg` and `<ID>.txt`, the texts in whatever encoding the crawler met. A person
labelled text and picture apart; the two become one sentiment as in Xu & Mao 2017 (MultiSentiNet, CIKM): per text and
per picture the label that more than half give; equal ones stay, neutral yields to the other, positive against negative
is removed. Labels: `sentiment`, `text_sentiment`, `image_sentiment`.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from components.errors import UserError
from components.items.files import Found, printable, walk
from components.items.readers import decode
from components.items.values import shown
from components.learning.sources.entry import LabelledEntry, Maker, Problem
from components.learning.spec import LabelledSource

LABELS = "labelResultAll.txt"
_POLARITIES = ("positive", "neutral", "negative")


def list_mvsa(source: LabelledSource) -> list[LabelledEntry]:
    """In the order of the label file, then the pictures of data/ that it does not name."""
    path = source.path.expanduser().resolve()
    listed = path / LABELS if path.is_dir() else path
    if not listed.is_file():
        raise UserError(f"datasets.path: {listed} does not exist; name the folder with {LABELS} and data/")
    rows = _rows(listed)
    files = {found.path.name.casefold(): found for found in _data(listed.parent)}
    maker, seen = Maker.of(source), Counter[str]()
    entries: list[LabelledEntry] = []
    for number, cells in rows:
        name = cells[0]
        seen[name] += 1
        again = f"({seen[name]})" if seen[name] > 1 else ""
        entries.append(_entry(maker, f"{printable(listed)}#id={name}{again}", f"line {number}", cells, files))
    for found in files.values():
        if found.path.suffix.lower() == ".jpg" and found.path.stem not in seen:
            uri = printable(found.path)
            entries.append(maker.stray(uri, found.problem or ("no_label", f"{uri}: {LABELS} has no line for it")))
    return entries


def joint(text: str, image: str) -> str | None:
    """The sentiment of both together; None where one is positive and the other negative."""
    if text == image or image == "neutral":
        return text
    return image if text == "neutral" else None


def majority(votes: Sequence[str]) -> str | None:
    """What more than half say."""
    label, count = Counter(votes).most_common(1)[0]
    return label if 2 * count > len(votes) else None


def _rows(path: Path) -> list[tuple[int, list[str]]]:
    """Line numbers and cells; the header is checked. Three columns have one name: no table reader keeps them."""
    text = decode(path.read_bytes(), path)
    lines = [
        (n, [cell.strip() for cell in line.split("\t")]) for n, line in enumerate(text.split("\n"), 1) if line.strip()
    ]
    header = [cell.casefold() for cell in lines[0][1]] if lines else []
    if len(header) < 2 or header[0] != "id" or set(header[1:]) != {"text,image"}:
        raise UserError(f"{path}: expected the tab-separated columns ID and text,image, found {shown(header)}")
    if len(lines) == 1:
        raise UserError(f"{path}: has no rows")
    return [(n, [*cells, *[""] * (len(header) - len(cells))]) for n, cells in lines[1:]]


def _data(folder: Path) -> list[Found]:
    data = folder / "data" if (folder / "data").is_dir() else folder
    return [
        found for found in walk(data) if found.path.suffix.lower() in (".jpg", ".txt") and found.path.name != LABELS
    ]


def _entry(maker: Maker, uri: str, where: str, cells: list[str], files: Mapping[str, Found]) -> LabelledEntry:
    name = cells[0]
    picture, words = files.get(f"{name}.jpg".casefold()), files.get(f"{name}.txt".casefold())
    labels, withheld, problem = _labels(cells[1:], where)
    text = ""
    if words is None or words.state is None:
        problem = problem or ("text_missing", f"{where}: data/{name}.txt is not there; fetch it or delete the line")
    else:
        text = _text(words.path)
    known = (str(picture.path), picture.state) if picture is not None and picture.state is not None else None
    return maker.entry(
        uri, labels, {"text": text, "image": f"data/{name}.jpg"}, picture=known, withheld=withheld, problem=problem,
        where=where,
    )  # fmt: skip


def _text(path: Path) -> str:
    """A tweet's bytes are UTF-8, Windows-1252, or neither, and then Latin-1 loses none of them."""
    data = path.read_bytes()
    try:
        return decode(data, path)
    except UserError:
        return data.decode("latin-1")


def _labels(cells: Sequence[str], where: str) -> tuple[dict[str, str], dict[str, Problem], Problem | None]:
    """Labels, what is withheld and why, and what is wrong with the whole row."""
    pairs = [[part.strip().lower() for part in cell.split(",")] for cell in cells]
    if any(len(pair) != 2 or not set(pair) <= set(_POLARITIES) for pair in pairs):
        detail = f"{where}: {shown(' | '.join(cells))} is no pair of {', '.join(_POLARITIES)} per person"
        return {}, {}, ("bad_row", detail)
    found = {
        "text_sentiment": majority([text for text, _ in pairs]),
        "image_sentiment": majority([i for _, i in pairs]),
    }
    labels = {name: label for name, label in found.items() if label is not None}
    withheld: dict[str, Problem] = {
        name: ("no_majority", f"{where}: {name} is a different one for each of {len(pairs)} people")
        for name, label in found.items()
        if label is None
    }
    if withheld:
        withheld["sentiment"] = next(iter(withheld.values()))
    elif (both := joint(labels["text_sentiment"], labels["image_sentiment"])) is not None:
        labels["sentiment"] = both
    else:
        detail = (
            f"{where}: text {labels['text_sentiment']}, picture {labels['image_sentiment']}; such pairs are left out"
        )
        withheld["sentiment"] = "conflicting_labels", detail
    return labels, withheld, None
