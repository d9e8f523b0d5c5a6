"""Facts of medication: low-dose atropine now, since when and how strong.

A course has one strength. What counts as one treatment is any chain of courses without a longer gap: a change of
strength, or a bottle that was opened late, does not begin it anew.
"""

import narwhals as nw

from hcrm_core.facts.civil import day_number
from hcrm_core.facts.growth import EXAMS, Frame, keep_greatest
from hcrm_core.terms import Medicine

# Days without drops that do not interrupt a treatment: about one bottle. Operational.
GAP_DAYS = 30
_NOT_ENDED = 2**20  # later than any day


def atropine(medications: Frame) -> Frame:
    """customer_id, atropine_since_on, atropine_percent, last_atropine_on.

    Args:
        medications: customer_id, medication_id, medicine, percent_milli, started_on, ended_on.
    """
    courses = medications.filter(nw.col("medicine") == Medicine.ATROPINE.value).with_columns(
        running=nw.col("ended_on").is_null(),
        last_on=nw.max_horizontal("started_on", "ended_on"),
        day=day_number(nw.col("started_on")),
        until=day_number(nw.col("ended_on")).fill_null(_NOT_ENDED),
    )
    ordered = courses.with_columns(order=nw.col("day") * EXAMS + nw.col("medication_id"))
    known = ordered.group_by("customer_id").agg(
        running=nw.col("running").max(), last_atropine_on=nw.col("last_on").max(), begun_on=nw.col("started_on").min()
    )
    return (
        known.join(_begun_anew(ordered), on="customer_id", how="left")
        .join(_running(ordered), on="customer_id", how="left")
        .with_columns(since=nw.coalesce(nw.col("anew_on"), nw.col("begun_on")))
        .with_columns(atropine_since_on=nw.when(nw.col("running")).then(nw.col("since")))
        .select("customer_id", "atropine_since_on", "atropine_percent", "last_atropine_on")
    )


def _begun_anew(courses: Frame) -> Frame:
    """The last time that a course began later than a gap after all that were before it."""
    reached = courses.with_columns(reached=nw.col("until").cum_max().over("customer_id", order_by="order"))
    former = reached.with_columns(former=nw.col("reached").shift(1).over("customer_id", order_by="order"))
    anew = former.filter(nw.col("day") - nw.col("former") > GAP_DAYS)
    return anew.group_by("customer_id").agg(anew_on=nw.col("started_on").max())


def _running(courses: Frame) -> Frame:
    """The strength of the course that runs; of several, of the one that began last."""
    last = keep_greatest(courses.filter(nw.col("running")), by="customer_id", columns=("order",))
    return last.select("customer_id", atropine_percent="percent_milli")
