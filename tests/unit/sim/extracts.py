"""Read an extract back, as a test wants it."""

import gzip
import io
from pathlib import Path

import polars as pl

from hcrm_sim.feeds import SCHEMAS


def read(directory: Path, feed: str) -> pl.DataFrame:
    """All parts of a feed, with the types that were written."""
    schema = dict(SCHEMAS[feed])
    parts = sorted(directory.glob(f"*/{feed}.csv.gz"))
    return pl.concat(
        pl.read_csv(io.BytesIO(gzip.decompress(part.read_bytes())), schema_overrides=schema) for part in parts
    )
