-- hold: become the one process that makes forecasts, until the connection ends
SELECT pg_try_advisory_lock(4207850, 4);

-- time: the database's time
SELECT clock_timestamp();

-- places: each site with its number, and whether an ingestor vouched for it within the last minute
SELECT t.site_id, s.kind, s.counting, s.timezone, s.details->>'opening_hours', s.status = 'open', t.capacity,
       t.occupied, t.unknown,
       coalesce((SELECT min(alive_at) FROM ingest_status) > %(now)s::timestamptz - INTERVAL '1 minute', false)
  FROM site_state t JOIN site s USING (site_id)
 ORDER BY t.site_id;

-- closures: when sites were or will be closed, from a time on
SELECT site_id, extract(epoch FROM from_at)::int8, extract(epoch FROM coalesce(until_at, 'infinity'))::float8
  FROM closure WHERE coalesce(until_at, 'infinity') > %(since)s ORDER BY site_id, from_at;

-- take_counts: the published numbers as those of a quarter of an hour
INSERT INTO site_count (site_id, quarter_at, capacity, occupied, unknown)
SELECT site_id, %(quarter_at)s::timestamptz, capacity, occupied, unknown FROM site_state
 WHERE site_id = ANY(%(sites)s::text[])
ON CONFLICT DO NOTHING;

-- uncounted: which of these sites have no counts from before yesterday's time
SELECT u.site_id FROM unnest(%(sites)s::text[]) AS u (site_id)
 WHERE NOT EXISTS (SELECT FROM site_count c WHERE c.site_id = u.site_id
                      AND c.quarter_at < %(until)s::timestamptz - INTERVAL '1 day');

-- backfill_bays: one site's counts from the roll-ups of ended stays and from those that are open; a count lies between
-- two quarters and is the mean of both
INSERT INTO site_count (site_id, quarter_at, capacity, occupied, unknown)
WITH used AS (
       SELECT quarter_at, sum(occupied_us) AS us, sum(unknown_us) AS unknown_us FROM site_usage
        WHERE site_id = %(site)s AND quarter_at >= %(since)s AND quarter_at < %(until)s GROUP BY quarter_at),
     grid AS (
       SELECT generate_series((SELECT min(quarter_at) FROM used) + INTERVAL '15 minutes',
                              %(until)s::timestamptz - INTERVAL '15 minutes', INTERVAL '15 minutes') AS at),
     opened AS (
       SELECT greatest(date_bin('15 minutes', since + INTERVAL '14 minutes 59.999999 seconds', 'epoch'),
                       (SELECT min(at) FROM grid)) AS at, count(*) AS bays
         FROM bay_state WHERE site_id = %(site)s AND reported = 'occupied' AND since IS NOT NULL GROUP BY 1),
     counted AS (
       SELECT g.at, round((coalesce(b.unknown_us, 0) + coalesce(a.unknown_us, 0)) / 1.8e9) AS unknown,
              round((coalesce(b.us, 0) + coalesce(a.us, 0)) / 1.8e9 + sum(coalesce(o.bays, 0)) OVER (ORDER BY g.at))
              AS occupied
         FROM grid g
         LEFT JOIN used b ON b.quarter_at = g.at - INTERVAL '15 minutes'
         LEFT JOIN used a ON a.quarter_at = g.at
         LEFT JOIN opened o ON o.at = g.at)
SELECT %(site)s, at, %(capacity)s, least(%(capacity)s, occupied), least(%(capacity)s - least(%(capacity)s, occupied), unknown)
  FROM counted
ON CONFLICT DO NOTHING;

-- backfill_gates: one site's counts from the passages at its gates and the corrections of its count
INSERT INTO site_count (site_id, quarter_at, capacity, occupied, unknown)
WITH since AS (
       SELECT coalesce((SELECT max(corrected_at) FROM count_correction
                         WHERE site_id = %(site)s AND corrected_at <= %(since)s AND superseded_at IS NULL), %(since)s) AS at),
     happened AS (
       SELECT event_at AS at, 0 AS turn, CASE direction WHEN 'in' THEN 1 ELSE -1 END AS net, NULL::int AS set_to
         FROM gate_event WHERE site_id = %(site)s AND event_at >= (SELECT at FROM since) AND event_at < %(until)s
       UNION ALL
       SELECT corrected_at, 1, 0, inside_after FROM count_correction
        WHERE site_id = %(site)s AND corrected_at >= (SELECT at FROM since) AND superseded_at IS NULL
       UNION ALL
       SELECT generate_series(date_bin('15 minutes', (SELECT min(event_at) FROM gate_event
                                                       WHERE site_id = %(site)s AND event_at >= %(since)s), 'epoch')
                              + INTERVAL '15 minutes', %(until)s::timestamptz, INTERVAL '15 minutes'), 2, 0, NULL),
     running AS (
       SELECT at, turn, set_to, sum(net) OVER going AS net, count(set_to) OVER going AS part FROM happened
       WINDOW going AS (ORDER BY at, turn)),
     counted AS (
       SELECT at, turn, max(set_to - net) OVER (PARTITION BY part) + net AS inside FROM running)
SELECT %(site)s, at, %(capacity)s, greatest(0, least(%(capacity)s, inside)), 0
  FROM counted WHERE turn = 2 AND inside IS NOT NULL
ON CONFLICT DO NOTHING;

