"""Jinja2 templates as files: two blocks, `system` and `user`, rendered in a sandbox from escaped prompt words.

Reads `templates/<name>.j2` or a user's own .j2 path. A template is one file without includes, so that its text alone
says what it renders and can stand in a spec's id; nothing random and no clock is in reach of it, for the same reason.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import jinja2
from jinja2 import meta
from jinja2.sandbox import ImmutableSandboxedEnvironment

from components.errors import UserError
from components.specs import WORDS

FOLDER = Path(__file__).parent / "templates"
VARIABLES = (*WORDS, "order", "text", "has_picture", "platform", "language")


@dataclass(frozen=True)
class Template:
    """A compiled template; `variables` are those it names anywhere."""

    name: str
    source: jinja2.Template
    variables: frozenset[str]

    def render(self, block: str, values: Mapping[str, Any]) -> str:
        """One block, without trailing spaces or runs of empty lines. UserError where the template fails on `values`."""
        try:
            text = "".join(self.source.blocks[block](self.source.new_context(dict(values))))
        except (jinja2.TemplateError, TypeError, ValueError, ArithmeticError, AttributeError, LookupError) as error:
            raise UserError(f"template {self.name}, block {block}: {error}; correct the template") from error
        text = re.sub(r"[ \t]+$", "", text, flags=re.MULTILINE)
        return re.sub(r"\n{3,}", "\n\n", text).strip()


def known_templates() -> list[str]:
    return sorted(path.stem for path in FOLDER.glob("*.j2"))


def template_text(name: str) -> str:
    """The template's file as it stands: part of a prompt spec's id. `name` is a known one or the path of a .j2 file."""
    if name in known_templates():
        return (FOLDER / f"{name}.j2").read_text("utf-8")
    known = f"known are {', '.join(known_templates())}, or the path of a .j2 file"
    if not name.endswith(".j2"):
        raise UserError(f"prompt.template: there is no template {name!r}; {known}")
    try:
        return Path(name).read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8 text"
        raise UserError(f"prompt.template: cannot read {name}: {reason}; {known}") from error


def load_template(name: str) -> Template:
    """Raises UserError in one line for an unknown name, a syntax error, a missing block or an unknown variable."""
    return _compile(name, template_text(name))


@cache
def _compile(name: str, text: str) -> Template:
    environment = _environment()
    try:
        tree = environment.parse(text)
        source = environment.from_string(text)
    except jinja2.TemplateSyntaxError as error:
        raise UserError(f"template {name}, line {error.lineno}: {error.message}; correct the template") from error
    missing = {"system", "user"} - set(source.blocks)
    if missing:
        raise UserError(
            f"template {name}: there is no {{% block {min(missing)} %}}; a template has the blocks system and user"
        )
    variables = meta.find_undeclared_variables(tree) - set(environment.globals)
    if unknown := variables - set(VARIABLES):
        raise UserError(f"template {name}: there is no variable {min(unknown)!r}; known are {', '.join(VARIABLES)}")
    if any(True for _ in meta.find_referenced_templates(tree)):
        raise UserError(f"template {name} includes or extends another; put everything into one file")
    return Template(name, source, frozenset(variables))


def _environment() -> ImmutableSandboxedEnvironment:
    environment = ImmutableSandboxedEnvironment(
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=False,  # the words arrive escaped for a prompt; HTML rules would escape them twice
        finalize=lambda value: "" if value is None else value,
    )
    del environment.filters["random"], environment.globals["lipsum"]
    return environment
