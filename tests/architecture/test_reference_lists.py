"""The lists that a reader looks things up in are complete and needed: variables, error codes, terms."""

import ast
import re
from pathlib import Path

from core.errors import ERROR_CODES

ROOT = Path(__file__).resolve().parents[2]


def variables_read(source: str) -> set[str]:
    """Names given to env.str(), env.int() …, with an f-string's parts taken from the module's own constants."""
    tree = ast.parse(source)
    constants: dict[str, list[str]] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            branches = [node.value.body, node.value.orelse] if isinstance(node.value, ast.IfExp) else [node.value]
            constants[node.targets[0].id] = [str(b.value) for b in branches if isinstance(b, ast.Constant)]
    return {
        name
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and ast.unparse(node.func).startswith("env.") and node.args
        for name in _texts(node.args[0], constants)
        if re.fullmatch(r"[A-Z][A-Z0-9_]+", name)
    }


def _texts(node: ast.expr, constants: dict[str, list[str]]) -> list[str]:
    if isinstance(node, ast.Constant):
        return [str(node.value)]
    found = [""]
    for part in node.values if isinstance(node, ast.JoinedStr) else []:
        values = constants[ast.unparse(part.value)] if isinstance(part, ast.FormattedValue) else _texts(part, constants)
        found = [before + value for before in found for value in values]
    return found


def test_the_example_of_the_environment_names_exactly_the_variables_that_settings_read() -> None:
    sources = [ROOT / "core/env.py", *(ROOT / "core/settings").glob("*.py")]
    read = set().union(*(variables_read(source.read_text()) for source in sources))
    named = re.findall(r"^(?:# )?([A-Z][A-Z0-9_]+)=", (ROOT / ".env.example").read_text(), re.MULTILINE)

    assert sorted(named) == sorted(read)
    assert variables_read('p = "A_" if x else "B_"\ny = env.int(f"{p}USER"); z = env.str("C_D")') == {
        "A_USER",
        "B_USER",
        "C_D",
    }


def test_each_variable_of_the_example_has_its_own_comment() -> None:
    lines = (ROOT / ".env.example").read_text().splitlines()
    assignments = [number for number, line in enumerate(lines) if re.match(r"(?:# )?[A-Z][A-Z0-9_]+=", line)]

    assert [lines[number] for number in assignments if not re.match(r"# [A-Z].*\.$", lines[number - 1])] == []


def error_rows(text: str) -> dict[str, tuple[str, ...]]:
    """Code → status, retryable, Retry-After, meaning: the rows of five columns."""
    rows = re.findall(r"^\| `(\w+)` \| (\d+) \| (yes|no) \| (\d*) ?\| (.+) \|$", text, re.MULTILINE)
    return {code: tuple(rest) for code, *rest in rows}


def test_the_table_of_errors_is_complete_and_true() -> None:
    # Whatever defines an error code is reachable from these.
    import core.urls  # noqa: F401
    import payments_ledger.sink  # noqa: F401
    import workers.celery  # noqa: F401

    expected = {
        code: (
            str(error.status),
            "yes" if error.retryable else "no",
            str(error.retry_after_seconds or ""),
            (error.__doc__ or "").strip().splitlines()[0],
        )
        for code, error in ERROR_CODES.items()
        if error.__module__.split(".")[0] != "tests"
    }

    assert error_rows((ROOT / "docs/errors.md").read_text()) == expected


def unused_terms(glossary: str, source: str) -> list[str]:
    """Terms whose first word the source never uses."""
    terms = re.findall(r"^\| \*\*(.+?)\*\* \|", glossary, re.MULTILINE)
    return [term for term in terms if not re.search(rf"\b{re.split(r'[ ,(]', term)[0]}", source, re.IGNORECASE)]


def test_the_glossary_explains_only_words_that_are_used() -> None:
    folders = ["core", "outbox", "payments_ledger", "workers", "simulators", "deploy"]
    files = [ROOT / "pyproject.toml", *(path for folder in folders for path in (ROOT / folder).rglob("*.py"))]
    source = "\n".join(path.read_text() for path in files)
    glossary = (ROOT / "docs/glossary.md").read_text()

    assert unused_terms(glossary, source) == []
    assert unused_terms("| **lane** | a |\n| **wormhole** | b |", "lanes") == ["wormhole"]
    assert glossary.count("\n| **") > 40
