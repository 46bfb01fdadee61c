"""The arrows of the house, and documents that cannot go stale."""

import ast
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from components.records import LEARNING, OPINIONS, TABLES
from components.warehouse.store import Store

ROOT = Path(__file__).parents[1]
TOP_LEVEL = {
    "pyproject.toml",
    "flows",
    "components",
    "data_checks",
    "tests",
    "prefect.yaml",
    "README.md",
    "Makefile",
    "LICENSE",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "requirements.lock",
    "campaigns",
    "bench",
    "docs",
    ".ci",
    ".gitignore",
    ".git",
}
LAZY = ("torch", "transformers", "open_clip", "openai", "great_expectations")
"""Slow to import: only inside the functions that use them, so that `--help` and a wrong file answer at once."""


def modules(package: str) -> Iterator[Path]:
    return (path for path in (ROOT / package).rglob("*.py") if "__pycache__" not in path.parts)


def imports(path: Path, top_level: bool = False) -> set[str]:
    """Every module imported in a file; with `top_level` only those imported when the file is."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    found = set()
    nodes = list(toplevel(tree)) if top_level else list(ast.walk(tree))
    for node in nodes:
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
    return found


def toplevel(tree: ast.Module) -> Iterator[ast.AST]:
    """Statements that run at import; `if TYPE_CHECKING` does not."""
    for node in tree.body:
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            continue
        yield node


def roots(names: set[str]) -> set[str]:
    return {name.split(".")[0] for name in names}


@pytest.mark.parametrize(
    ("package", "forbidden"),
    [
        ("components", {"prefect", "great_expectations", "flows", "data_checks"}),
        ("data_checks", {"prefect", "components", "flows"}),
    ],
)
def test_arrows_point_one_way(package: str, forbidden: set[str]) -> None:
    wrong = {str(path.relative_to(ROOT)): roots(imports(path)) & forbidden for path in modules(package)}
    assert {path: names for path, names in wrong.items() if names} == {}


def test_only_settings_reads_the_environment() -> None:
    allowed = {ROOT / "flows/settings.py", ROOT / "flows/check_machine.py"}
    wrong = [
        str(path.relative_to(ROOT))
        for package in ("components", "flows", "data_checks")
        for path in modules(package)
        if path not in allowed and re.search(r"os\.environ|os\.getenv", path.read_text(encoding="utf-8"))
    ]
    assert wrong == []


def test_only_the_store_opens_duckdb_files() -> None:
    wrong = [
        str(path.relative_to(ROOT))
        for package in ("components", "flows")
        for path in modules(package)
        if path.name not in ("opening.py", "connecting.py")
        and re.search(r"duckdb\.connect\((?!\))|\bATTACH\b|import opened", path.read_text(encoding="utf-8"))
    ]
    assert wrong == []


@pytest.mark.parametrize("package", ["components", "flows", "data_checks"])
def test_slow_packages_are_imported_where_they_are_used(package: str) -> None:
    late = {ROOT / "components/features/network.py"} | set((ROOT / "components/starter").rglob("*.py"))
    wrong = {
        str(path.relative_to(ROOT)): roots(imports(path, top_level=True)) & set(LAZY)
        for path in modules(package)
        if path not in late
    }
    assert {path: names for path, names in wrong.items() if names} == {}


def test_every_table_has_a_suite_a_record_and_a_flow(tmp_path: Path) -> None:
    store = Store(tmp_path / "warehouse.duckdb")
    store.prepare()
    flows = "".join(path.read_text() for path in (ROOT / "flows").glob("*.py"))
    for table, record in (TABLES | LEARNING | OPINIONS).items():
        names = [row["column_name"] for row in store.query(f'DESCRIBE "{table}"')]
        assert sorted(names) == sorted(record.__dataclass_fields__), table
        assert (ROOT / f"data_checks/{table}.py").exists(), table
        assert f'"{table}"' in flows, f"no flow publishes {table}"


def test_the_top_level_is_what_was_agreed() -> None:
    import subprocess

    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False).stdout
    if not tracked:
        pytest.skip("not a git checkout: the list of shipped files is git's")
    assert {line.split("/")[0] for line in tracked.splitlines()} <= TOP_LEVEL


def test_flow_files_shadow_no_package() -> None:
    """With path entrypoints Prefect puts flows/ itself at the head of sys.path."""
    packages = {"prefect", "duckdb", "torch", "openai", "pandas", "typing", "types", "logging", "json", "queue", "test"}
    assert not {path.stem for path in modules("flows")} & packages


DOCUMENTS = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    ROOT / "bench" / "README.md",
    *sorted((ROOT / "docs").glob("*.md")),
]


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_documents_name_only_files_that_exist(document: Path) -> None:
    text = document.read_text(encoding="utf-8")
    linked = [link for link in re.findall(r"\]\(([^)#\s]+)", text) if "://" not in link]
    quoted = re.findall(r"`((?:flows|components|data_checks|tests|campaigns|bench|docs)/[^`\s*<>{}]*)`", text)
    missing = [name for name in {*linked} if not (document.parent / name).exists()]
    missing += [name for name in {*quoted} if not (ROOT / name.split("::")[0]).exists()]
    assert missing == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_documents_name_only_commands_and_flags_that_exist(document: Path) -> None:
    from flows.cli import parser

    text = document.read_text(encoding="utf-8")
    blocks = re.findall(r"```(?:sh|bash|console)?\n(.*?)```", text, re.S)
    lines = [line.strip() for block in blocks for line in block.splitlines()] + re.findall(
        r"`(postwright [^`]*)`", text
    )
    for line in lines:
        words = line.split("#")[0].split()
        if "postwright" not in words[:3] or "pip" in words:
            continue
        command = shlex.split(" ".join(words[words.index("postwright") + 1 :]))
        if any(word.isupper() and not word.endswith(".yaml") for word in command) or "|" in line or "..." in line:
            continue
        try:
            parser().parse_args(command)
        except SystemExit as stop:
            assert stop.code == 0, f"{document.name}: {line}"


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_documents_name_only_make_targets_that_exist(document: Path) -> None:
    targets = set(re.findall(r"^([a-z./]+):", (ROOT / "Makefile").read_text(), re.M))
    named = set(re.findall(r"`make ([a-z./]+)`|^make ([a-z./]+)", document.read_text(encoding="utf-8"), re.M))
    assert {one or other for one, other in named} <= targets


def test_comments_name_only_modules_that_exist() -> None:
    named = {
        f"{path.relative_to(ROOT)}: {name}"
        for package in ("components", "flows", "data_checks")
        for path in modules(package)
        for name in re.findall(
            r"\b(?:components|flows|data_checks|bench)/[\w/]+\.py\b", path.read_text(encoding="utf-8")
        )
        if not (ROOT / name).is_file()
    }
    assert not named, named


def test_deployments_point_at_flows_that_exist() -> None:
    deployments = yaml.safe_load((ROOT / "prefect.yaml").read_text())["deployments"]
    flows = set()
    for deployment in deployments:
        file, name = deployment["entrypoint"].split(":")
        tree = ast.parse((ROOT / file).read_text())
        assert name in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
        flows.add(file)
    steps = {f"flows/{path.name}" for path in modules("flows") if re.search(r"^@flow\(", path.read_text(), re.M)}
    assert flows == steps, "one deployment per flow"


def test_tasks_have_no_tags() -> None:
    """Before a task with tags begins, Prefect asks its server for their limits, and where SQLite is just being written
    the answer is a 503 that its client repeats after two seconds and more: once a chunk."""
    tagged = [path.name for path in modules("flows") if re.search(r"@task\([^)]*\btags=", path.read_text())]
    assert not tagged


def test_the_lock_has_hashes_and_no_address() -> None:
    lock = (ROOT / "requirements.lock").read_text()
    pins = re.findall(r"^[a-z0-9][\w.\-\[\]]*==\S+", lock, re.M | re.I)
    assert len(pins) > 100
    assert lock.count("--hash=sha256:") > len(pins)
    assert "://" not in lock