-- history: for each of these sites its quarter hours (seconds since 1970) and the share of known spaces that was taken
SELECT site_id, array_agg(extract(epoch FROM quarter_at)::int8 ORDER BY quarter_at),
       array_agg(occupied::float8 / (capacity - unknown) ORDER BY quarter_at)
  FROM site_count
 WHERE site_id = ANY(%(sites)s::text[]) AND quarter_at >= %(since)s AND capacity > 0 AND 2 * unknown <= capacity
 GROUP BY site_id;

-- keep: the forecasts that stand from now on
INSERT INTO site_forecast AS f (site_id, made_at, capacity, basis, why, distrust, minutes, free, low, high, chance)
VALUES (%(site_id)s, %(made_at)s, %(capacity)s, %(basis)s, %(why)s, %(distrust)s, %(minutes)s, %(free)s, %(low)s,
        %(high)s, %(chance)s)
ON CONFLICT (site_id) DO UPDATE
   SET made_at = excluded.made_at, capacity = excluded.capacity, basis = excluded.basis, why = excluded.why,
       distrust = excluded.distrust, minutes = excluded.minutes, free = excluded.free, low = excluded.low,
       high = excluded.high, chance = excluded.chance;

-- keep_usual: what is usual on a site's day
INSERT INTO site_usual AS u (site_id, day_from, free) VALUES (%(site_id)s, %(day_from)s, %(free)s)
ON CONFLICT (site_id) DO UPDATE SET day_from = excluded.day_from, free = excluded.free;

-- remember: forecasts to be held against what comes
INSERT INTO forecast_made (site_id, horizon_min, target_at, made_at, free, low, high, chance, free_then)
SELECT u.site_id, u.horizon_min, %(made_at)s::timestamptz + u.horizon_min * INTERVAL '1 minute', %(made_at)s, u.free,
       u.low, u.high, u.chance, u.free_then
  FROM unnest(%(site_id)s::text[], %(horizon_min)s::smallint[], %(free)s::real[], %(low)s::real[], %(high)s::real[],
              %(chance)s::real[], %(free_then)s::real[])
       AS u (site_id, horizon_min, free, low, high, chance, free_then)
ON CONFLICT DO NOTHING;

-- score: hold forecasts whose time has come against the counts, once each; those without a count only when it is sure
WITH due AS (
       SELECT m.site_id, m.horizon_min, m.target_at, c.capacity,
              CASE WHEN 2 * c.unknown <= c.capacity AND c.capacity > 0
                   THEN c.capacity * (1 - c.occupied::float8 / (c.capacity - c.unknown)) END AS truth
         FROM forecast_made m LEFT JOIN site_count c ON c.site_id = m.site_id AND c.quarter_at = m.target_at
        WHERE NOT m.scored AND m.target_at <= %(now)s
          AND (c.site_id IS NOT NULL OR m.target_at < %(now)s::timestamptz - INTERVAL '1 hour')),
     judged AS (
       UPDATE forecast_made m SET scored = true, truth = due.truth FROM due
        WHERE (m.site_id, m.horizon_min, m.target_at) = (due.site_id, due.horizon_min, due.target_at) AND NOT m.scored
          AND m.target_at <= %(now)s
       RETURNING m.site_id, m.horizon_min, (m.target_at AT TIME ZONE 'UTC')::date AS day, due.capacity, m.truth, m.free,
                 m.low, m.high, m.chance, m.free_then)
INSERT INTO forecast_score AS s (site_id, horizon_min, day, n, error, plain_error, inside, brier)
SELECT site_id, horizon_min, day, count(*), sum(100 * abs(truth - free) / capacity),
       sum(100 * abs(truth - free_then) / capacity),
       count(*) FILTER (WHERE truth BETWEEN low - 0.5 AND high + 0.5),
       sum((chance - (truth >= 0.5)::int) ^ 2)
  FROM judged WHERE truth IS NOT NULL GROUP BY site_id, horizon_min, day
ON CONFLICT (site_id, horizon_min, day) DO UPDATE
   SET n = s.n + excluded.n, error = s.error + excluded.error, plain_error = s.plain_error + excluded.plain_error,
       inside = s.inside + excluded.inside, brier = s.brier + excluded.brier;

-- records: how good the forecasts of each site were since a day, by horizon
SELECT site_id, horizon_min, sum(n)::int, sum(error), sum(plain_error), sum(inside)::int, sum(brier)
  FROM forecast_score WHERE day >= %(since)s GROUP BY site_id, horizon_min ORDER BY site_id, horizon_min;

-- forget_sites: what was foretold of sites that are gone
DELETE FROM site_forecast WHERE site_id <> ALL(%(sites)s::text[]);

-- outlooks: the latest forecasts that were made at a time or later; those of one minute come in parts
SELECT site_id, made_at, capacity, basis, why, distrust, minutes, free, low, high, chance FROM site_forecast
 WHERE made_at >= %(after)s;

-- usual: what is usual on each site's day, and the counts of it so far
SELECT u.site_id, u.day_from, u.free,
       array_agg(extract(epoch FROM c.quarter_at - u.day_from)::int4 ORDER BY c.quarter_at)
                FILTER (WHERE c.quarter_at IS NOT NULL),
       array_agg((CASE WHEN c.capacity > 0 AND 2 * c.unknown <= c.capacity
                       THEN c.capacity * (1 - c.occupied::float8 / (c.capacity - c.unknown)) END)::real
                 ORDER BY c.quarter_at) FILTER (WHERE c.quarter_at IS NOT NULL)
  FROM site_usual u
  LEFT JOIN site_count c ON c.site_id = u.site_id AND c.quarter_at >= u.day_from
   AND c.quarter_at < u.day_from + INTERVAL '27 hours'
 GROUP BY u.site_id, u.day_from, u.free;
