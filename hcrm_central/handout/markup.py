"""HTML that cannot be broken by what stands in it: text is escaped unless it is markup already."""

from collections.abc import Sequence
from html import escape
from string import Template

from hcrm_store.resources import resource


class Html(str):
    """Markup, to be put in as it is."""

    __slots__ = ()


def tag(name: str, *inside: str, **attributes: str) -> Html:
    """An element. A Python word as an attribute is written with a line behind it: `class_`."""
    told = "".join(f' {key.strip("_").replace("_", "-")}="{escape(value)}"' for key, value in attributes.items())
    return Html(f"<{name}{told}>{joined(inside)}</{name}>")


def joined(parts: Sequence[str]) -> Html:
    return Html("".join(part if isinstance(part, Html) else escape(part) for part in parts))


def filled(page: str, /, **values: str) -> Html:
    """A page of resources/handout with its places filled."""
    template = Template(resource("handout", page).read_text(encoding="utf-8"))
    return Html(template.substitute({key: joined([value]) for key, value in values.items()}))
