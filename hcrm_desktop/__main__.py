"""`hcrm-desktop`: arguments, then the application."""

import argparse
import sys
from pathlib import Path

from hcrm_core.errors import SurroundingsFailed
from hcrm_desktop.paths import default_profile, log_file, settings_file


def parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="hcrm-desktop", description="HCRM Desktop, the clinic workstation")
    parser.add_argument("--server", metavar="URL", help="address of the centre")
    parser.add_argument("--profile", type=Path, default=default_profile(), metavar="DIR", help="where its files are")
    parser.add_argument("--key-file", type=Path, metavar="FILE", help="take the key of the files from here")
    parser.add_argument("--theme", choices=("light", "dark", "system"))
    parser.add_argument("--login", metavar="USER", help="sign in at once as this user")
    parser.add_argument("--password-stdin", action="store_true", help="read the password from standard input")
    parser.add_argument("--shots", type=Path, metavar="DIR", help="walk through the screens, leave pictures, and end")
    parser.add_argument("--references", action="store_true", help="list the tables of percentiles, and end")
    return parser.parse_args(arguments)


def list_references(profile: Path) -> None:
    """Print what may be chosen as `reference` in the settings, and what is wrong with files that may not."""
    from hcrm_desktop.references import FOLDER, listing
    from hcrm_desktop.settings import load_settings

    for line in listing(profile / FOLDER, chosen=load_settings(settings_file(profile)).reference):
        print(line)


def main() -> int:
    """Run the workstation until its window is closed."""
    arguments = parse(sys.argv[1:])
    if arguments.references:
        list_references(arguments.profile)
        return 0
    password = sys.stdin.readline().rstrip("\n") if arguments.password_stdin else None
    from hcrm_desktop.app import Options, Workstation, build_application, check_bindings, install_crash_handler
    from hcrm_desktop.logs import start_logging, stop_logging

    try:
        check_bindings()
    except SurroundingsFailed as error:
        sys.exit(f"hcrm-desktop: {error}; {error.remedy}")
    handler = start_logging(log_file(arguments.profile))
    install_crash_handler()
    application = build_application(sys.argv[:1])
    options = Options(
        profile=arguments.profile,
        server_url=arguments.server,
        key_file=arguments.key_file,
        theme=arguments.theme,
        username=arguments.login,
        password=password,
    )
    workstation = Workstation(application, options)
    workstation.start()
    if arguments.shots is not None:
        from hcrm_desktop.views.tour import Tour

        tour = Tour(workstation, arguments.shots)
        tour.start()
    code = application.exec()
    stop_logging(handler)
    return code


if __name__ == "__main__":
    sys.exit(main())
