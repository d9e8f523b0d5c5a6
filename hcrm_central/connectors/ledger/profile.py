"""Mapping profiles: how a clinic's workbook is laid out, as data that a person can read and extend (docs/ledger.md)."""

import re
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from hcrm_central.connectors.ledger.refused import LedgerRefused
from hcrm_core.parsed import plain
from hcrm_core.terms import Eye
from hcrm_store.resources import resource

IGNORED = "ignored"
_UNIT = re.compile(r"\((?:mm|mmhg|μm|um|d|ds|dc|度|元)\)$")

Reading = Literal[
    "text", "money", "word", "name", "phone", "national_id", "past_date", "birth_date", "next_date",
    "acuity", "diopters", "axis", "refraction", "axial_length", "keratometry", "pressure", "thickness",
]  # fmt: skip
_PERSON = {"name", "sex", "birth_date", "national_id", "phone", "guardian_name", "school", "school_class", "note"}
_PROCESS = {
    "filed_on", "dispensed_on", "replaced_on", "examined_on", "last_check_on", "next_check", "contacted_on", "outcome",
    "assistant", "optometrist", "brand", "model", "brand_model", "product", "price", "cycloplegic", "advice",
}  # fmt: skip
_EYE = {
    "ucva", "bcva", "sphere", "cylinder", "axis", "prescription", "axial_length_mm", "k1", "k2", "iop_mmhg", "cct_um",
}  # fmt: skip
FIELDS = _PERSON | _PROCESS | {f"{eye}.{name}" for eye in Eye for name in _EYE} | {IGNORED}


def folded(text: object) -> str:
    """A title or word without the differences people make when they type it again."""
    return "".join(plain(str(text)).split()).casefold()


def _title(text: str) -> str:
    """A title folded, whether `右眼/球镜` stands in two rows or 右眼球镜 in one, and without the unit behind it."""
    return _UNIT.sub("", folded(text)).replace("/", "")


class _Declared(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Column(_Declared):
    """One column: its possible titles, the field it fills, and how its cells are read.

    Attributes:
        titles: as written in the header; of a two-row header `右眼/球镜`.
        field: what the value is; `ignored` keeps it with the source record only.
        parse: how its cells are read (docs/ledger.md).
        words: for `parse: word`, what each word means.
        required: without this column the sheet is not read.
        on_error: an unreadable cell loses its value (`cell`) or holds its row back (`row`).
    """

    titles: list[str] = Field(min_length=1)
    field: str
    parse: Reading = "text"
    words: dict[str, str] = {}
    required: bool = False
    on_error: Literal["cell", "row"] = "cell"

    @field_validator("words")
    @classmethod
    def _fold_words(cls, words: dict[str, str]) -> dict[str, str]:
        return {folded(word): meaning for word, meaning in words.items()}

    @field_validator("field")
    @classmethod
    def _known_field(cls, field: str) -> str:
        if field not in FIELDS:
            raise ValueError(f"there is no field {field!r}; there are: {', '.join(sorted(FIELDS))}")
        return field

    def answers_to(self, title: str) -> bool:
        return _title(title) in {_title(one) for one in self.titles}


class Sheet(_Declared):
    """One kind of sheet and what its rows become."""

    key: str
    record: Literal["ok_fitting", "frame_order", "screening"]
    names: list[str]
    header_rows: int = Field(ge=1, le=2)
    texts: dict[str, str] = {}
    columns: list[Column]

    def is_called(self, name: str) -> bool:
        return any(fnmatchcase(folded(name), folded(pattern)) for pattern in self.names)

    @property
    def required(self) -> list[Column]:
        return [column for column in self.columns if column.required]


class Profile(_Declared):
    """A whole layout. `name` and `version` are stored with every import."""

    name: str
    version: int
    title: str = ""
    totals: list[str] = []
    sheets: list[Sheet] = Field(min_length=1)

    @property
    def label(self) -> str:
        return f"{self.name}/{self.version}"


def load_profile(path: Path | None) -> Profile:
    """The profile at `path`, or the one that ships with the product.

    Raises:
        LedgerRefused: if there is no such file, or it is no profile (with the place of the mistake).
    """
    path = path or resource("ledger", "clinic_excel.yaml")
    try:
        return Profile.model_validate(_yaml(path))
    except ValidationError as mistake:
        first = mistake.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise LedgerRefused(
            f"the profile {path.name} is wrong at {where}: {first['msg']}",
            remedy="correct it as docs/ledger.md describes",
        ) from None


def _yaml(path: Path) -> Any:  # Any: YAML holds what it holds; Profile checks it
    try:
        return yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as failure:
        raise LedgerRefused(
            f"the profile {path.name} cannot be read ({type(failure).__name__})", remedy="give a UTF-8 YAML file"
        ) from failure
