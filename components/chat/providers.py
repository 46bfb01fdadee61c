"""Which providers there are, where they answer, and whether a spec can be bought at all before anything is spent."""

import ipaddress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from components.errors import UserError
from components.specs import ChatSpec

IN_PROCESS = "offline"
"""The endpoint of models that run inside this process."""


@dataclass(frozen=True, slots=True)
class Provider:
    endpoint: str


PROVIDERS = {
    "openai": Provider("https://api.openai.com/v1"),
    "offline": Provider(IN_PROCESS),
    "human": Provider("nobody"),
}
HUMAN = "human/source"
"""A writer without a model (components/posts/human.py): nothing is asked, so nothing is bought."""


def split_model(model: str) -> tuple[str, str]:
    """provider and name of `provider/name`; the name may hold slashes (`openai/meta-llama/Llama-3.1-8B`)."""
    provider, slash, name = model.partition("/")
    if not slash or not name or provider not in PROVIDERS:
        known = ", ".join(f"{known}/..." for known in PROVIDERS if known != "human")
        raise UserError(f"unknown model {model!r}: a model is provider/name, one of {known}")
    return provider, name


def endpoint_of(model: str, endpoint: str | None) -> str:
    """The base URL that is asked, without a closing slash."""
    provider, _ = split_model(model)
    return (endpoint or PROVIDERS[provider].endpoint).rstrip("/")


def revision_of(model: str) -> str | None:
    """Offline models are code: their version is part of what they are. A server's model has none that we can see."""
    provider, name = split_model(model)
    if provider != "offline":
        return None
    from components.chat import offline

    return offline.revision(name)


def is_loopback(endpoint: str) -> bool:
    host = (urlsplit(endpoint).hostname or "").lower()
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def check(spec: ChatSpec, api_key: str | None, allow_unpriced: bool, prices: Path | None = None) -> None:
    """Raises UserError for everything that would make a purchase fail for sure: unknown provider or offline model, an
    endpoint that is no address, a missing or broken key, an unknown price. Opens no connection."""
    from components.chat.prices import FILE, require_price

    provider, name = split_model(spec.model)
    if provider == "human":
        if spec.model != HUMAN or spec.step != "generate_posts":
            raise UserError(f"{spec.model} cannot be asked: {HUMAN} is a writer, the only one of its kind")
        return
    if provider == "offline":
        from components.chat import offline

        if spec.endpoint:
            raise UserError(f"{spec.model} runs inside this process: remove `endpoint: {spec.endpoint}`")
        if not offline.is_known(name):
            known = ", ".join(f"offline/{known}" for known in offline.MODELS)
            raise UserError(f"unknown model {spec.model!r}: the offline models are {known}")
        if spec.mode == "batch":
            raise UserError(f"{spec.model} answers at once, inside this process: remove `mode: batch`")
        if spec.api != "chat":
            raise UserError(f"{spec.model} speaks chat completions only: remove `api: {spec.api}`")
        return
    endpoint = endpoint_of(spec.model, spec.endpoint)
    _check_endpoint(endpoint)
    _check_key(endpoint, api_key, spec.api_key_env)
    require_price(spec.model, spec.endpoint, allow_unpriced, prices or FILE)


def _check_endpoint(endpoint: str) -> None:
    try:
        parts = urlsplit(endpoint)
        good = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        good = False
    if not good:
        raise UserError(f"`endpoint: {endpoint}` is no address: give a base URL such as http://127.0.0.1:8000/v1")
    if parts.username or parts.password or parts.query:
        # It would stand in the journal and in every table.
        raise UserError(
            f"the endpoint at {parts.hostname} carries a password or a query: put the secret into `api_key_env`"
        )


def _check_key(endpoint: str, api_key: str | None, variable: str) -> None:
    if not api_key:
        if is_loopback(endpoint):
            return
        raise UserError(
            f"{endpoint} needs a key: set the environment variable {variable}, or name another in `api_key_env`"
        )
    if not api_key.isascii() or not api_key.isprintable() or " " in api_key:
        raise UserError(f"the key in {variable} holds a space, a line break or a sign no key has: set it again")
