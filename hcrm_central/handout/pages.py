"""Whole pages: a child's, the one where a code is typed, and the one that says that a page is closed."""

from hcrm_central.handout import chapters
from hcrm_central.handout.markup import Html, filled, joined, tag
from hcrm_central.handout.reading import ChildPage
from hcrm_central.handout.story import story
from hcrm_central.handout.words import words
from hcrm_store.education import education

CHAPTERS = {
    "story": story,
    "curves": chapters.curves,
    "growth": chapters.meaning,
    "options": chapters.options,
    "next": chapters.next_visit,
}


def child_page(child: ChildPage, *, seconds: int) -> Html:
    """Everything a parent is shown, chapter beside chapter.

    Args:
        seconds: after which the page asks for itself again, and learns that it is over.
    """
    taught = education()
    name = child.first_name or taught("child.unnamed")
    titles = {key: taught(f"pages.{key}", name=name) for key in CHAPTERS}
    sections = [
        tag("section", tag("h1", titles[key]), write(child), id=key, aria_label=titles[key])
        for key, write in CHAPTERS.items()
    ]
    return filled(
        "page.html",
        title=titles["story"],
        contents=words("pages")["contents"],
        seconds=str(seconds),
        sections=joined(sections),
        links=joined([tag("a", title, href=f"#{key}") for key, title in titles.items()]),
    )


def code_page(*, problem: str = "") -> Html:
    """Where the eight digits are typed.

    Args:
        problem: what was wrong with the last ones: "", "wrong" or "too_many".
    """
    told = words("code")
    said = tag("p", told[problem], class_="problem", role="alert") if problem else ""
    fields = {name: told[name] for name in ("lead", "label", "open", "privacy")}
    return filled("message.html", title=told["title"], content=filled("code.html", problem=said, **fields))


def gone_page() -> Html:
    """For a link that opens nothing, whatever the reason."""
    told = words("gone")
    again = tag("p", tag("a", told["enter"], href="/h", class_="button"))
    return filled(
        "message.html", title=told["title"], content=joined([tag("p", told["lead"]), tag("p", told["again"]), again])
    )
