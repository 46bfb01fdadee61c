"""Model sets: what a set file may say, fingerprints, where parts are looked for, fetching at a pinned commit."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from components.errors import UserError
from components.features import describe_model_sets, model_set_fingerprint, shipped_sets
from components.features.labels_file import read_labels
from components.features.model_set import SHIPPED, HubPart, read_model_set, short_revisions
from tests.features.hub_server import Hub, serve
from tests.features.tiny_models import Tiny, write_set

ROOT = Path(__file__).parents[2]
COMMIT = "0123456789abcdef0123456789abcdef01234567"


def test_pretrained_pins_every_part_to_a_commit() -> None:
    parts = dict(read_model_set("pretrained").parts())
    assert set(parts) == {"captioner", "clip", "picture_encoder", "text_encoder"}
    assert all(isinstance(part, HubPart) and re.fullmatch("[0-9a-f]{40}", part.revision) for part in parts.values())
    assert set(read_labels(SHIPPED / "pretrained_labels.yaml")) == {"topic", "sentiment", "scene"}
    assert shipped_sets() == ["starter", "pretrained"]


@pytest.mark.parametrize(
    ("change", "names"),
    [
        ({"captioner": {"hub": "a/b", "revision": "main"}}, "captioner"),
        ({"captioner": {"hub": "a/b"}}, "captioner"),
        ({"colour": 1}, "colour"),
        ({"network": {"zero_shot": "clip"}}, "network"),
    ],
)
def test_a_broken_set_file_is_one_line_with_the_field(tiny: Tiny, tmp_path: Path, change: object, names: str) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text(yaml.safe_dump(yaml.safe_load(tiny.file.read_text()) | change))  # type: ignore[operator]
    with pytest.raises(UserError, match=rf"mine\.yaml: {names}") as caught:
        read_model_set(str(file))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("text", ["", "- a\n- b", "{a: [", "text"])
def test_a_set_file_that_is_no_mapping_is_one_line(tmp_path: Path, text: str) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text(text)
    with pytest.raises(UserError) as caught:
        read_model_set(str(file))
    assert "\n" not in str(caught.value) and "mine.yaml" in str(caught.value)


def test_an_unknown_set_names_the_known_ones() -> None:
    with pytest.raises(UserError, match="no model set 'startr'; use starter or pretrained"):
        read_model_set("startr")


def test_the_fingerprint_follows_bytes_not_places(tiny: Tiny, tmp_path: Path) -> None:
    shutil.copytree(tiny.folder, tmp_path / "a")
    before = model_set_fingerprint(str(tmp_path / "a/tiny.yaml"))
    assert before == model_set_fingerprint(str(tiny.file))

    weights = tmp_path / "a/clip/open_clip_model.safetensors"
    changed = bytearray(weights.read_bytes())
    changed[-1] ^= 1
    weights.write_bytes(changed)
    after = model_set_fingerprint(str(tmp_path / "a/tiny.yaml"))
    assert {part for part in before if before[part] != after[part]} == {"clip"}
    assert tiny.spec().id != tiny.spec(models=str(tmp_path / "a/tiny.yaml")).id

    (tmp_path / "a/captioner/CARD.md").write_text("words about a model are not the model")
    assert model_set_fingerprint(str(tmp_path / "a/tiny.yaml")) == after


def test_the_fingerprint_of_pretrained_needs_no_files() -> None:
    prints = model_set_fingerprint("pretrained")
    assert prints["captioner"].endswith("@dc68f91c06a1ba6f15268e5b9c13ae7a7c514084")
    assert short_revisions(prints)["captioner"] == "pretrained/captioner@dc68f91c06a1"
    assert prints["network"].startswith("zero_shot@")


def test_labels_are_part_of_the_fingerprint(tiny: Tiny, tmp_path: Path) -> None:
    shutil.copytree(tiny.folder, tmp_path / "a")
    labels = shutil.copy(SHIPPED / "pretrained_labels.yaml", tmp_path / "a/labels.yaml")
    file = str(write_set(tmp_path / "a", network={"zero_shot": "clip", "labels": "labels.yaml"}).file)
    before = model_set_fingerprint(file)
    Path(labels).write_text(Path(labels).read_text().replace("a sandy seashore", "a pebble beach"))
    assert model_set_fingerprint(file) != before


def test_a_fingerprint_loads_no_torch_and_reads_no_weights_twice(tiny: Tiny) -> None:
    code = f"""
import io, sys
from components.features import model_set_fingerprint, extract, fetch
opened, really = [], io.open
io.open = lambda file, *others, **named: opened.append(str(file)) or really(file, *others, **named)
prints = model_set_fingerprint({str(tiny.file)!r})
first = [name for name in opened if name.endswith((".safetensors", ".npz"))]
assert first and len(first) == len(set(first)), opened
opened.clear()
assert model_set_fingerprint({str(tiny.file)!r}) == prints
assert not {{'torch', 'transformers', 'open_clip', 'huggingface_hub', 'HanTa'}} & set(sys.modules)
print([name for name in opened if name in first])
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("[]\n", "")


def test_a_local_part_that_is_not_there_names_the_folder(tiny: Tiny, tmp_path: Path) -> None:
    (tmp_path / "tiny.yaml").write_text(tiny.file.read_text())
    with pytest.raises(UserError, match=f"no model in {tmp_path}/captioner; correct the path in {tmp_path}/tiny.yaml"):
        model_set_fingerprint(str(tmp_path / "tiny.yaml"))


