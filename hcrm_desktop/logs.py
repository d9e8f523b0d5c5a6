"""Logging, without Qt: one rotating file per profile. Ids and counts only, never names, phones or findings."""

import logging
import logging.handlers
import time
from pathlib import Path

_FORMAT = "%(asctime)s %(levelname)-7s %(threadName)s %(name)s: %(message)s"
_MOST_BYTES, _KEPT_FILES = 2_000_000, 5
# They log addresses and statements, which may carry what must not be in a log.
_QUIET = ("httpx", "httpcore", "sqlalchemy", "keyring", "asyncio")


def start_logging(path: Path, *, level: int = logging.INFO) -> logging.Handler:
    """Log to a file.

    Returns:
        the handler, to be given to `stop_logging`.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handler = logging.handlers.RotatingFileHandler(
        path, maxBytes=_MOST_BYTES, backupCount=_KEPT_FILES, encoding="utf-8", delay=True
    )
    formatter = logging.Formatter(_FORMAT)
    formatter.converter = time.gmtime
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.addHandler(handler)
    root.setLevel(level)
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
    return handler


def stop_logging(handler: logging.Handler) -> None:
    """Write out what is left and close the file."""
    logging.getLogger().removeHandler(handler)
    handler.close()
