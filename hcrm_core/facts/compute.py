"""The one facts function: frames in, one row a customer out.

Narwhals expressions only, so that Polars runs it for one clinic and PySpark for a group. No fact looks across
customers, which is what lets the store shard.
"""

from dataclasses import dataclass

import narwhals as nw

from hcrm_core.facts import growth
from hcrm_core.facts.growth import EYE, EYES, Frame, days, keep_greatest
from hcrm_core.terms import ExamStatus, LeadState, Outcome, ProductKind, VisitState

# A lens is made from the refraction taken before it is dispensed: that examination begins the episode's growth.
FITTING_DAYS = 30
# A lens that is lost and replaced within a quarter does not interrupt an episode of wear.
INTERRUPTION_DAYS = 92
STABLE_DAYS = 730  # two years
_FRAMES_OF_GLASS = [ProductKind.SINGLE_VISION.value, ProductKind.FUNCTIONAL.value]
_UNANSWERED = [Outcome.NO_ANSWER.value, Outcome.WRONG_NUMBER.value]
_OPEN_LEADS = [LeadState.STARTED.value, LeadState.ACCEPTED.value, LeadState.VISITED.value]


@dataclass(frozen=True, slots=True, kw_only=True)
class Frames:
    """What facts are computed from. Days are dates, measures are integers in 0.001 of their unit.

    Customers, exams and orders are numbered from 0 by the caller, exams and orders in the order in which equal
    days shall count; grouping by numbers is what makes a million customers quick.

    Attributes:
        customers: customer_id, site_id, birth_date, sex, filed_on, do_not_contact.
        eyes: one row per exam and eye (an exam without measurements has one row with eye null): customer_id,
            exam_id, eye, examined_on, status, method, cycloplegic, lens_state, washout_days, sphere_mdpt,
            cylinder_mdpt, axial_length_um, k1_mdpt, k2_mdpt, cct_um.
        lens_orders: customer_id, order_id, eye, product, ordered_on, dispensed_on, ended_on.
        visits: customer_id, visit_on, state.
        recheck_plans: customer_id, planned_on, due_on.
        follow_ups: customer_id, contacted_on, outcome.
        leads: customer_id, state.
    """

    customers: Frame
    eyes: Frame
    lens_orders: Frame
    visits: Frame
    recheck_plans: Frame
    follow_ups: Frame
    leads: Frame


def facts(frames: Frames, *, washout_days: int = growth.WASHOUT_DAYS) -> Frame:
    """Every fact of the catalogue for every customer.

    Args:
        frames: the rows of any number of customers, each complete.
        washout_days: nights without OK lens before refraction counts again.

    Returns:
        customer_id and one column per fact; DECIMAL facts as integers in 0.001 of their unit, ID facts of
        exams as the exams' numbers.
    """
    worn = _worn(frames.lens_orders)
    arrivals = _arrivals(frames)
    wide = frames.customers
    for part in (
        _bought(frames.lens_orders),
        _worn_by_customer(worn),
        _ok_lenses(worn),
        arrivals,
        _due(frames.recheck_plans, arrivals),
        _contacts(frames.follow_ups),
        _leads(frames.leads),
        _both_eyes(_measured(frames.eyes, worn, washout_days=washout_days)),
    ):
        wide = wide.join(part, on="customer_id", how="left")
    return wide.with_columns(
        ever_bought=nw.col("ever_bought").fill_null(value=False),
        open_lead=nw.col("open_lead").fill_null(value=False),
        last_activity_on=nw.max_horizontal("last_arrival_on", "last_bought_on", "last_answered_on"),
        se_worse=nw.when(~(nw.col("se_od") + nw.col("se_os")).is_null()).then(nw.min_horizontal("se_od", "se_os")),
    )


# ── lenses ───────────────────────────────────────────────────────────────────────────────────────────────


def _bought(orders: Frame) -> Frame:
    dated = orders.with_columns(
        first_on=nw.min_horizontal("ordered_on", "dispensed_on"),
        last_on=nw.max_horizontal("ordered_on", "dispensed_on"),
    )
    return dated.group_by("customer_id").agg(
        first_bought_on=nw.col("first_on").min(),
        last_bought_on=nw.col("last_on").max(),
        ever_bought=nw.len() > 0,
    )


def _worn(orders: Frame) -> Frame:
    """Per eye the lens worn now: product, wear_start_on, lens_dispensed_on."""
    dispensed = orders.filter(~nw.col("dispensed_on").is_null()).with_columns(growth.eye_number().alias(EYE))
    order = ["dispensed_on", "order_id"]
    former = dispensed.with_columns(
        former_product=nw.col("product").shift(1).over(EYE, order_by=order),
        former_end=nw.col("ended_on").shift(1).over(EYE, order_by=order),
    )
    begins = (
        nw.col("former_product").is_null()
        | (nw.col("former_product") != nw.col("product"))
        | (days(nw.col("dispensed_on") - nw.col("former_end")) > INTERRUPTION_DAYS).fill_null(value=False)
    )
    begun = former.with_columns(begun_on=nw.when(begins).then(nw.col("dispensed_on")))
    starts = begun.with_columns(wear_start_on=nw.col("begun_on").max().over(EYE))
    latest = keep_greatest(starts, by=EYE, columns=("dispensed_on", "order_id"))
    return latest.filter(nw.col("ended_on").is_null()).select(
        EYE, "customer_id", "product", "wear_start_on", "order_id", lens_dispensed_on="dispensed_on"
    )


def _worn_by_customer(worn: Frame) -> Frame:
    latest = keep_greatest(worn, by="customer_id", columns=("lens_dispensed_on", "order_id"))
    current = worn.join(latest.select("customer_id", current="product"), on="customer_id", how="inner")
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


