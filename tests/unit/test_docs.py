"""The documents tell today's truth where a machine can know it: links, settings, dependencies, words."""

import re
import tomllib
from enum import StrEnum
from pathlib import Path
from types import ModuleType
from typing import Any, get_args

import pytest
import yaml

from hcrm_central import cli
from hcrm_central.connectors.extract.feeds import FEEDS
from hcrm_central.connectors.ledger.profile import FIELDS, Reading
from hcrm_central.settings import Settings
from hcrm_core import terms, wire
from hcrm_core.rules import model

ROOT = Path(__file__).parents[2]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
LINK = re.compile(r"\]\(([^)#\s]+)[^)]*\)")


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def enums(module: ModuleType) -> list[type[StrEnum]]:
    found = [one for one in vars(module).values() if isinstance(one, type) and issubclass(one, StrEnum)]
    return [one for one in found if one.__module__ == module.__name__]


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_relative_link_leads_somewhere(document: Path) -> None:
    links = [link for link in LINK.findall(document.read_text(encoding="utf-8")) if "://" not in link]
    assert [link for link in links if not (document.parent / link).exists()] == []


def test_every_setting_of_the_centre_is_described() -> None:
    described = read("docs/central.md")
    assert [name for name in Settings.model_fields if f"HCRM_{name.upper()}`" not in described] == []


def test_every_command_of_the_centre_is_described() -> None:
    described = read("docs/central.md")
    commands = [
        (one.name or one.callback.__name__).replace("_", "-") for one in cli.app.registered_commands if one.callback
    ]
    for group in cli.app.registered_groups:
        named = (one.name for one in group.typer_instance.registered_commands) if group.typer_instance else ()
        commands += [f"{group.name} {name}" for name in named]
    assert len(commands) > 5
    assert [name for name in commands if f"`{name}`" not in described] == []


def test_every_word_of_a_ledger_profile_is_described() -> None:
    words = set(re.findall(r"\w+", read("docs/ledger.md")))
    fields = {field.rpartition(".")[2] for field in FIELDS}
    assert sorted((fields | set(get_args(Reading))) - words) == []


def test_every_column_of_an_extract_is_described() -> None:
    rows = {row.split("`")[1]: row for row in read("docs/extract.md").splitlines() if row.startswith("| `")}
    for name, feed in FEEDS.items():
        words = set(re.findall(r"\w+", rows[name]))
        words |= {f"{eye}_{word}" for eye in ("od", "os") for word in words}
        assert [column.name for column in feed.columns if column.name not in words] == [], name


def test_every_dependency_is_justified_and_nothing_else() -> None:
    project = tomllib.loads(read("pyproject.toml"))["project"]
    extras = project["optional-dependencies"]
    wanted = {requirement_name(one) for one in [*project["dependencies"], *extras["central"], *extras["spark"]]}
    document, development = read("docs/dependencies.md").split("## Development")
    rows = re.findall(r"^\| ([\w, -]+) \|", document, flags=re.MULTILINE)
    assert {name.strip() for row in rows for name in row.split(",")} - {"package"} == wanted
    assert [name for name in map(requirement_name, extras["dev"]) if name.lower() not in development.lower()] == []


def requirement_name(requirement: str) -> str:
    return re.split(r"[\[<>=!~]", requirement, maxsplit=1)[0]


@pytest.mark.parametrize(
    "vocabulary", [*enums(terms), *enums(model), wire.ResultStatus], ids=lambda vocabulary: str(vocabulary.__name__)
)
def test_the_glossary_has_every_word_of_a_vocabulary(vocabulary: type[StrEnum]) -> None:
    glossary = read("docs/glossary.md")
    assert [member.value for member in vocabulary if f"`{member.value}`" not in glossary] == []


@pytest.mark.parametrize("folder", ["rules", "sops"])
def test_the_glossary_names_every_segment_and_sop(folder: str) -> None:
    glossary = read("docs/glossary.md")
    loaded = [yaml.safe_load(path.read_text(encoding="utf-8")) for path in (ROOT / "resources" / folder).glob("*.yaml")]
    named: list[dict[str, Any]] = [one.get("segment", one) if folder == "rules" else one for one in dicts(loaded)]
    assert [one["key"] for one in named if f"{one['label']} | `{one['key']}`" not in glossary] == []


def dicts(loaded: list[Any]) -> list[dict[str, Any]]:
    return [one for one in loaded if isinstance(one, dict)]  # parameters.yaml is a list