def test_the_list_says_what_is_here(tiny: Tiny, tmp_path: Path) -> None:
    [mine, pretrained] = describe_model_sets(tmp_path, [str(tiny.file), "pretrained"])
    assert all(part["there"] for part in mine["parts"]) and len(mine["parts"]) == 5
    assert [part["part"] for part in pretrained["parts"] if not part["there"]] == [
        "captioner", "clip", "picture_encoder", "text_encoder", "network",
    ]  # fmt: skip


def fetching(hub: Hub, file: Path, folder: Path) -> subprocess.CompletedProcess[str]:
    """In a process of its own: the hub's library reads its endpoint when it is imported."""
    code = (
        "import sys; from pathlib import Path\nfrom components.errors import UserError\n"
        "from components.features import fetch\n"
        "try: fetch(sys.argv[1], Path(sys.argv[2]), print)\n"
        "except UserError as error: sys.exit(f'UserError {error}')"
    )
    environment = {
        **os.environ, "HF_ENDPOINT": hub.url, "HF_HUB_ETAG_TIMEOUT": "2", "HF_HUB_DOWNLOAD_TIMEOUT": "2",
        "HF_HUB_DISABLE_XET": "1",
    }  # fmt: skip
    return subprocess.run(
        [sys.executable, "-c", code, str(file), str(folder)], cwd=ROOT, env=environment, capture_output=True, text=True
    )  # fmt: skip


@pytest.fixture
def hub_set(tiny: Tiny, tmp_path: Path) -> Tiny:
    """The tiny set with its captioner and CLIP on a hub; CLIP's repository also holds what is not to be fetched."""
    shutil.copytree(tiny.folder, tmp_path / "set")
    for part in ("captioner", "clip"):
        (tmp_path / "set" / part).rename(tmp_path / part)
    for extra in (
        "pytorch_model.bin",
        "open_clip_pytorch_model.bin",
        "model.safetensors",
        "README.md",
        ".gitattributes",
    ):
        (tmp_path / "clip" / extra).write_bytes(b"x" * 1000)
    (tmp_path / "clip/onnx").mkdir()
    hub_parts = {part: {"hub": f"tiny/{part}", "revision": COMMIT} for part in ("captioner", "clip")}
    return write_set(tmp_path / "set", **hub_parts)


def test_fetch_gets_the_pinned_commit_and_only_what_is_loaded(hub_set: Tiny, tmp_path: Path) -> None:
    from components.features import load_models

    models = tmp_path / "home/models"
    spec = hub_set.spec()
    with pytest.raises(
        UserError, match=r"captioner is not on this machine .*run: postwright models fetch \S+tiny\.yaml"
    ):
        load_models(spec, models)

    hub = Hub({(f"tiny/{part}", COMMIT): tmp_path / part for part in ("captioner", "clip")})
    with serve(hub):
        done = fetching(hub, hub_set.file, models)
        assert done.returncode == 0, done.stderr
        assert "captioner: tiny/captioner@0123456789ab: " in done.stdout and " MB" in done.stdout
        files = [line for line in hub.asked if "/resolve/" in line or "/tree/" in line]
        assert files and all(f"/resolve/{COMMIT}/" in line or f"/tree/{COMMIT}" in line for line in files)
        clip = {path.name for path in (models / "tiny--clip" / COMMIT).iterdir() if path.is_file()}
        assert clip == {"open_clip_config.json", "open_clip_model.safetensors"}

        hub.asked.clear()
        assert fetching(hub, hub_set.file, models).returncode == 0
        assert hub.asked == [], "what is here is not asked for again"
    assert load_models(spec, models).revisions["captioner"] == "tiny/captioner@0123456789ab"


def test_a_broken_fetch_leaves_nothing_half_and_goes_on(hub_set: Tiny, tmp_path: Path) -> None:
    models = tmp_path / "models"
    hub = Hub({("tiny/captioner", COMMIT): tmp_path / "captioner"})
    with serve(hub):
        done = fetching(hub, hub_set.file, models)
        assert done.returncode == 1
        assert done.stderr.splitlines()[-1].startswith(
            "UserError clip: tiny/clip@0123456789ab: the hub has no such repository or commit"
        )
        assert (models / "tiny--captioner" / COMMIT / "model.safetensors").is_file()
        assert not (models / "tiny--clip" / COMMIT).exists()

        hub.repos["tiny/clip", COMMIT] = tmp_path / "clip"
        hub.cut = {"open_clip_model.safetensors"}
        hub.asked.clear()
        done = fetching(hub, hub_set.file, models)
        assert done.returncode == 0, done.stderr
        assert not [line for line in hub.asked if "tiny/captioner" in line]
    got, made = (f / "open_clip_model.safetensors" for f in (models / "tiny--clip" / COMMIT, tmp_path / "clip"))
    assert got.read_bytes() == made.read_bytes()


def test_without_network_fetch_says_so_in_one_line(hub_set: Tiny, tmp_path: Path) -> None:
    done = fetching(Hub({}, url="http://127.0.0.1:9"), hub_set.file, tmp_path / "models")
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith(
        "UserError captioner: tiny/captioner@0123456789ab: the hub cannot be reached"
    )
