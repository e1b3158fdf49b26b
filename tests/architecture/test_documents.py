"""The documents name only what exists: targets, commands, links, files, names in the source."""

import re
from collections.abc import Callable, Iterator
from functools import lru_cache
from pathlib import Path

import pytest
from rest_framework import exceptions
from rest_framework_simplejwt import serializers

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = sorted(
    [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), ROOT / ".env.example"],
    key=lambda path: path.relative_to(ROOT).as_posix(),
)
FOLDERS = sorted(path.name for path in ROOT.iterdir() if path.is_dir() and not path.name.startswith("."))

CODE = re.compile(r"```.*?```|`[^`\n]+`", re.DOTALL)
FENCE = re.compile(r"```.*?```", re.DOTALL)
LINK = re.compile(r"\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
PATH = re.compile(rf"(?<![\w./-])(?:{'|'.join(map(re.escape, FOLDERS))})/[\w./*{{}},-]*")
ROOT_FILE = re.compile(r"`([A-Z][\w.]*\.md|Makefile|LICENSE|[\w-]+\.(?:toml|lock|yml))`")
# One word of code that looks like a name: with an underscore, a dot inside or a capital inside.
NAME = re.compile(r"`([A-Za-z]+(?:_\w+|(?:\.[a-z_]\w*)+|[A-Z]\w+))`")
TARGET = re.compile(r"\bmake ([a-z]+(?:-[a-z]+)*)\b")
MACHINE = re.compile(
    r"(?<![\w.])/(?:work|root|home|Users|tmp|mnt|workspace)/|https?://(?!127\.0\.0\.1|[\w.]*\.invalid)[^\s)>`]+"
)
# Addresses a reader may want; nothing that a build downloads from.
ADDRESSES_ALLOWED = ("https://www.apache.org/licenses/", "https://keepachangelog.com/", "https://semver.org/")


def targets(makefile: str) -> dict[str, str]:
    """Target → help text, empty when it has none."""
    found = re.findall(r"^([a-z][a-z-]*):(?!=)[^#\n]*(?:## (.*))?$", makefile, re.MULTILINE)
    return dict(found)


def unknown_targets(text: str) -> list[str]:
    known = targets((ROOT / "Makefile").read_text())
    code = " ".join(CODE.findall(text))
    return [f"make {name}" for name in TARGET.findall(code) if name not in known]


def broken_links(text: str, folder: Path) -> list[str]:
    return [link for link in LINK.findall(FENCE.sub("", text)) if not _leads_somewhere(link, folder)]


def _leads_somewhere(link: str, folder: Path) -> bool:
    if "://" in link:
        return True
    file, _, anchor = link.partition("#")
    path = (folder / file).resolve() if file else None
    if path is not None and not path.exists():
        return False
    return not anchor or path is None or anchor in {_slug(heading) for heading in HEADING.findall(path.read_text())}


def _slug(heading: str) -> str:
    """The anchor a code host gives a heading."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def missing_paths(text: str) -> list[str]:
    inside = [code for code in CODE.findall(text) if not code.startswith("```mermaid")]
    named = [name for code in inside for name in PATH.findall(code)] + ROOT_FILE.findall(text)
    return [name for name in named if not any(_matches(name.rstrip(".,")))]


def _matches(name: str) -> Iterator[Path]:
    """Files the name stands for; it may hold * and {a,b}."""
    choice = re.search(r"\{([^}]*)\}", name)
    if choice:
        for option in choice.group(1).split(","):
            yield from _matches(name[: choice.start()] + option + name[choice.end() :])
    else:
        yield from ROOT.glob(name.rstrip("/"))


def unknown_commands(text: str) -> list[str]:
    """Commands of manage.py and deploy.local that do not exist."""
    from django.core.management import get_commands

    from deploy.local.__main__ import COMMANDS

    ours = [name for name in re.findall(r"manage\.py ([a-z_]+)", text) if name not in get_commands()]
    stack = [name for name in re.findall(r"deploy\.local ([a-z]+)", text) if name not in COMMANDS]
    actions = [
        f"{command} {action}"
        for command, action in re.findall(r"manage\.py (ledger|outbox) ([a-z]+(?:-[a-z]+)*)", text)
        if f'"{action}"' not in _listing_of(command)
    ]
    return ours + stack + actions


def _listing_of(command: str) -> str:
    """The text that lists a command's actions: the command itself, or the package beside it that holds them."""
    found = next(ROOT.glob(f"*/management/commands/{command}.py"))
    actions = found.parents[1] / "actions" / "__init__.py"
    return (actions if actions.exists() else found).read_text()


def machine_paths(text: str) -> list[str]:
    return [found for found in MACHINE.findall(text) if not found.startswith(ADDRESSES_ALLOWED)]


@lru_cache
def source_text() -> str:
    """Everything a name in a document may come from: our source, file names, and what REST framework answers with."""
    kinds = (".py", ".sql", ".cql", ".toml", ".yml", ".sh")
    files = [
        path for folder in FOLDERS if folder != "docs" for path in (ROOT / folder).rglob("*") if path.suffix in kinds
    ]
    single = [ROOT / name for name in ("Makefile", "pyproject.toml", "docker-compose.yml", ".env.example")]
    foreign = [Path(str(module.__file__)) for module in (exceptions, serializers)]
    texts = [path.read_text() for path in [*files, *single, *foreign] if path != Path(__file__).resolve()]
    return "\n".join([*texts, *(path.name for path in files)])


def unknown_names(text: str) -> list[str]:
    """Names of functions, columns, codes, log events: code in one word that the source does not have."""
    source = source_text()
    return [name for name in NAME.findall(FENCE.sub("", text)) if name not in source]


CHECKS: dict[str, Callable[[str, Path], list[str]]] = {
    "targets of the Makefile": lambda text, folder: unknown_targets(text),
    "links": broken_links,
    "paths of the project": lambda text, folder: missing_paths(text),
    "names in the source": lambda text, folder: unknown_names(text),
    "commands": lambda text, folder: unknown_commands(text),
    "paths and addresses of a machine": lambda text, folder: machine_paths(text),
}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())
@pytest.mark.parametrize("check", CHECKS)
def test_a_document_names_only_what_exists(document: Path, check: str) -> None:
    assert CHECKS[check](document.read_text(), document.parent) == []


