"""A backup is whole as of one moment while runs go on, and a home again that buys nothing twice; or it is refused."""

import json
import shutil
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from components.chat import Journal
from components.chat.compaction import compact
from components.errors import HomeUnusable, UserError
from components.keeping import back_up, default_name, restore
from components.keeping.archive import MANIFEST
from components.keeping.restore import verify
from components.records import Post
from flows.settings import Settings
from tests.chat.conftest import record
from tests.steps import Steps, campaign_of

FORMS = ("backup.tar.zst", "backup.tar", "backup")


@pytest.fixture(scope="module")
def steps(tmp_path_factory: pytest.TempPathFactory) -> Steps:
    """A home with judged posts, packed calls, appended ones, a picture, an answer of a person, a trained model."""
    folder = tmp_path_factory.mktemp("kept")
    settings = Settings(folder / "home").prepare()
    made = Steps(settings, campaign_of(folder))
    made.all()
    journal = Journal(settings.calls)
    journal.append(record("ab" * 16))
    journal.close()
    compact(settings.calls)
    journal.append(record("cd" * 16))
    for name, content in {
        "calls/pictures/aa.jpg": "picture", "people/x.jsonl": '{"a": 1}\n{"torn', "models/mine.yaml": "name: mine",
        "models/trained/mine/weights": "w" * 5000, "models/org--hub/rev/model": "fetched", "prices.yaml": "models: {}",
        "reports/latest.html": "<html>", "results/x/y": "result", "calls/shared/purse-run-x": "purse",
    }.items():  # fmt: skip
        path = settings.home / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    made.journal = journal  # type: ignore[attr-defined] - alive: its segment is still being written
    return made


def backed_up(steps: Steps, to: Path) -> Any:
    return back_up(steps.settings.home, steps.store, to, "0.1.0")


def tables(settings: Settings) -> dict[str, list[Any]]:
    names = ("items", "features", "prompts", "posts", "judgments", "specs", "calls", "spend_by_stage", "judged_posts")
    return {name: settings.store().query(f"SELECT * FROM {name} ORDER BY ALL") for name in names}


@pytest.mark.parametrize("form", FORMS)
def test_a_restored_home_has_the_same_tables_and_buys_nothing(steps: Steps, tmp_path: Path, form: str) -> None:
    made = backed_up(steps, tmp_path / form)
    home = tmp_path / "there"
    home.mkdir()  # an empty one is taken
    assert restore(tmp_path / form, home)["files"] == made.files
    settings = Settings(home).prepare()
    assert tables(settings) == tables(steps.settings)
    names = set(made.files)
    assert {"prices.yaml", "models/mine.yaml", "models/trained/mine/weights", "calls/pictures/aa.jpg"} <= names
    assert not any(name.startswith(("reports", "results", "calls/shared", "models/org")) for name in names)
    assert (home / "people/x.jsonl").read_text() == '{"a": 1}\n', "only whole lines"

    again = Steps(settings, steps.c)
    before = settings.store().query("SELECT count(*) AS n FROM calls")
    again.all()
    assert settings.store().query("SELECT count(*) AS n FROM calls") == before
    assert not again.unwritten()
    if form != FORMS[0]:
        return
    fresh = Steps(Settings(tmp_path / "other").prepare(), steps.c)  # no rows: all is asked again, of the journal
    shutil.rmtree(fresh.settings.calls)
    shutil.copytree(home / "calls", fresh.settings.calls)
    fresh.all()
    assert fresh.store.query("SELECT count(*) AS n FROM calls") == before
    assert fresh.store.query("SELECT count(*) AS n FROM judgments WHERE score IS NOT NULL")[0]["n"] > 0


def test_while_a_run_goes_on_no_row_names_a_call_that_is_not_there(steps: Steps, tmp_path: Path) -> None:
    settings = Settings(tmp_path / "home").prepare()
    stop, done = threading.Event(), []

    def work() -> None:
        journal, store = Journal(settings.calls), settings.store()
        while not stop.is_set() or len(done) < 20:
            key = f"{len(done):032x}"
            journal.append(record(key, text="x" * 50_000))
            post = Post(post_id=key, prompt_id="p", spec_id="G", platform="x", text="t", call_key=key,
                        created_at=datetime.now(UTC))  # fmt: skip
            store.append({"posts": [post]})
            done.append(key)
            if len(done) % 7 == 0:
                journal.close()  # another segment follows

    thread = threading.Thread(target=work)
    thread.start()
    while len(done) < 5:
        stop.wait(0.01)
    for form in FORMS:
        back_up(settings.home, settings.store(), tmp_path / form, "0.1.0")
    stop.set()
    thread.join(30)
    for form in FORMS:
        restore(tmp_path / form, tmp_path / f"{form}-home")
        store = Settings(tmp_path / f"{form}-home").prepare().store()
        (found,) = (
            store.query("""SELECT (SELECT count(*) FROM posts) AS posts, (SELECT count(*) FROM posts ANTI JOIN calls
            USING (call_key)) AS lost, (SELECT count(DISTINCT call_key) FROM calls) AS calls""")
        )
        assert found["lost"] == 0 and 5 <= found["posts"] <= found["calls"] <= len(done)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("damage", ["flip", "cut", "missing"])
