"""The house rules that neither ruff nor import-linter can see, read off the syntax trees and the file names."""

import ast
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import ivigil

HOUSE = Path(__file__).resolve().parent.parent
PACKAGE = HOUSE / "src" / "ivigil"

# The rooms and ground-floor modules that decide something; those not built yet are bound from their first day.
RULE_ROOMS = (
    "assessment",
    "prescription",
    "infusion",
    "kinetics",
    "vigilance",
    "outcomes",
    "patient",
    "knowledge",
    "findings",
    "sources",
    "quantities",
    "written",
    "errors",
)
# The one module of the rule rooms that reads files; the edges call it.
LOADER = PACKAGE / "knowledge" / "loading.py"
#: Reads the sources of compiled functions, as Python's own import does, so that no machine code is older than they are.
COMPILING = PACKAGE / "kinetics" / "compiling.py"

FORBIDDEN_CALLS = {"open", "print", "input", "eval", "exec", "compile", "breakpoint", "__import__"}
FORBIDDEN_IMPORTS = {"builtins", "glob", "importlib", "io", "logging", "os", "pathlib", "pickle", "shutil", "tempfile"}

NAMES_THAT_NAME_NOTHING = {"utils", "util", "common", "helpers", "helper", "core", "services", "service", "misc"}
FOLDERS_OF_THE_PROJECT = ("src", "tests", "benchmarks", "docs")


def _rule_modules() -> list[Path]:
    rooms = [PACKAGE / room for room in RULE_ROOMS]
    inside = [module for room in rooms for module in sorted(room.rglob("*.py"))]
    return inside + [room.with_suffix(".py") for room in rooms if room.with_suffix(".py").exists()]


def _python_files(*folders: str) -> list[Path]:
    return [module for folder in folders for module in sorted((HOUSE / folder).rglob("*.py"))]


def _called_names(tree: ast.AST) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            yield node.lineno, node.func.id


def _imported_packages(tree: ast.AST) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, alias.name.partition(".")[0]
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            yield node.lineno, node.module.partition(".")[0]


def _forbidden_calls(source: str) -> list[tuple[int, str]]:
    return [(line, name) for line, name in _called_names(ast.parse(source)) if name in FORBIDDEN_CALLS]


def _forbidden_imports(source: str) -> list[tuple[int, str]]:
    return [(line, name) for line, name in _imported_packages(ast.parse(source)) if name in FORBIDDEN_IMPORTS]


def _values_of_key(document: Any, key: str) -> Iterator[Any]:
    """Every value that stands under the key, at any depth."""
    if isinstance(document, dict):
        for name, value in document.items():
            if name == key:
                yield value
            yield from _values_of_key(value, key)
    elif isinstance(document, list):
        for value in document:
            yield from _values_of_key(value, key)


def _brands() -> set[str]:
    brands: set[str] = set()
    for product in sorted((PACKAGE / "knowledge" / "data" / "products").glob("*.toml")):
        document = tomllib.loads(product.read_text(encoding="utf-8"))
        brands |= {value for value in _values_of_key(document, "brand") if isinstance(value, str)}
    return brands


def _brand_pattern(brands: set[str]) -> re.Pattern[str]:
    # `_` counts as a boundary here (PRIVIGEN_MAX names the brand too), a letter or digit does not.
    alternatives = "|".join(re.escape(brand) for brand in sorted(brands, key=len, reverse=True))
    return re.compile(rf"(?<![^\W_])(?:{alternatives})(?![^\W_])", re.IGNORECASE)


def _relative(path: Path) -> str:
    return path.relative_to(HOUSE).as_posix()


def test_the_walkers_see_what_they_forbid():
    assert _forbidden_calls("x = 1\neval('x')\nf(open('a'))") == [(2, "eval"), (3, "open")]
    assert _forbidden_imports("import os.path as p\nfrom pathlib import Path\nfrom . import io") == [
        (1, "os"),
        (2, "pathlib"),
    ]
    assert _brand_pattern({"Brandex 10%", "Otherin"}).findall("a brandex 10% b OTHERIN_MAX otherine") == [
        "brandex 10%",
        "OTHERIN",
    ]
    assert list(_values_of_key({"a": [{"brand": "x"}], "brand": "y"}, "brand")) == ["x", "y"]
    assert len(_rule_modules()) > 0


@pytest.mark.parametrize("module", _rule_modules(), ids=_relative)
def test_a_rule_room_opens_prints_asks_and_evaluates_nothing(module: Path):
    assert _forbidden_calls(module.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("module", [m for m in _rule_modules() if m not in {LOADER, COMPILING}], ids=_relative)
def test_a_rule_room_reaches_no_file_and_no_environment(module: Path):
    assert _forbidden_imports(module.read_text(encoding="utf-8")) == []


def test_every_built_rule_room_is_bound_by_the_import_contract():
    """The contract must name its rooms one by one; a new room that is forgotten there fails here."""
    project = tomllib.loads((HOUSE / "pyproject.toml").read_text(encoding="utf-8"))
    contracts = {contract["id"]: contract for contract in project["tool"]["importlinter"]["contracts"]}

    bound = set(contracts["pure-rules"]["source_modules"])

    built = {
        f"ivigil.{room}"
        for room in RULE_ROOMS
        if (PACKAGE / room / "__init__.py").exists() or (PACKAGE / f"{room}.py").exists()
    }
    assert built - bound == set()


def test_a_drug_name_is_data():
    """No brand of a shipped product stands in code: a product is added, renamed or withdrawn by its file alone."""
    brands = _brands()
    assert brands, "no brand found under src/ivigil/knowledge/data/products: this test would be blind"
    pattern = _brand_pattern(brands)

    named = [
        f"{_relative(module)}:{number}: {match.group()}"
        for module in _python_files("src", "benchmarks", "docs")
        for number, line in enumerate(module.read_text(encoding="utf-8").splitlines(), start=1)
        for match in pattern.finditer(line)
    ]

    assert named == []


def test_every_room_is_named_for_its_place_in_the_therapy():
    nameless = [
        _relative(path)
        for folder in FOLDERS_OF_THE_PROJECT
        for path in (HOUSE / folder).rglob("*")
        if path.stem.lower().lstrip("_") in NAMES_THAT_NAME_NOTHING and "__pycache__" not in path.parts
    ]

    assert nameless == []


def test_the_package_and_its_metadata_name_one_version():
    project = tomllib.loads((HOUSE / "pyproject.toml").read_text(encoding="utf-8"))

    assert ivigil.__version__ == project["project"]["version"]
