"""The one release of the Qt bindings that aborts in the middle of the work is refused at the start."""

import pytest

from hcrm_core.errors import SurroundingsFailed
from hcrm_desktop import __main__ as program
from hcrm_desktop import app


@pytest.mark.parametrize(
    ("bindings", "python"), [("6.12.0", (3, 12, 0)), ("6.11.3", (3, 11, 7)), ("6.12.1", (3, 11, 7))]
)
def test_every_other_pair_starts(bindings: str, python: tuple[int, ...]) -> None:
    app.check_bindings(bindings=bindings, python=python)


def test_the_broken_pair_is_refused_with_what_to_do() -> None:
    with pytest.raises(SurroundingsFailed, match=r"PySide6 6\.12\.0 aborts on Python 3\.11") as refused:
        app.check_bindings(bindings="6.12.0", python=(3, 11, 9))
    assert "6.11.3" in refused.value.remedy


def test_the_program_says_so_before_it_opens_anything(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> None:
        raise SurroundingsFailed("these bindings abort", remedy="install others")

    monkeypatch.setattr(app, "check_bindings", refuse)
    monkeypatch.setattr("sys.argv", ["hcrm-desktop"])
    monkeypatch.setattr(app, "build_application", lambda _arguments: pytest.fail("it went on"))
    with pytest.raises(SystemExit, match="these bindings abort; install others"):
        program.main()