@pytest.mark.parametrize(
    ("check", "text", "found"),
    [
        ("targets of the Makefile", "Run `make verify`, then `make tea`.", ["make tea"]),
        ("targets of the Makefile", "```bash\nmake tea ARGS=1\n```", ["make tea"]),
        ("links", "See [this](glossary.md), [that](nothing.md).", ["nothing.md"]),
        ("links", "See [this](glossary.md#nowhere).", ["glossary.md#nowhere"]),
        ("paths of the project", "`core/errors.py` and `core/mistakes.py`", ["core/mistakes.py"]),
        (
            "paths of the project",
            "`core/*/domain/*_state.py`, `core/{e,m*}.pyx`",
            ["core/{e,m*}.pyx"],
        ),
        ("paths of the project", "`SECURITY.md` and `INSECURITY.md`", ["INSECURITY.md"]),
        (
            "names in the source",
            "`order_not_draft`, `order_not_daft`, `LedgerProjector`",
            ["order_not_daft", "LedgerProjector"],
        ),
        ("commands", "`manage.py ledger verify`, `manage.py ledger burn`", ["ledger burn"]),
        ("commands", "`manage.py burn`, `python -m deploy.local burn`", ["burn", "burn"]),
        ("paths and addresses of a machine", "in /home/ada/x, at http://127.0.0.1:1", ["/home/"]),
        ("paths and addresses of a machine", "from https://example.org/simple", ["https://example.org/simple"]),
    ],
)
def test_a_name_of_nothing_is_found(check: str, text: str, found: list[str]) -> None:
    assert CHECKS[check](text, ROOT / "docs") == found


def test_every_target_of_the_makefile_says_what_it_does() -> None:
    makefile = (ROOT / "Makefile").read_text()

    assert [name for name, text in targets(makefile).items() if not text] == []
    assert targets("up: setup ## start it\ndown:\n\trm x\n") == {"up": "start it", "down": ""}
