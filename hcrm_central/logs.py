"""Structured logs: what happened to which request, with ids, states and durations; never bodies, names or tokens.

An error's message may quote a row ("Key (phone)=(…) already exists"), so incidents are told by type and place only.
"""

import logging
import sys
import traceback
from types import TracebackType

import structlog

from hcrm_central.settings import Settings


def configure(settings: Settings) -> None:
    """Send everything to standard error, as lines for people or as JSON for machines.

    Through the standard library's handlers, because those never raise: a full disk must not fail a request.
    """
    renderer: structlog.typing.Processor = (
        structlog.processors.JSONRenderer(ensure_ascii=False)
        if settings.log_json
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    shared: list[structlog.typing.Processor] = [
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(foreign_pre_chain=shared, processors=[_without_trace, renderer])
    )
    # Other people's libraries may log what they handle: only their warnings are wanted.
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)
    logging.getLogger("hcrm").setLevel(settings.log_level.upper())


def _without_trace(_logger: object, _name: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    """Other people's libraries log exceptions with their message: keep type and place."""
    event.pop("_record", None)
    event.pop("_from_structlog", None)
    raised = event.pop("exc_info", None)
    if raised and raised[1]:
        event.update(described(raised[1]))
    return event


def described(error: BaseException) -> dict[str, object]:
    """An error as a log may hold it: its type, the database's code and constraint, and where it was raised."""
    cause = getattr(error, "orig", None) or error
    diagnosis = getattr(cause, "diag", None)
    told: dict[str, object] = {"error": type(cause).__name__, "at": places(error.__traceback__)}
    if diagnosis is not None:
        told |= {"sqlstate": diagnosis.sqlstate, "constraint": diagnosis.constraint_name}
    return told


def places(trace: TracebackType | None) -> list[str]:
    """Where an error came through, without what was worked on there."""
    return [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in traceback.extract_tb(trace)][-12:]
