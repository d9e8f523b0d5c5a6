"""The one facts function: frames in, one row a customer out.

Narwhals expressions only, so that Polars runs it for one clinic and PySpark for a group. No fact looks across
customers, which is what lets the store shard.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

import narwhals as nw

from hcrm_core.eye.percentiles import AxialLengthReference
from hcrm_core.facts import growth
from hcrm_core.facts.civil import day_number
from hcrm_core.facts.eyes import Measured, latest, of_both_eyes
from hcrm_core.facts.growth import EYE, Frame, keep_greatest
from hcrm_core.facts.medication import atropine
from hcrm_core.terms import LeadState, LensState, Outcome, ProductKind, VisitState

# A lens that is lost and replaced within a quarter does not interrupt an episode of wear.
INTERRUPTION_DAYS = 92
_UNANSWERED = [Outcome.NO_ANSWER.value, Outcome.WRONG_NUMBER.value]
_OPEN_LEADS = [LeadState.STARTED.value, LeadState.ACCEPTED.value, LeadState.VISITED.value]


@dataclass(frozen=True, slots=True, kw_only=True)
class Frames:
    """What facts are computed from. Days are dates, measures are integers in 0.001 of their unit.

    Customers, exams, orders and medications are numbered from 0 by the caller, all but customers in the order in which
    equal days shall count; grouping by numbers is what makes a million customers quick.

    Attributes:
        customers: customer_id, site_id, birth_date, sex, filed_on, do_not_contact.
        eyes: one row per exam and eye (an exam without measurements has one row with eye null): customer_id,
            exam_id, eye, examined_on, status, method, cycloplegic, lens_state, washout_days, sphere_mdpt,
            cylinder_mdpt, axial_length_um, k1_mdpt, k2_mdpt, cct_um, iop_milli (mmHg), ucva_milli, bcva_milli (5-mark).
        lens_orders: customer_id, order_id, eye, product, ordered_on, dispensed_on, ended_on, price_milli (yuan),
            department (its kind).
        medications: customer_id, medication_id, medicine, percent_milli, started_on, ended_on.
        visits: customer_id, visit_on, state.
        recheck_plans: customer_id, planned_on, due_on.
        follow_ups: customer_id, contacted_on, outcome.
        leads: customer_id, state.
    """

    customers: Frame
    eyes: Frame
    lens_orders: Frame
    medications: Frame
    visits: Frame
    recheck_plans: Frame
    follow_ups: Frame
    leads: Frame


def facts(
    frames: Frames,
    *,
    reference: AxialLengthReference,
    washout_days: int = growth.WASHOUT_DAYS,
    keep: Callable[[Frame], Frame] = growth.as_it_is,
) -> Frame:
    """Every fact of the catalogue for every customer.

    Args:
        frames: the rows of any number of customers, each complete.
        reference: percentiles of axial length, a table of L, M and S.
        washout_days: nights without OK lens before refraction counts again.
        keep: what the engine does with a frame that is read more than once: computes or caches it.

    Returns:
        customer_id and one column per fact; DECIMAL facts as integers in 0.001 of their unit, ID facts of
        exams as the exams' numbers.
    """
    worn = keep(_worn(frames.lens_orders))
    exams = keep(growth.final(frames.eyes))
    arrivals = keep(_arrivals(exams, frames))
    measured = Measured(
        eyes=keep(growth.numbered(exams)),
        worn=worn.drop("order_id", "customer_id"),
        people=frames.customers.select("customer_id", "birth_date", "sex"),
        reference=reference,
        washout_days=washout_days,
        keep=keep,
    )
    wide = frames.customers
    for part in (
        _bought(frames.lens_orders),
        _billed(frames.lens_orders),
        _worn_by_customer(worn),
        _ok_lenses(worn),
        _ok_nights(exams, washout_days=washout_days),
        atropine(frames.medications),
        arrivals,
        _due(frames.recheck_plans, arrivals),
        _rechecked(exams, frames),
        _contacts(frames.follow_ups),
        _leads(frames.leads),
        of_both_eyes(measured),
    ):
        wide = wide.join(part, on="customer_id", how="left")
    booked = (nw.col("next_appointment_on") > nw.col("last_arrival_on")) | nw.col("last_arrival_on").is_null()
    return wide.with_columns(
        ever_bought=nw.col("ever_bought").fill_null(value=False),
        open_order=nw.col("open_order").fill_null(value=False),
        open_lead=nw.col("open_lead").fill_null(value=False),
        last_activity_on=nw.max_horizontal("last_arrival_on", "last_bought_on", "last_answered_on"),
        next_recheck_on=nw.coalesce(nw.when(booked).then(nw.col("next_appointment_on")), nw.col("recheck_due_on")),
    )


# ── lenses ───────────────────────────────────────────────────────────────────────────────────────────────


def _bought(orders: Frame) -> Frame:
    waiting = ~nw.col("ordered_on").is_null() & nw.col("dispensed_on").is_null() & nw.col("ended_on").is_null()
    dated = orders.with_columns(
        first_on=nw.min_horizontal("ordered_on", "dispensed_on"),
        last_on=nw.max_horizontal("ordered_on", "dispensed_on"),
        waiting=waiting,
    )
    bought = dated.group_by("customer_id").agg(
        first_bought_on=nw.col("first_on").min(),
        last_bought_on=nw.col("last_on").max(),
        last_ordered_on=nw.col("ordered_on").max(),
        open_order=nw.col("waiting").max(),
        ever_bought=nw.len() > 0,
        spent=nw.col("price_milli").sum(),
        priced=nw.col("price_milli").count(),
    )
    return bought.with_columns(spent_total=nw.when(nw.col("priced") > 0).then(nw.col("spent"))).drop("spent", "priced")


def _billed(orders: Frame) -> Frame:
    dated = orders.with_columns(last_bill_on=nw.coalesce(nw.col("ordered_on"), nw.col("dispensed_on")))
    last = keep_greatest(dated, by="customer_id", columns=("last_bill_on", "order_id"))
    return last.select("customer_id", "last_bill_on", last_bill_department="department")


def _worn(orders: Frame) -> Frame:
    """Per eye the lens worn now: product, wear_start_on, lens_dispensed_on."""
    day, ended = day_number(nw.col("dispensed_on")), day_number(nw.col("ended_on")).fill_null(_NOT_ENDED)
    dispensed = orders.filter(~nw.col("dispensed_on").is_null()).with_columns(
        growth.eye_number().alias(EYE),
        day=day,
        order=day * growth.EXAMS + nw.col("order_id"),
        lens=_product_number() * _DAYS + ended,
    )
    # Product and end in one number, because looking back is the dear part.
    former = dispensed.with_columns(former=nw.col("lens").shift(1).over(EYE, order_by="order"))
    former_end = nw.col("former") % _DAYS
    begins = (
        nw.col("former").is_null()
        | (nw.col("former") // _DAYS != nw.col("lens") // _DAYS)
        | ((former_end != _NOT_ENDED) & (nw.col("day") - former_end > INTERRUPTION_DAYS))
    )
    begun = former.with_columns(begun_on=nw.when(begins).then(nw.col("dispensed_on")))
    starts = begun.with_columns(wear_start_on=nw.col("begun_on").max().over(EYE))
    last = keep_greatest(starts, by=EYE, columns=("order",))
    return last.filter(nw.col("ended_on").is_null()).select(
        EYE, "customer_id", "product", "wear_start_on", "order_id", lens_dispensed_on="dispensed_on"
    )


_DAYS, _NOT_ENDED = 2**20, 0  # more days than a calendar needs; the day 0 ends nothing


def _product_number() -> nw.Expr:
    first, *others = ProductKind
    numbered = nw.when(nw.col("product") == first.value).then(nw.lit(0))
    for number, product in enumerate(others, start=1):
        numbered = numbered.when(nw.col("product") == product.value).then(nw.lit(number))
    return numbered.otherwise(nw.lit(len(ProductKind)))


def _worn_by_customer(worn: Frame) -> Frame:
    last = keep_greatest(worn, by="customer_id", columns=("lens_dispensed_on", "order_id"))
    current = worn.join(last.select("customer_id", current="product"), on="customer_id", how="inner")
    return (
        current.filter(nw.col("product") == nw.col("current"))
        .group_by("customer_id")
        .agg(
            product=nw.col("product").max(),
            wear_start_on=nw.col("wear_start_on").min(),
            oldest_lens_on=nw.col("lens_dispensed_on").min(),
        )
    )


def _ok_lenses(worn: Frame) -> Frame:
    ok = worn.filter(nw.col("product") == ProductKind.OK_LENS.value)
    return ok.group_by("customer_id").agg(oldest_ok_lens_on=nw.col("lens_dispensed_on").min())


def _ok_nights(exams: Frame, *, washout_days: int) -> Frame:
    """The latest day of OK wear that examinations tell of, and whether the latest of them was after a wash-out."""
    worn, stopped = (nw.col("lens_state") == one.value for one in (LensState.OK_LENS, LensState.OK_WASHOUT))
    long_ago = nw.when(nw.col("washout_days") >= washout_days).then(nw.lit(1)).otherwise(nw.lit(0))
    washed_out = nw.when(worn).then(nw.lit(0)).when(stopped).then(long_ago).otherwise(nw.lit(None))
    night = nw.col("examined_on") - nw.lit(timedelta(days=1)) * nw.col("washout_days")
    nights = exams.with_columns(
        night_on=nw.when(worn).then(nw.col("examined_on")).when(stopped).then(night.cast(nw.Date))
    )
    last_night = nights.group_by("customer_id").agg(last_ok_night_on=nw.col("night_on").max())
    found = latest(exams, by="customer_id", values={"washed_out": washed_out})
    return last_night.join(
        found.select("customer_id", had_wash_out=nw.col("washed_out") == 1), on="customer_id", how="left"
    )


# ── coming and answering ─────────────────────────────────────────────────────────────────────────────────


def _arrivals(exams: Frame, frames: Frames) -> Frame:
    """Examinations and visits: when the customer last came, and for when he is booked."""
    examined = exams.group_by("customer_id").agg(last_exam_on=nw.col("examined_on").max())
    state, day = nw.col("state"), nw.col("visit_on")
    visits = frames.visits.with_columns(
        arrived_on=nw.when(state == VisitState.ARRIVED.value).then(day),
        booked_on=nw.when(state == VisitState.BOOKED.value).then(day),
    )
    coming = visits.group_by("customer_id").agg(
        last_visit_on=nw.col("arrived_on").max(), next_appointment_on=nw.col("booked_on").max()
    )
    return (
        frames.customers.select("customer_id")
        .join(examined, on="customer_id", how="left")
        .join(coming, on="customer_id", how="left")
        .with_columns(last_arrival_on=nw.max_horizontal("last_exam_on", "last_visit_on"))
        .drop("last_visit_on")
    )


def _contacts(follow_ups: Frame) -> Frame:
    answered = ~nw.col("outcome").is_in(_UNANSWERED)
    dated = follow_ups.with_columns(answered_on=nw.when(answered).then(nw.col("contacted_on")))
    known = dated.with_columns(last_on=nw.col("answered_on").max().over("customer_id"))
    since = nw.col("last_on").is_null() | (nw.col("contacted_on") > nw.col("last_on"))
    return (
        known.with_columns(since=nw.when(since).then(nw.lit(1)).otherwise(nw.lit(0)))
        .group_by("customer_id")
        .agg(
            last_follow_up_on=nw.col("contacted_on").max(),
            last_answered_on=nw.col("answered_on").max(),
            follow_ups_unanswered=nw.col("since").sum(),
        )
    )


def _due(plans: Frame, arrivals: Frame) -> Frame:
    """The earliest due day among the plans made last that no arrival has met."""
    last = keep_greatest(_numbered(plans), by="customer_id", columns=("planned_on",))
    plan = last.join(arrivals.select("customer_id", "last_arrival_on"), on="customer_id", how="left")
    unmet = plan.filter(~_meets(day_number(nw.col("last_arrival_on"))).fill_null(value=False))
    return unmet.group_by("customer_id").agg(recheck_due_on=nw.col("due_on").min())


def _rechecked(exams: Frame, frames: Frames) -> Frame:
    """The latest arrival that met the plan made last before it."""
    visits = frames.visits.filter(nw.col("state") == VisitState.ARRIVED.value)
    arrived = nw.concat(
        [
            exams.select("customer_id", arrived_on="examined_on", arrived=nw.col("order") // growth.EXAMS),
            visits.select("customer_id", arrived_on="visit_on", arrived=day_number(nw.col("visit_on"))),
        ]
    )
    plans = _numbered(frames.recheck_plans).group_by("customer_id", "planned").agg(due=nw.col("due").min())
    followed = plans.with_columns(following=nw.col("planned").shift(-1).over("customer_id", order_by="planned"))
    in_force = nw.col("following").is_null() | (nw.col("arrived") <= nw.col("following"))
    met = arrived.join(followed, on="customer_id", how="inner").filter(in_force & _meets(nw.col("arrived")))
    return met.group_by("customer_id").agg(last_recheck_on=nw.col("arrived_on").max())


def _numbered(plans: Frame) -> Frame:
    return plans.with_columns(planned=day_number(nw.col("planned_on")), due=day_number(nw.col("due_on")))


def _meets(arrived: nw.Expr) -> nw.Expr:
    """Whether an arrival meets a plan: at least half of the time from planning to due day has passed."""
    waited = arrived - nw.col("planned")
    return (waited > 0) & (2 * waited >= nw.col("due") - nw.col("planned"))


def _leads(leads: Frame) -> Frame:
    return (
        leads.with_columns(open_lead=nw.col("state").is_in(_OPEN_LEADS))
        .group_by("customer_id")
        .agg(open_lead=nw.col("open_lead").max())
    )
