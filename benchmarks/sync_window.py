"""A real window signs in and reads everything; prints rows, p99 and longest lateness in ms, and the longest at rest.

`python benchmarks/sync_window.py URL FOLDER`, the password on standard input.
"""

import sys
from pathlib import Path
from statistics import quantiles

from sqlalchemy import func, select
from workstation_gui import Beat, wait, wait_for

from hcrm_core.terms import Role
from hcrm_desktop.app import Options, Workstation, build_application
from hcrm_desktop.cache.rows import SyncStatus
from hcrm_desktop.cache.tables import KIND_TABLES

AT_REST_MS = 4000


def rows(session: object) -> int:
    """What the cache holds."""
    from sqlalchemy.orm import Session

    assert isinstance(session, Session)
    return sum(session.scalar(select(func.count()).select_from(table)) or 0 for table in KIND_TABLES.values())


def main() -> None:
    url, folder = sys.argv[1], Path(sys.argv[2])
    folder.mkdir()
    key = folder / "key"
    key.touch(mode=0o600)
    key.write_text(bytes(32).hex())
    application = build_application(sys.argv[:1])
    options = Options(
        profile=folder / "profile",
        key_file=key,
        server_url=url,
        username=Role.MANAGER,
        password=sys.stdin.readline().strip(),
    )
    station = Workstation(application, options)
    seen: list[SyncStatus] = []
    station.tasks.sync_state_changed.connect(seen.append)
    station.start()
    wait_for(lambda: station.frame is not None)
    assert station.frame is not None
    station.frame.go("today")
    beat = Beat()
    wait_for(lambda: bool(seen) and seen[-1].online and not seen[-1].catching_up, seconds=600)
    late = beat.late
    beat.restart()
    wait(AT_REST_MS)
    counted: list[int] = []
    station.tasks.query(station, rows, done=counted.append)
    wait_for(lambda: bool(counted))
    print(counted[0], quantiles(late, n=100)[98], max(late), max(beat.late))
    station.tasks.stop()
    station.window.close()


if __name__ == "__main__":
    main()
