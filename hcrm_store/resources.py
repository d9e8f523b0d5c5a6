"""Where the data files are: `resources/` at the root of a checkout, inside the package once installed or frozen."""

from pathlib import Path

_INSTALLED = Path(__file__).parent / "data"
_CHECKOUT = Path(__file__).parent.parent / "resources"


def resource(*parts: str) -> Path:
    """Path of a data file or folder, e.g. ``resource("rules", "potential.yaml")``.

    Raises:
        FileNotFoundError: if there is no such file: the installation is incomplete.
    """
    root = _INSTALLED if _INSTALLED.is_dir() else _CHECKOUT
    path = root.joinpath(*parts)
    if not path.exists():
        raise FileNotFoundError(f"{path} is missing: the installation is incomplete; install HCRM Desktop again")
    return path