def test_what_is_damaged_is_refused_and_leaves_no_home(steps: Steps, tmp_path: Path, form: str, damage: str) -> None:
    place = tmp_path / form
    backed_up(steps, place)
    file = place / "calls/pictures/aa.jpg" if place.is_dir() else place
    data = file.read_bytes()
    if damage == "flip":
        middle = len(data) // 2 if place.is_dir() else data.find(b"w" * 100) if form == "backup.tar" else len(data) // 2
        file.write_bytes(data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :])
    elif damage == "cut":
        file.write_bytes(data[: len(data) * 2 // 3])
    elif place.is_dir():
        (place / MANIFEST).unlink()
    else:
        file.write_bytes(b"")
    with pytest.raises(UserError, match=r"damaged|no whole backup"):
        restore(place, tmp_path / "new")
    assert sorted(path.name for path in tmp_path.iterdir()) == [form]


def test_a_home_with_anything_in_it_is_refused(steps: Steps, tmp_path: Path) -> None:
    backed_up(steps, tmp_path / "b.tar.zst")
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "note.txt").write_text("mine")
    with pytest.raises(UserError, match="has something in it"):
        restore(tmp_path / "b.tar.zst", tmp_path / "home")
    assert [path.name for path in (tmp_path / "home").iterdir()] == ["note.txt"]
    with pytest.raises(UserError, match="there is no backup"):
        restore(tmp_path / "gone.tar.zst", tmp_path / "new")


def test_a_backup_of_a_later_version_is_refused_before_anything_is_made(steps: Steps, tmp_path: Path) -> None:
    backed_up(steps, tmp_path / "b")
    manifest = json.loads((tmp_path / "b" / MANIFEST).read_text())
    (tmp_path / "b" / MANIFEST).write_text(json.dumps(manifest | {"schema": 9999}))
    with pytest.raises(UserError, match="newer postwright"):
        restore(tmp_path / "b", tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_a_file_that_would_leave_the_home_is_refused(steps: Steps, tmp_path: Path) -> None:
    import tarfile

    for name in ("../evil", "/evil", "calls/../../evil", "a//b"):
        with tarfile.open(tmp_path / "evil.tar", "w") as tar:
            tar.addfile(tarfile.TarInfo(name))
        with pytest.raises(UserError, match="damaged, or no backup"):
            verify(tmp_path / "evil.tar")


def test_a_backup_is_whole_or_not_there(steps: Steps, tmp_path: Path) -> None:
    (tmp_path / "old.tar.zst").write_text("older")
    (tmp_path / "old.tar.zst.part").write_text("of one that was killed")
    with pytest.raises(UserError, match="is there already"):
        backed_up(steps, tmp_path / "old.tar.zst")
    with pytest.raises(UserError, match=r"\.tar\.zst or \.tar file, or a folder"):
        backed_up(steps, tmp_path / "old.zip")
    with pytest.raises(HomeUnusable, match="cannot write the backup"):
        backed_up(steps, tmp_path / "old.tar.zst" / "within a file")
    (tmp_path / "old.tar.zst").unlink()
    backed_up(steps, tmp_path / "old.tar.zst")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["old.tar.zst"]
    assert (
        default_name(Path("/x/.postwright"), datetime(2026, 3, 2, tzinfo=UTC)) == "postwright-20260302T000000Z.tar.zst"
    )


def test_a_full_disk_leaves_nothing_of_a_backup(steps: Steps, tmp_path: Path) -> None:
    """By a limit on the size of files, in a process of its own."""
    from tests.processes import Python

    code = """
    import resource, signal, sys
    from pathlib import Path
    from components.errors import HomeUnusable
    from components.keeping import back_up
    from components.warehouse.store import Store
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))
    try:
        back_up(Path(sys.argv[1]), Store(Path(sys.argv[1]) / "warehouse.duckdb"), Path(sys.argv[2]), "0.1.0")
    except HomeUnusable as error:
        print(error)
    """
    (tmp_path / "to").mkdir()
    process = Python(code, str(steps.settings.home), str(tmp_path / "to" / "b.tar.zst"))
    out, errors = process.communicate(60)
    assert "cannot write the backup" in out or "cannot copy the warehouse" in out, errors
    assert list((tmp_path / "to").iterdir()) == []
