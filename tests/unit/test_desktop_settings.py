"""Wishes are kept, and damaged ones do not stop the work. Logs hold what they may."""

import logging
from pathlib import Path

import pytest

from hcrm_desktop import paths
from hcrm_desktop.logs import start_logging, stop_logging
from hcrm_desktop.settings import Settings, load_settings, save_settings


def test_wishes_are_kept(tmp_path: Path) -> None:
    wishes = Settings(server_url="https://centre.clinic", last_username="li", theme="dark")
    path = paths.settings_file(tmp_path / "profile")
    save_settings(path, wishes)
    save_settings(path, wishes)
    assert load_settings(path) == wishes
    assert [child.name for child in path.parent.iterdir()] == [path.name]


@pytest.mark.parametrize(
    "content", ["", "{", "[]", "null", "3", '{"unknown": 1}', '{"theme": 7, "server_url": false}', "\x00"]
)
def test_damaged_wishes_take_their_defaults(tmp_path: Path, content: str) -> None:
    path = tmp_path / "settings.json"
    path.write_text(content)
    assert load_settings(path) == Settings()


def test_one_damaged_wish_leaves_the_others(tmp_path: Path) -> None:
    path = tmp_path / "settings.json"
    path.write_text('{"theme": null, "last_username": "li"}')
    assert load_settings(path) == Settings(last_username="li")


def test_no_file_means_defaults(tmp_path: Path) -> None:
    assert load_settings(tmp_path / "none" / "settings.json") == Settings()


def test_the_profile_may_be_given_by_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HCRM_PROFILE", str(tmp_path))
    assert paths.default_profile() == tmp_path
    monkeypatch.delenv("HCRM_PROFILE")
    assert paths.default_profile().name == "default"


def test_the_log_names_the_thread_and_keeps_chatter_out(tmp_path: Path) -> None:
    path = paths.log_file(tmp_path)
    handler = start_logging(path)
    logging.getLogger("hcrm_desktop.sync").info("sync cycle: pushed %d", 3)
    logging.getLogger("httpx").info("HTTP Request: GET http://centre/?name=王欣怡")
    stop_logging(handler)
    content = path.read_text(encoding="utf-8")
    assert "MainThread hcrm_desktop.sync: sync cycle: pushed 3" in content
    assert "王欣怡" not in content
