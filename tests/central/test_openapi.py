"""OpenAPI is true: messages are those of the wire, and each refusal a route can give is told.

That every answer of the suite has a documented status is checked with each request (conftest.centre).
"""

from typing import Any

import pytest
from fastapi import FastAPI

from hcrm_core import absences, fleet, handout, source, wire
from hcrm_core.rules import messages

MESSAGES = {
    "/auth/login": ("LoginRequest", "TokenResponse"),
    "/auth/refresh": ("RefreshRequest", "TokenResponse"),
    "/auth/logout": (None, None),
    "/sync/hello": ("HelloRequest", "HelloResponse"),
    "/sync/pull": ("PullRequest", "PullResponse"),
    "/sync/first": ("FirstRequest", "PullResponse"),
    "/sync/digests": ("DigestRequest", "DigestResponse"),
    "/sync/snapshots/{stream}": (None, None),  # a file
    "/sync/wait": ("WaitRequest", "WaitResponse"),
    "/sync/push": ("PushRequest", "PushResponse"),
    "/sync/surrender": ("SurrenderRequest", "SurrenderResponse"),
    "/held": (None, "HeldQueue"),
    "/held/{op_id}": ("DecisionRequest", "DecisionResponse"),
    "/fleet": (None, "Fleet"),
    "/fleet/{device_id}/orders": ("OrderRequest", None),
    "GET /absences": (None, "Absences"),
    "POST /absences": ("AbsenceRequest", "AbsenceSaved"),
    "/absences/{absence_id}": (None, None),
    "/overview": (None, "Overview"),
    "/sources/{kind}/{row_id}": (None, "SourceRows"),
    "/rules": (None, "Shelf"),
    "/rules/{key}": (None, "RuleHistory"),
    "/rules/{key}/draft": ("SaveDraftRequest", "DraftSaved"),
    "/rules/{key}/draft/{ver}": (None, None),
    "/rules/{key}/publish": ("PublishRequest", "PublishResponse"),
    "/rules/{key}/reject": ("RejectRequest", None),
    "/rules/{key}/retire": ("RetireRequest", "Requested"),
    "/rules/{key}/restore": ("RestoreRequest", "PublishResponse"),
    "/parameters/{key}": ("ParameterRequest", "Requested"),
    "GET /scans": (None, "Scans"),
    "POST /scans": ("ScanRequest", "Requested"),
    "/scans/requests/{request_id}": (None, "Requested"),
    "/questions/counts": ("Trial", "Counts"),
    "/questions/histogram": ("LeafTrial", "Histogram"),
    "/questions/sweep": ("SweepRequest", "Sweep"),
    "/questions/diff": ("Trial", "Diff"),
    "/questions/backtest": ("Trial", "Backtest"),
    "/questions/overlap": ("Trial", "Overlap"),
    "/questions/parameter": ("ParameterTrial", "ParameterEffect"),
    "/questions/explain": ("ExplainRequest", "Explanation"),
    "/questions/{ask}": (None, None),
    "/customers/{customer_id}/segments": (None, "Standing"),
    "/health": (None, "Health"),
    "/shares": ("ShareRequest", "Share"),
    "/shares/{share_id}": (None, None),
}
MODULES = (wire, fleet, handout, source, absences, messages)
PAGES = {"/h", "/h/files/{name}", "/h/{token}"}  # for a tablet's browser: HTML, not messages


def schema_name(content: dict[str, Any]) -> str:
    reference: str = content["content"]["application/json"]["schema"]["$ref"]
    return reference.rsplit("/", 1)[-1]


@pytest.fixture
def paths(app: FastAPI) -> dict[str, Any]:
    found: dict[str, Any] = app.openapi()["paths"]
    assert set(found) >= PAGES
    return {path: operations for path, operations in found.items() if path not in PAGES}


def by_name(paths: dict[str, Any]) -> dict[str, Any]:
    """Operations by path; by method and path where a path has several."""
    return {
        path if len(operations) == 1 else f"{method.upper()} {path}": operation
        for path, operations in paths.items()
        for method, operation in operations.items()
    }


def test_every_route_speaks_the_messages_of_the_wire(paths: dict[str, Any]) -> None:
    operations = by_name(paths)
    assert set(operations) == set(MESSAGES)
    for path, (request, response) in MESSAGES.items():
        operation = operations[path]
        sent = schema_name(operation["requestBody"]) if "requestBody" in operation else None
        success = operation["responses"].get("200")
        assert sent == request
        answered = success and "application/json" in success["content"]
        assert (schema_name(success) if answered else None) == response
        assert {request, response} - {None} <= {name for module in MODULES for name in vars(module)}


def test_every_refusal_has_the_one_error_body(paths: dict[str, Any]) -> None:
    for path, operations in paths.items():
        for operation in operations.values():
            told = {status: answer for status, answer in operation["responses"].items() if status >= "400"}
            names = {schema_name(answer) for answer in told.values()}
            assert names == ({"Health"} if path == "/health" else {"ErrorBody"}), path


def test_every_route_is_described(paths: dict[str, Any]) -> None:
    assert all(operation["description"] for operations in paths.values() for operation in operations.values())
