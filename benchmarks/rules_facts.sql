-- Facts of every customer as one would write them by hand for DuckDB, with the meaning of hcrm_core/facts
-- (docs/rules.md, which gives the sources of every number): all but percentiles, crossings, the hyperopia reserve and
-- medication. Ids are numbers, measures are thousandths.

CREATE OR REPLACE TEMP MACRO numbered(day, number) AS (day - DATE '1970-01-01') * 268435456 + number;
CREATE OR REPLACE TEMP MACRO day_of(ord) AS (DATE '1970-01-01' + (ord >> 28)::INTEGER);
CREATE OR REPLACE TEMP MACRO exam_of(ord) AS ord & 268435455;
CREATE OR REPLACE TEMP MACRO meets(arrived, planned, due) AS
  arrived > planned AND 2 * (arrived - planned) >= due - planned;
CREATE OR REPLACE TEMP MACRO if_both(one, other, told) AS CASE WHEN one + other IS NOT NULL THEN told END;
CREATE OR REPLACE TEMP MACRO yearly(amount, days) AS
  CASE WHEN amount < 0 THEN -10 ELSE 10 END * ((2 * abs(amount) * 1461 + days * 40) // (2 * days * 40));
-- A pair as one number: its later examination, how near it is to the nominal interval, its earlier one, its change.
CREATE OR REPLACE TEMP MACRO ranked(pair, nominal) AS (pair.to_ord::HUGEINT << 76)
  + ((65535 - abs(pair.days - nominal))::HUGEINT << 60) + (pair.from_ord::HUGEINT << 17) + (pair.change + 65536);
CREATE OR REPLACE TEMP MACRO later(ranked) AS (ranked >> 76)::BIGINT;
CREATE OR REPLACE TEMP MACRO earlier(ranked) AS ((ranked >> 17) & 8796093022207)::BIGINT;
CREATE OR REPLACE TEMP MACRO change(ranked) AS (ranked & 131071)::BIGINT - 65536;
CREATE OR REPLACE TEMP MACRO days(ranked) AS (later(ranked) >> 28) - (earlier(ranked) >> 28);
CREATE OR REPLACE TEMP MACRO refused(worn, readings, longest, best, at_least) AS CASE
  WHEN worn THEN 'ok_wear'
  WHEN best IS NOT NULL THEN NULL
  WHEN readings < 2 THEN 'no_pair'
  WHEN longest IS NULL THEN 'not_comparable'
  WHEN longest < at_least THEN 'interval_too_short'
  ELSE 'no_pair' END;

WITH
-- ── lenses ──────────────────────────────────────────────────────────────────────────────────────────────
bought AS (
  SELECT customer_id, min(least(ordered_on, dispensed_on)) AS first_bought_on,
    max(greatest(ordered_on, dispensed_on)) AS last_bought_on, max(ordered_on) AS last_ordered_on, true AS ever_bought,
    bool_or(ordered_on IS NOT NULL AND dispensed_on IS NULL AND ended_on IS NULL) AS open_order,
    sum(price_milli)::BIGINT AS spent_total, max(coalesce(ordered_on, dispensed_on)) AS last_bill_on,
    arg_max_null(department, numbered(coalesce(ordered_on, dispensed_on), order_id))
      FILTER (coalesce(ordered_on, dispensed_on) IS NOT NULL) AS last_bill_department
  FROM lens_orders GROUP BY ALL),
dispensed AS (
  SELECT *, customer_id * 2 + coalesce(eye = 'OS', false)::INTEGER AS eye_key, numbered(dispensed_on, order_id) AS ord
  FROM lens_orders WHERE dispensed_on IS NOT NULL),
looking_back AS (
  SELECT *, lag(product) OVER before AS former, lag(ended_on) OVER before AS former_end
  FROM dispensed WINDOW before AS (PARTITION BY eye_key ORDER BY ord)),
worn AS (
  SELECT eye_key, any_value(customer_id) AS customer_id, arg_max(product, ord) AS product, max(ord) AS ord,
    max(dispensed_on) FILTER (former IS NULL OR former <> product OR dispensed_on - former_end > 92) AS wear_start_on,
    max(dispensed_on) AS lens_dispensed_on
  FROM looking_back GROUP BY eye_key HAVING arg_max_null(ended_on, ord) IS NULL),
current AS (
  SELECT customer_id, arg_max(product, ord) AS product,
    min(lens_dispensed_on) FILTER (product = 'ok_lens') AS oldest_ok_lens_on
  FROM worn GROUP BY ALL),
wearing AS (
  SELECT customer_id, product, any_value(oldest_ok_lens_on) AS oldest_ok_lens_on, min(wear_start_on) AS wear_start_on,
    min(lens_dispensed_on) AS oldest_lens_on
  FROM worn JOIN current USING (customer_id, product) GROUP BY ALL),

-- ── coming and answering ────────────────────────────────────────────────────────────────────────────────
final AS (SELECT *, numbered(examined_on, exam_id) AS ord FROM eyes WHERE status = 'final'),
examined AS (
  SELECT customer_id, max(examined_on) AS last_exam_on,
    max(CASE lens_state WHEN 'ok_lens' THEN examined_on WHEN 'ok_washout' THEN examined_on - washout_days::INTEGER END)
      AS last_ok_night_on,
    arg_max(coalesce(lens_state = 'ok_washout' AND washout_days >= 28, false), ord)
      FILTER (lens_state IN ('ok_lens', 'ok_washout')) AS had_wash_out
  FROM final GROUP BY ALL),
coming AS (
  SELECT customer_id, max(visit_on) FILTER (state = 'arrived') AS last_visit_on,
    max(visit_on) FILTER (state = 'booked') AS next_appointment_on
  FROM visits GROUP BY ALL),
arrivals AS (
  SELECT customer_id, last_exam_on, last_ok_night_on, had_wash_out, next_appointment_on,
    greatest(last_exam_on, last_visit_on) AS last_arrival_on
  FROM customers LEFT JOIN examined USING (customer_id) LEFT JOIN coming USING (customer_id)),
plans AS (
  SELECT customer_id, planned_on, min(due_on) AS due_on,
    lead(planned_on) OVER (PARTITION BY customer_id ORDER BY planned_on) AS following_on
  FROM recheck_plans GROUP BY customer_id, planned_on),
due AS (
  SELECT customer_id, min(due_on) AS recheck_due_on
  FROM (SELECT *, max(planned_on) OVER (PARTITION BY customer_id) AS last_on FROM recheck_plans)
    JOIN arrivals USING (customer_id)
  WHERE planned_on = last_on AND NOT coalesce(meets(last_arrival_on, planned_on, due_on), false)
  GROUP BY customer_id),
arrived AS (
  SELECT customer_id, examined_on AS arrived_on FROM final
  UNION ALL SELECT customer_id, visit_on FROM visits WHERE state = 'arrived'),
rechecked AS (
  SELECT customer_id, max(arrived_on) AS last_recheck_on FROM arrived JOIN plans USING (customer_id)
  WHERE (following_on IS NULL OR arrived_on <= following_on) AND meets(arrived_on, planned_on, due_on)
  GROUP BY customer_id),
answers AS (
  SELECT customer_id, contacted_on, max(contacted_on) FILTER (outcome NOT IN ('no_answer', 'wrong_number'))
    OVER (PARTITION BY customer_id) AS answered_on
  FROM follow_ups),
talked AS (
  SELECT customer_id, max(contacted_on) AS last_follow_up_on, max(answered_on) AS last_answered_on,
    count(*) FILTER (answered_on IS NULL OR contacted_on > answered_on) AS follow_ups_unanswered
  FROM answers GROUP BY ALL),
led AS (
  SELECT customer_id, bool_or(state IN ('started', 'accepted', 'visited')) AS open_lead FROM leads GROUP BY ALL),

-- ── the latest of each measure ──────────────────────────────────────────────────────────────────────────
seen AS (
  SELECT *, customer_id * 2 + (eye = 'OS')::INTEGER AS eye_key, k1_mdpt + k2_mdpt AS both_k,
    lens_state = 'ok_lens' OR (lens_state = 'ok_washout' AND coalesce(washout_days, 0) < 28) AS shaped
  FROM final WHERE eye IS NOT NULL),
valued AS (
  SELECT *, CASE WHEN ucva_milli <= 3000 THEN -50003 ELSE 5000 - ucva_milli END AS ucva_read,
    CASE WHEN bcva_milli <= 3000 THEN -50003 ELSE 5000 - bcva_milli END AS bcva_read,
    CASE WHEN axial_length_um * both_k IS NULL THEN NULL WHEN lens_state = 'unknown' THEN -50002
      WHEN shaped THEN -50001
      ELSE round_even(axial_length_um * both_k / 6750000, 0)::BIGINT * 10 END AS ratio
  FROM seen),
latest AS (
  SELECT eye_key,
    arg_max(axial_length_um, ord) AS axial_length,
    max(examined_on) FILTER (axial_length_um IS NOT NULL) AS axial_length_on,
    arg_max(least(k1_mdpt, k2_mdpt), ord) FILTER (both_k IS NOT NULL AND NOT shaped) AS k_flat,
    max(examined_on) FILTER (both_k IS NOT NULL AND NOT shaped) AS k_flat_on,
    arg_max(round_even(both_k / 20, 0)::BIGINT * 10, ord) FILTER (NOT shaped) AS k_mean,
    arg_max(cct_um, ord) AS cct_um, max(examined_on) FILTER (cct_um IS NOT NULL) AS cct_on,
    arg_max(iop_milli, ord) AS iop, max(examined_on) FILTER (iop_milli IS NOT NULL) AS iop_on,
    arg_max(ucva_read, ord) FILTER (NOT shaped) AS ucva_read,
    max(examined_on) FILTER (ucva_read IS NOT NULL AND NOT shaped) AS ucva_on,
    arg_max(bcva_read, ord) AS bcva_read, max(examined_on) FILTER (bcva_read IS NOT NULL) AS bcva_on,
    arg_max(ratio, ord) AS ratio, max(examined_on) FILTER (ratio IS NOT NULL) AS al_cr_on
  FROM valued GROUP BY ALL),

-- ── readings, comparable within a series: 0–15 of refraction, 16 of axial length ────────────────────────
refraction AS (
  SELECT eye_key, examined_on, ord, sphere_mdpt + floor(cylinder_mdpt / 2)::BIGINT AS value, shaped AS worn,
    CASE method WHEN 'autorefraction' THEN 4 WHEN 'retinoscopy' THEN 8 WHEN 'subjective' THEN 12 END
      + CASE WHEN cycloplegic THEN 2 WHEN NOT cycloplegic THEN 0 END
      + CASE WHEN lens_state IN ('none', 'spectacles', 'ok_washout') AND NOT shaped THEN 0
          WHEN lens_state = 'soft_lens' THEN 1 END AS series
  FROM seen WHERE method <> 'lens_power' AND sphere_mdpt + cylinder_mdpt IS NOT NULL),
powers AS (
  SELECT eye_key, arg_max(value, ord) FILTER (series IS NOT NULL) AS se,
    max(examined_on) FILTER (series IS NOT NULL) AS se_on,
    arg_max(value, ord) FILTER (series & 2 = 2) AS se_cycloplegic,
    max(examined_on) FILTER (series & 2 = 2) AS se_cycloplegic_on,
    count(*) AS readings, coalesce(max(examined_on) FILTER (worn) = max(examined_on), false) AS worn
  FROM refraction GROUP BY ALL),
lengths AS (SELECT eye_key, count(*) AS readings FROM seen WHERE axial_length_um IS NOT NULL GROUP BY ALL),
readings AS (
  SELECT eye_key, series, ord, value FROM refraction WHERE series IS NOT NULL
  UNION ALL SELECT eye_key, 16, ord, axial_length_um FROM seen WHERE axial_length_um IS NOT NULL),
ends AS (
  SELECT eye_key, series, max(ord) AS to_ord, arg_max(value, ord) AS to_value FROM readings GROUP BY ALL),
pairs AS (
  SELECT eye_key, series, ord AS from_ord, to_ord, value AS from_value, to_value,
    to_value - value AS change, (to_ord >> 28) - (ord >> 28) AS days
  FROM readings JOIN ends USING (eye_key, series) WHERE ord >> 28 < to_ord >> 28),

-- ── growth: of every window the pair that ends last, then the nearest to the nominal interval ───────────
best AS (
  SELECT eye_key, max(days) FILTER (series < 16) AS se_longest, max(days) FILTER (series = 16) AS al_longest,
    max(ranked(pairs, 91)) FILTER (series < 16 AND days BETWEEN 75 AND 120) AS se_3m,
    max(ranked(pairs, 182)) FILTER (series < 16 AND days BETWEEN 150 AND 240) AS se_6m,
    max(ranked(pairs, 365)) FILTER (series < 16 AND days BETWEEN 300 AND 430) AS se_12m,
    max(ranked(pairs, 730)) FILTER (series < 16 AND days BETWEEN 600 AND 860) AS se_24m,
    max(ranked(pairs, 91)) FILTER (series = 16 AND days BETWEEN 75 AND 120) AS al_3m,
    max(ranked(pairs, 182)) FILTER (series = 16 AND days BETWEEN 150 AND 240) AS al_6m,
    max(ranked(pairs, 365)) FILTER (series = 16 AND days BETWEEN 300 AND 430) AS al_12m,
    max(ranked(pairs, 730)) FILTER (series = 16 AND days BETWEEN 600 AND 860) AS al_24m
  FROM pairs GROUP BY eye_key),
standing AS (
  SELECT eye_key, powers.worn, powers.readings AS se_readings, lengths.readings AS al_readings,
    best.* EXCLUDE (eye_key), change(al_3m) * change(al_3m) <= 7200 AS al_3m_within
  FROM powers FULL JOIN lengths USING (eye_key) LEFT JOIN best USING (eye_key)),
grown AS (
  SELECT eye_key,
    CASE WHEN NOT worn THEN se_3m END AS se_3m, CASE WHEN NOT worn THEN se_6m END AS se_6m,
    CASE WHEN NOT worn THEN se_12m END AS se_12m, CASE WHEN NOT worn THEN se_24m END AS se_24m,
    CASE WHEN NOT coalesce(al_3m_within, false) THEN al_3m END AS al_3m, al_6m, al_12m, al_24m,
    CASE WHEN se_readings > 0 THEN refused(worn, se_readings, se_longest, se_3m, 75) END AS se_growth_3m_refusal,
    CASE WHEN se_readings > 0 THEN refused(worn, se_readings, se_longest, se_6m, 150) END AS se_growth_6m_refusal,
    CASE WHEN se_readings > 0 THEN refused(worn, se_readings, se_longest, se_12m, 300) END AS se_growth_12m_refusal,
    CASE WHEN se_readings > 0 THEN refused(worn, se_readings, se_longest, se_24m, 600) END AS se_growth_24m_refusal,
    CASE WHEN al_3m_within THEN 'interval_too_short'
      WHEN al_readings > 0 THEN refused(false, al_readings, al_longest, al_3m, 75) END AS al_growth_3m_refusal,
    CASE WHEN al_readings > 0 THEN refused(false, al_readings, al_longest, al_6m, 150) END AS al_growth_6m_refusal,
    CASE WHEN al_readings > 0 THEN refused(false, al_readings, al_longest, al_12m, 300) END AS al_growth_12m_refusal,
    CASE WHEN al_readings > 0 THEN refused(false, al_readings, al_longest, al_24m, 600) END AS al_growth_24m_refusal
  FROM standing),

-- ── growth in the spectacles worn now, from the examination before them on ──────────────────────────────
spectacles AS (
  SELECT eye_key, wear_start_on - 30 AS begin_on FROM worn WHERE product IN ('single_vision', 'functional')),
standing_in_frame AS (
  SELECT eye_key, count(*) AS readings,
    coalesce(max(examined_on) FILTER (refraction.worn) = max(examined_on), false) AS worn
  FROM refraction JOIN spectacles USING (eye_key) WHERE examined_on >= begin_on GROUP BY ALL),
best_in_frame AS (
  SELECT eye_key, max(days) AS longest, max(ranked(pairs, 36500)) FILTER (days BETWEEN 150 AND 36500) AS best
  FROM pairs JOIN spectacles USING (eye_key) WHERE series < 16 AND day_of(from_ord) >= begin_on GROUP BY ALL),
framed AS (
  SELECT eye_key, CASE WHEN NOT worn THEN best END AS frame,
    refused(worn, readings, longest, best, 150) AS se_growth_frame_refusal
  FROM standing_in_frame LEFT JOIN best_in_frame USING (eye_key)),

-- ── stability over two years ────────────────────────────────────────────────────────────────────────────
begun AS (
  SELECT eye_key, series, max(from_ord) AS begin_ord, any_value(to_ord) AS to_ord
  FROM pairs WHERE series < 16 AND days >= 730 GROUP BY eye_key, series),
speaking AS (
  SELECT eye_key, arg_max(series, to_ord) AS series, arg_max(begin_ord, to_ord) AS begin_ord
  FROM begun GROUP BY eye_key),
spread AS (
  SELECT eye_key, day_of(min(from_ord)) AS se_range_2y_from_on,
    greatest(max(from_value), max(to_value)) - least(min(from_value), min(to_value)) AS se_range_2y
  FROM pairs JOIN speaking USING (eye_key, series) JOIN powers USING (eye_key)
  WHERE from_ord >= begin_ord AND NOT worn GROUP BY ALL),

-- ── one row an eye, then both side by side ──────────────────────────────────────────────────────────────
eye AS (
  SELECT eye_key, worn.product, wear_start_on, lens_dispensed_on, se, se_on, axial_length, axial_length_on,
    k_flat, k_flat_on, k_mean, cct_um, cct_on, iop, iop_on,
    CASE WHEN ucva_read > -50001 THEN ucva_read END AS ucva, ucva_on,
    CASE WHEN bcva_read > -50001 THEN bcva_read END AS bcva, bcva_on,
    se_cycloplegic, se_cycloplegic_on, se_range_2y, se_range_2y_from_on,
    CASE WHEN ratio > -50001 THEN ratio END AS al_cr, al_cr_on,
    CASE ratio WHEN -50001 THEN 'ok_wear' WHEN -50002 THEN 'lens_unknown' END AS al_cr_refusal,
    -change(frame) AS se_growth_frame, se_growth_frame_refusal,
    day_of(earlier(frame)) AS se_growth_frame_from_on, day_of(later(frame)) AS se_growth_frame_to_on,
    exam_of(earlier(frame)) AS se_growth_frame_from_id, exam_of(later(frame)) AS se_growth_frame_to_id,
    -change(se_3m) AS se_growth_3m, se_growth_3m_refusal,
    day_of(earlier(se_3m)) AS se_growth_3m_from_on, day_of(later(se_3m)) AS se_growth_3m_to_on,
    exam_of(earlier(se_3m)) AS se_growth_3m_from_id, exam_of(later(se_3m)) AS se_growth_3m_to_id,
    -change(se_6m) AS se_growth_6m, yearly(-change(se_6m), days(se_6m)) AS se_growth_rate_6m, se_growth_6m_refusal,
    day_of(earlier(se_6m)) AS se_growth_6m_from_on, day_of(later(se_6m)) AS se_growth_6m_to_on,
    exam_of(earlier(se_6m)) AS se_growth_6m_from_id, exam_of(later(se_6m)) AS se_growth_6m_to_id,
    -change(se_12m) AS se_growth_12m, yearly(-change(se_12m), days(se_12m)) AS se_growth_rate_12m,
    se_growth_12m_refusal,
    day_of(earlier(se_12m)) AS se_growth_12m_from_on, day_of(later(se_12m)) AS se_growth_12m_to_on,
    exam_of(earlier(se_12m)) AS se_growth_12m_from_id, exam_of(later(se_12m)) AS se_growth_12m_to_id,
    -change(se_24m) AS se_growth_24m, yearly(-change(se_24m), days(se_24m)) AS se_growth_rate_24m,
    se_growth_24m_refusal,
    day_of(earlier(se_24m)) AS se_growth_24m_from_on, day_of(later(se_24m)) AS se_growth_24m_to_on,
    exam_of(earlier(se_24m)) AS se_growth_24m_from_id, exam_of(later(se_24m)) AS se_growth_24m_to_id,
    change(al_3m) AS al_growth_3m, al_growth_3m_refusal,
    day_of(earlier(al_3m)) AS al_growth_3m_from_on, day_of(later(al_3m)) AS al_growth_3m_to_on,
    exam_of(earlier(al_3m)) AS al_growth_3m_from_id, exam_of(later(al_3m)) AS al_growth_3m_to_id,
    change(al_6m) AS al_growth_6m, yearly(change(al_6m), days(al_6m)) AS al_growth_rate_6m, al_growth_6m_refusal,
    day_of(earlier(al_6m)) AS al_growth_6m_from_on, day_of(later(al_6m)) AS al_growth_6m_to_on,
    exam_of(earlier(al_6m)) AS al_growth_6m_from_id, exam_of(later(al_6m)) AS al_growth_6m_to_id,
    change(al_12m) AS al_growth_12m, yearly(change(al_12m), days(al_12m)) AS al_growth_rate_12m, al_growth_12m_refusal,
    day_of(earlier(al_12m)) AS al_growth_12m_from_on, day_of(later(al_12m)) AS al_growth_12m_to_on,
    exam_of(earlier(al_12m)) AS al_growth_12m_from_id, exam_of(later(al_12m)) AS al_growth_12m_to_id,
    change(al_24m) AS al_growth_24m, yearly(change(al_24m), days(al_24m)) AS al_growth_rate_24m, al_growth_24m_refusal,
    day_of(earlier(al_24m)) AS al_growth_24m_from_on, day_of(later(al_24m)) AS al_growth_24m_to_on,
    exam_of(earlier(al_24m)) AS al_growth_24m_from_id, exam_of(later(al_24m)) AS al_growth_24m_to_id
  FROM latest FULL JOIN worn USING (eye_key) LEFT JOIN powers USING (eye_key) LEFT JOIN grown USING (eye_key)
    LEFT JOIN framed USING (eye_key) LEFT JOIN spread USING (eye_key)),
right_eye AS (
  SELECT eye_key // 2 AS customer_id, COLUMNS(* EXCLUDE (eye_key)) AS '\0_od' FROM eye WHERE eye_key % 2 = 0),
left_eye AS (
  SELECT eye_key // 2 AS customer_id, COLUMNS(* EXCLUDE (eye_key)) AS '\0_os' FROM eye WHERE eye_key % 2 = 1)
SELECT * REPLACE (coalesce(ever_bought, false) AS ever_bought, coalesce(open_order, false) AS open_order,
    coalesce(open_lead, false) AS open_lead),
  coalesce(CASE WHEN next_appointment_on > last_arrival_on OR last_arrival_on IS NULL THEN next_appointment_on END,
    recheck_due_on) AS next_recheck_on,
  greatest(last_arrival_on, last_bought_on, last_answered_on) AS last_activity_on,
  if_both(se_od, se_os, least(se_od, se_os)) AS se_worse, if_both(se_od, se_os, greatest(se_od, se_os)) AS se_better,
  CASE WHEN se_on_od = se_on_os THEN abs(se_od - se_os) END AS se_difference,
  if_both(axial_length_od, axial_length_os, greatest(axial_length_od, axial_length_os)) AS axial_length_worse,
  CASE WHEN axial_length_on_od = axial_length_on_os THEN abs(axial_length_od - axial_length_os) END
    AS axial_length_difference,
  if_both(se_growth_6m_od, se_growth_6m_os, greatest(se_growth_6m_od, se_growth_6m_os)) AS se_growth_6m_worse,
  if_both(se_growth_12m_od, se_growth_12m_os, greatest(se_growth_12m_od, se_growth_12m_os)) AS se_growth_12m_worse,
  if_both(se_growth_24m_od, se_growth_24m_os, greatest(se_growth_24m_od, se_growth_24m_os)) AS se_growth_24m_worse,
  if_both(al_growth_6m_od, al_growth_6m_os, greatest(al_growth_6m_od, al_growth_6m_os)) AS al_growth_6m_worse,
  if_both(al_growth_12m_od, al_growth_12m_os, greatest(al_growth_12m_od, al_growth_12m_os)) AS al_growth_12m_worse,
  if_both(al_growth_24m_od, al_growth_24m_os, greatest(al_growth_24m_od, al_growth_24m_os)) AS al_growth_24m_worse,
  if_both(se_growth_rate_6m_od, se_growth_rate_6m_os, greatest(se_growth_rate_6m_od, se_growth_rate_6m_os))
    AS se_growth_rate_6m_worse,
  if_both(se_growth_rate_12m_od, se_growth_rate_12m_os, greatest(se_growth_rate_12m_od, se_growth_rate_12m_os))
    AS se_growth_rate_12m_worse,
  if_both(se_growth_rate_24m_od, se_growth_rate_24m_os, greatest(se_growth_rate_24m_od, se_growth_rate_24m_os))
    AS se_growth_rate_24m_worse,
  if_both(al_growth_rate_6m_od, al_growth_rate_6m_os, greatest(al_growth_rate_6m_od, al_growth_rate_6m_os))
    AS al_growth_rate_6m_worse,
  if_both(al_growth_rate_12m_od, al_growth_rate_12m_os, greatest(al_growth_rate_12m_od, al_growth_rate_12m_os))
    AS al_growth_rate_12m_worse,
  if_both(al_growth_rate_24m_od, al_growth_rate_24m_os, greatest(al_growth_rate_24m_od, al_growth_rate_24m_os))
    AS al_growth_rate_24m_worse
FROM customers LEFT JOIN bought USING (customer_id)
  LEFT JOIN wearing USING (customer_id) LEFT JOIN arrivals USING (customer_id) LEFT JOIN due USING (customer_id)
  LEFT JOIN rechecked USING (customer_id) LEFT JOIN talked USING (customer_id) LEFT JOIN led USING (customer_id)
  LEFT JOIN right_eye USING (customer_id) LEFT JOIN left_eye USING (customer_id);
