"""What stands in a prefect.yaml, as far as `postwright up` wants to know before it deploys it. Imports no Prefect."""

import re
from pathlib import Path

import yaml

from components.errors import UserError
from components.records import content_id

ROOT = Path(__file__).parents[1]
"""The checkout: entrypoints and the paths of deployed campaigns are relative to it."""
SECRET = re.compile(r"prefect\.blocks\.secret\.([\w-]+)")


def declared(file: Path) -> list[str]:
    """Names of the deployments in a prefect.yaml; raises UserError for a file that is none, or that names secrets:
    `prefect deploy` would resolve them there and then, and write them into the deployment for everybody to read."""
    try:
        text = file.read_text(encoding="utf-8")
        names = [str(deployment["name"]) for deployment in yaml.safe_load(text)["deployments"]]
    except OSError as error:
        raise UserError(f"{file}: {error.strerror}; --file names the prefect.yaml to deploy") from None
    except (yaml.YAMLError, KeyError, TypeError) as error:
        reason = " ".join(str(error).split())
        raise UserError(f"{file}: no deployments in it ({reason}); docs/deploying.md has an example") from None
    if found := SECRET.search(text):
        raise UserError(
            f"{file} names the secret {found.group(1)!r}: deploying would write it down in plain; take it out, then: "
            f"postwright up --secret ENV={found.group(1)}"
        )
    return names


def fingerprint(file: Path) -> str:
    """Changes with what deployments are made of: the file, and the flows and specs whose forms they show."""
    sources = sorted(path for folder in ("flows", "components") for path in (ROOT / folder).rglob("*.py"))
    return content_id(str(ROOT), file.read_text(encoding="utf-8"), [path.read_text("utf-8") for path in sources])
