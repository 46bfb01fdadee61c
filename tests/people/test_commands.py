"""The commands as a user meets them: what is wrong is told in one line."""

import json
import socket
from pathlib import Path

import pytest

from flows.cli import main
from tests.people.test_opinions import a_review


@pytest.fixture(autouse=True)
def its_own_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """`--home` sets the process's home."""
    monkeypatch.setenv("POSTWRIGHT_HOME", "")
    monkeypatch.setattr("atexit.register", lambda *a: None)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["review", "--campaign", "other"], "no campaign 'other' in this home; campaigns that ran here: garden-demo"),
        (["review", "--run", "other"], "no run 'other' in this home"),
        (["review", "--campaign", "a", "--run", "b"], "give --campaign or --run, not both"),
        (["review", "--token", "short"], "--token is 5 characters long: give 16 or more"),
        (["review", "--rater", "x" * 65], "up to 64 characters"),
        (["review", "--rubric", "none"], "rubric 'none': no such rubric or file"),
        (["review", "--port", "BUSY"], "choose another: --port N"),
        (["review", "--host", "256.1.1.1"], "cannot serve the review page at 256.1.1.1"),
        (["ratings", "import"], "which file? postwright ratings import FILE.csv"),
        (["ratings", "show", "x.csv"], "did you mean: postwright ratings import x.csv"),
        (["ratings", "import", "none.csv"], "ratings file none.csv: No such file"),
        (["ratings", "export", "/proc/none/x.csv"], "cannot write /proc/none/x.csv"),
        (["export", "--out", "x.csv"], "nothing is approved yet"),
        (["export", "--out", "x.csv", "--layout", "trl"], "is not for posts: choose postwright or buffer or hootsuite"),
    ],
)
def test_what_is_wrong_is_told_in_one_line(
    posts, capsys: pytest.CaptureFixture[str], words: list[str], told: str
) -> None:
    home = posts()
    home.post()
    settings = home.done()
    with socket.create_server(("127.0.0.1", 0)) as busy:
        given = [str(busy.getsockname()[1]) if word == "BUSY" else word for word in words]
        assert main([*given, "--home", str(settings.home)]) == 2
    err = capsys.readouterr().err
    assert told in err and len(err.strip().splitlines()) == 1


def test_a_home_without_posts_is_told(posts, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for words in (["review"], ["ratings"], ["export", "--out", "x"]):
        assert main([*words, "--home", str(tmp_path / "none")]) == 2
        assert "start with: postwright demo" in capsys.readouterr().err
    assert main(["review", "--home", str(posts().done().home)]) == 2
    assert "no posts to review" in capsys.readouterr().err


@pytest.mark.parametrize("words", [["--port", "70000"], ["--audit", "2"], ["--audit", "x"], ["--start", "soon"]])
def test_a_wrong_word_is_refused_by_the_parser(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    command = ["export", "--out", "x"] if words[0] == "--start" else ["review"]
    with pytest.raises(SystemExit) as stop:
        main([*command, *words])
    assert stop.value.code == 2 and repr(words[1]) in capsys.readouterr().err


def test_json_is_one_object(posts, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    home = posts()
    post = home.post()
    settings = home.done()
    settings.store().append({"reviews": [a_review(post.post_id, "approve")]})
    out = tmp_path / "approved.csv"
    assert main(["export", "--out", str(out), "--home", str(settings.home), "--json"]) == 0
    assert json.loads(capsys.readouterr().out) | {"file": "", "sources": {}} == {
        "file": "", "what": "posts", "rows": 1, "left_out": {}, "measured": 0, "sources": {}, "held_out": None,
    }  # fmt: skip
    assert main(["ratings", "--home", str(settings.home), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["raters"][0]["approved"] == 1
