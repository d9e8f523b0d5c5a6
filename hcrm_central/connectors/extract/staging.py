"""Frames on their way into the staging table: ids for codes, what is derived, and each row as it came."""

import hashlib

import polars as pl

from hcrm_central.connectors.extract.feeds import Feed
from hcrm_central.connectors.extract.reading import ROW, Codes
from hcrm_core.people import pinyin_of
from hcrm_store.base import new_id

EYES = {"od": "OD", "os": "OS"}
EYE_FIELDS = ("ucva", "bcva", "sphere", "cylinder", "axis", "axial_length_mm", "k1", "k2", "iop_mmhg", "cct_um")
_RAW, _DIGEST = "__raw", "digest"
COMMON = {ROW: "integer", "key": "text", "row_id": "uuid", _RAW: "text", _DIGEST: "text"}  # of every staging table


def stage_columns(feed: Feed) -> dict[str, str]:
    """Columns of a feed's staging table and their types."""
    columns = COMMON | {column.into: "uuid" if column.refers else column.kind.value for column in feed.columns}
    columns |= dict.fromkeys(derived(feed), "text")
    return columns | ({"od_id": "uuid", "os_id": "uuid"} if feed.kind == "exam" else {})


def derived(feed: Feed) -> dict[str, str]:
    """Columns that are computed, and the column from which."""
    computed = {"customer": {"name_pinyin": "name", "name_initials": "name"}, "guardian": {"phone_tail": "phone"}}
    return computed.get(feed.kind, {})


def staged(frame: pl.DataFrame, feed: Feed, *, codes: Codes, source: str) -> pl.DataFrame:
    """The columns of `stage_columns`.

    Args:
        frame: checked rows, as text.
        feed: what they are.
        codes: ids of the organisation.
        source: where a row comes from that does not say.
    """
    landed = _landed(frame, [column.name for column in feed.columns])
    ids = [
        _resolved(column.name, codes.ids[column.refers]).alias(column.into) for column in feed.columns if column.refers
    ]
    own_source = [pl.col("source").fill_null(source)] if "source" in frame.columns else []
    filled = frame.with_columns(*landed, *ids, *own_source)
    return filled.with_columns(_computed(filled, feed))


def staged_families(guardians: pl.DataFrame, *, codes: Codes) -> pl.DataFrame:
    """The families of these guardians, each once, at its first guardian's site."""
    heads = guardians.unique("family_key", keep="first", maintain_order=True)
    site = _resolved("site_code", codes.ids["site"])
    return heads.with_columns(*_landed(heads, ["family_key"]), key=pl.col("family_key"), site_id=site)


def _landed(frame: pl.DataFrame, names: list[str]) -> list[pl.Series]:
    """The row as JSON, its digest, and an id that it takes if it is new."""
    raw = frame.select(pl.struct(names).struct.json_encode()).to_series().alias(_RAW)
    digests = [hashlib.sha256(row.encode()).hexdigest() for row in raw]
    ids = [str(new_id()) for _ in range(frame.height)]
    return [raw, pl.Series(_DIGEST, digests, dtype=pl.String), pl.Series("row_id", ids, dtype=pl.String)]


def _computed(frame: pl.DataFrame, feed: Feed) -> list[pl.Series]:
    if feed.kind == "customer":
        return _readings(frame["name"])
    if feed.kind == "guardian":
        phone = frame["phone"].str.strip_prefix("+").str.replace(r"^86(1\d{10})$", "$1")
        return [phone, phone.str.slice(-4).alias("phone_tail")]
    return [_eye_ids(frame, prefix=prefix) for prefix in EYES] if feed.kind == "exam" else []


def _readings(names: pl.Series) -> list[pl.Series]:
    read = [pinyin_of(name) for name in names]
    return [
        pl.Series("name_pinyin", [pinyin for pinyin, _ in read], dtype=pl.String),
        pl.Series("name_initials", [initials for _, initials in read], dtype=pl.String),
    ]


def _eye_ids(frame: pl.DataFrame, *, prefix: str) -> pl.Series:
    """An id where anything was measured in that eye."""
    fields = [pl.col(f"{prefix}_{field}").is_not_null() for field in EYE_FIELDS]
    measured = frame.select(pl.any_horizontal(fields)).to_series()
    return pl.Series(f"{prefix}_id", [str(new_id()) if one else None for one in measured], dtype=pl.String)


def _resolved(name: str, ids: dict[str, str]) -> pl.Expr:
    return pl.col(name).replace_strict(ids, default=None, return_dtype=pl.String)