# ── coming and answering ─────────────────────────────────────────────────────────────────────────────────


def _arrivals(frames: Frames) -> Frame:
    """Examinations and visits: when the customer last came, and for when he is booked."""
    valid = frames.eyes.filter(nw.col("status") == ExamStatus.FINAL.value)
    exams = valid.group_by("customer_id").agg(last_exam_on=nw.col("examined_on").max())
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
        .join(exams, on="customer_id", how="left")
        .join(coming, on="customer_id", how="left")
        .with_columns(last_arrival_on=nw.max_horizontal("last_exam_on", "last_visit_on"))
        .drop("last_visit_on")
    )


def _contacts(follow_ups: Frame) -> Frame:
    answered = nw.when(~nw.col("outcome").is_in(_UNANSWERED)).then(nw.col("contacted_on"))
    return (
        follow_ups.with_columns(answered_on=answered)
        .group_by("customer_id")
        .agg(last_follow_up_on=nw.col("contacted_on").max(), last_answered_on=nw.col("answered_on").max())
    )


def _due(plans: Frame, arrivals: Frame) -> Frame:
    """The earliest due day among the plans made last that no arrival has met."""
    latest = keep_greatest(plans, by="customer_id", columns=("planned_on",))
    plan = latest.join(arrivals.select("customer_id", "last_arrival_on"), on="customer_id", how="left")
    waited = days(nw.col("last_arrival_on") - nw.col("planned_on"))
    met = (waited > 0) & (2 * waited >= days(nw.col("due_on") - nw.col("planned_on")))
    unmet = plan.filter(~met.fill_null(value=False))
    return unmet.group_by("customer_id").agg(recheck_due_on=nw.col("due_on").min())


def _leads(leads: Frame) -> Frame:
    return (
        leads.with_columns(open_lead=nw.col("state").is_in(_OPEN_LEADS))
        .group_by("customer_id")
        .agg(open_lead=nw.col("open_lead").max())
    )


# ── eyes ─────────────────────────────────────────────────────────────────────────────────────────────────


def _measured(eyes: Frame, worn: Frame, *, washout_days: int) -> Frame:
    """Per eye everything that is measured or grown, and what it wears."""
    measured = growth.keyed(eyes)
    refraction = growth.refraction_readings(measured, washout_days=washout_days)
    axial = growth.axial_readings(measured)
    stability = growth.spread(refraction, at_least=STABLE_DAYS)
    parts = [
        worn.drop("order_id", "customer_id"),
        _latest(refraction.filter(~nw.col("series").is_null()), value="se", day="se_on"),
        _latest(axial, value="axial_length", day="axial_length_on"),
        _latest(_flat_k(measured, washout_days=washout_days), value="k_flat", day="k_flat_on"),
        _latest(_thickness(measured), value="cct_um", day="cct_on"),
        stability.rename({"spread": "se_range_2y", "from_on": "se_range_2y_from_on"}),
        _grown(_during_frames(refraction, worn), growth.EPISODE, base="se_growth_frame", sign=-1),
        _grown(refraction, growth.QUARTER, base="se_growth_3m", sign=-1),
        _grown(refraction, growth.HALF_YEAR, base="se_growth_6m", sign=-1),
        _grown(axial, growth.YEAR, base="al_growth_12m", sign=1),
    ]
    found = nw.concat([measured.select(EYE), worn.select(EYE)]).unique()
    for part in parts:
        found = found.join(part, on=EYE, how="left")
    return found


def _latest(readings: Frame, *, value: str, day: str) -> Frame:
    latest = keep_greatest(readings, by=EYE, columns=("order",))
    return latest.select(EYE, nw.col("value").alias(value), nw.col("examined_on").alias(day))


def _flat_k(eyes: Frame, *, washout_days: int) -> Frame:
    known = ~(nw.col("k1_mdpt") + nw.col("k2_mdpt")).is_null()
    natural = eyes.filter(known & ~growth.shaped(washout_days))
    return natural.with_columns(value=nw.min_horizontal("k1_mdpt", "k2_mdpt"))


def _thickness(eyes: Frame) -> Frame:
    return eyes.filter(~nw.col("cct_um").is_null()).with_columns(value=nw.col("cct_um"))


def _during_frames(refraction: Frame, worn: Frame) -> Frame:
    frames = worn.filter(nw.col("product").is_in(_FRAMES_OF_GLASS)).select(EYE, "wear_start_on")
    during = days(nw.col("examined_on") - nw.col("wear_start_on")) >= -FITTING_DAYS
    return refraction.join(frames, on=EYE, how="inner").filter(during).drop("wear_start_on")


def _grown(readings: Frame, window: growth.Window, *, base: str, sign: int) -> Frame:
    return growth.change(readings, window).select(
        EYE,
        (nw.col("change") * sign).alias(base),
        nw.col("from_on").alias(f"{base}_from_on"),
        nw.col("to_on").alias(f"{base}_to_on"),
        nw.col("from_exam_id").alias(f"{base}_from_id"),
        nw.col("to_exam_id").alias(f"{base}_to_id"),
        nw.col("refusal").alias(f"{base}_refusal"),
    )


def _both_eyes(eyes: Frame) -> Frame:
    """One row a customer: every column twice, for the right and the left eye."""
    columns = [name for name in eyes.collect_schema().names() if name != EYE]
    sided = {f"{name}_{eye.value.lower()}": (name, side) for eye, side in EYES.items() for name in columns}
    halves = [nw.when(nw.col(EYE) % 2 == side).then(nw.col(name)).alias(full) for full, (name, side) in sided.items()]
    wide = eyes.select((nw.col(EYE) // 2).alias("customer_id"), *halves)
    return wide.group_by("customer_id").agg(*[nw.col(name).max() for name in sided])
