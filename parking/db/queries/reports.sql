-- sites: what reports know of these sites, or of all
SELECT site_id, name, timezone, details->>'zone', details->>'opening_hours', (details->>'max_stay_min')::int, counting,
       capacity
  FROM site
 WHERE (%(sites)s::text[] IS NULL OR site_id = ANY(%(sites)s))
   AND (%(zones)s::text[] IS NULL OR details->>'zone' = ANY(%(zones)s))
 ORDER BY site_id;

-- presence: how many bays of which site and category were there from when until when, microseconds since 1970
SELECT site_id, category, bay_id, from_us, until_us, count(*)
  FROM (SELECT p.site_id, p.category, CASE WHEN %(each)s THEN p.bay_id END AS bay_id,
               (extract(epoch FROM CASE WHEN f.first THEN least(p.from_at, b.first_at, f.heard_at) ELSE p.from_at END)
                * 1000000)::bigint AS from_us,
               coalesce((extract(epoch FROM p.until_at) * 1000000)::bigint, 4611686018427387904) AS until_us
          FROM bay_period p JOIN bay b USING (bay_id)
         CROSS JOIN LATERAL (SELECT NOT EXISTS (SELECT FROM bay_period o WHERE o.bay_id = p.bay_id
                                                   AND o.from_at < p.from_at) AS first,
                                   (SELECT until_at FROM silent_spell g
                                     WHERE g.bay_id = p.bay_id AND g.heard_at = '-infinity') AS heard_at) AS f
         WHERE p.site_id = ANY(%(sites)s::text[])
           AND (%(categories)s::text[] IS NULL OR p.category = ANY(%(categories)s))
           AND (%(bays)s::text[] IS NULL OR p.bay_id = ANY(%(bays)s))) AS t
 GROUP BY site_id, category, bay_id, from_us, until_us
 ORDER BY site_id, category, bay_id, from_us;

-- going_on: what has no end yet, or no beginning: stays (0), unknown (1), silence (2) of bays once in these sites
SELECT bay_id, kind, start_us, end_us, seen, coalesce(spells, false) FROM (
  SELECT s.bay_id, 0 AS kind, (extract(epoch FROM s.since) * 1000000)::bigint AS start_us, %(now)s::bigint AS end_us,
         s.start_seen AS seen, s.silent_until > s.since AS spells
    FROM bay_state s WHERE s.reported = 'occupied'
  UNION ALL
  SELECT s.bay_id, 1, CASE WHEN s.since IS NULL THEN (
                 SELECT (extract(epoch FROM p.from_at) * 1000000)::bigint FROM bay_period p
                  WHERE p.bay_id = s.bay_id AND p.until_at IS NULL)
              ELSE (extract(epoch FROM s.since) * 1000000)::bigint END, %(now)s, false, true
    FROM bay_state s JOIN bay b USING (bay_id)
   WHERE s.reported = 'unknown' AND b.first_at IS NOT NULL
  UNION ALL
  SELECT s.bay_id, 2, ((extract(epoch FROM s.seen_at) + s.ttl_s) * 1000000)::bigint, %(now)s, false, false
    FROM bay_state s WHERE s.seen_at IS NOT NULL
  UNION ALL
  SELECT b.bay_id, 1, (SELECT (extract(epoch FROM least(min(p.from_at), min(g.until_at))) * 1000000)::bigint
                        FROM bay_period p LEFT JOIN silent_spell g ON g.bay_id = p.bay_id AND g.heard_at = '-infinity'
                       WHERE p.bay_id = b.bay_id),
         coalesce((extract(epoch FROM b.first_at) * 1000000)::bigint, %(now)s), false, true
    FROM bay b WHERE b.first_at IS NULL OR b.first_at > to_timestamp(%(from)s::numeric / 1000000)) AS t
 WHERE start_us < least(end_us, %(until)s::bigint) AND end_us > %(from)s::bigint
   AND bay_id IN (SELECT bay_id FROM bay_period
                   WHERE site_id = ANY(%(sites)s::text[]) AND (%(bays)s::text[] IS NULL OR bay_id = ANY(%(bays)s)));

-- by_key: until this transaction ends or as_planned, roll-ups are looked up by key, however many the planner expects
SELECT set_config('enable_hashjoin', 'off', true), set_config('enable_mergejoin', 'off', true),
       set_config('enable_seqscan', 'off', true);

-- unsorted: until this transaction ends or as_planned, nothing is sorted to be summed: the planner expects few rows
SELECT set_config('enable_sort', 'off', true), set_config('enable_mergejoin', 'off', true);

-- as_planned: as the planner likes it
SELECT set_config('enable_hashjoin', 'on', true), set_config('enable_mergejoin', 'on', true),
       set_config('enable_seqscan', 'on', true), set_config('enable_sort', 'on', true);

-- quarters: the sums of these sites and categories in these ranges, by report group and bucket
SELECT g.number, width_bucket(u.quarter_at, %(edges)s::timestamptz[]) - 1, sum(u.occupied_us)::bigint,
       sum(u.unknown_us)::bigint, sum(u.arrivals)::bigint, sum(u.departures)::bigint, sum(u.sessions)::bigint,
       sum(u.dwelt)::bigint, sum(u.dwell_us)::bigint
  FROM unnest(%(site_id)s, %(category)s, %(number)s, %(from_at)s, %(until_at)s)
       AS g (site_id, category, number, from_at, until_at)
  JOIN site_usage u ON u.site_id = g.site_id AND u.category = g.category
                   AND u.quarter_at >= g.from_at AND u.quarter_at < g.until_at
 GROUP BY 1, 2;

-- days: the same by days, which begin at midnight of the site's own time zone
SELECT g.number, width_bucket(d.day, %(edges)s::date[]) - 1, sum(d.occupied_us)::bigint, sum(d.unknown_us)::bigint,
       sum(d.arrivals)::bigint, sum(d.departures)::bigint, sum(d.sessions)::bigint, sum(d.dwelt)::bigint,
       sum(d.dwell_us)::bigint
  FROM unnest(%(site_id)s, %(category)s, %(number)s) AS g (site_id, category, number)
  JOIN site_day d ON d.site_id = g.site_id AND d.category = g.category
                 AND d.day >= %(from_day)s AND d.day < %(until_day)s
 GROUP BY 1, 2;

-- groups: the categories that these sites have or had
SELECT DISTINCT site_id, category FROM bay_period
 WHERE site_id = ANY(%(sites)s::text[]) AND (%(categories)s::text[] IS NULL OR category = ANY(%(categories)s))
 ORDER BY 1, 2;

-- bays_of: the bays that were ever in these sites
SELECT DISTINCT bay_id, site_id FROM bay_period
 WHERE site_id = ANY(%(sites)s::text[]) AND (%(bays)s::text[] IS NULL OR bay_id = ANY(%(bays)s))
 ORDER BY 1, 2;

-- runs: ended stays (0) and runs of unknown (1) that overlap a time or end at its end, microseconds since 1970
SELECT u.bay_id, (extract(epoch FROM r.started_at) * 1000000)::bigint,
       (extract(epoch FROM r.ended_at) * 1000000)::bigint, r.kind, r.start_seen, r.end_seen
  FROM unnest(%(bay_id)s::text[]) AS u (bay_id)
 CROSS JOIN LATERAL (
       (SELECT started_at, ended_at, 0 AS kind, start_seen, end_seen FROM ended_stay
         WHERE bay_id = u.bay_id AND started_at < %(from_at)s ORDER BY started_at DESC LIMIT 1)
       UNION ALL
       SELECT started_at, ended_at, 0, start_seen, end_seen FROM ended_stay
        WHERE bay_id = u.bay_id AND started_at >= %(from_at)s AND started_at < %(until_at)s
       UNION ALL
       SELECT started_at, ended_at, 1, false, false FROM unknown_run
        WHERE bay_id = u.bay_id AND started_at < %(until_at)s AND ended_at > %(from_at)s) AS r
 WHERE r.ended_at >= %(from_at)s;

-- spells: silent spells of these bays that overlap a time, microseconds since 1970
SELECT bay_id, (extract(epoch FROM from_at) * 1000000)::bigint, (extract(epoch FROM until_at) * 1000000)::bigint
  FROM silent_spell
 WHERE bay_id = ANY(%(bays)s::text[]) AND from_at < %(until_at)s AND until_at > %(from_at)s AND until_at > from_at;

-- closures: when these sites were closed for a reason
SELECT site_id, (extract(epoch FROM from_at) * 1000000)::bigint,
       coalesce((extract(epoch FROM until_at) * 1000000)::bigint, 4611686018427387904)
  FROM closure
 WHERE site_id = ANY(%(sites)s::text[]) AND from_at < %(until_at)s AND coalesce(until_at, 'infinity') > %(from_at)s;

-- dwell: sessions whose both ends were seen, by report line: how many, how long, quantiles (seconds)
SELECT CASE WHEN %(each)s THEN s.bay_id ELSE g.line END, count(*), avg(d.dwell_s)::float8, max(d.dwell_s)::float8,
       percentile_disc(%(quantiles)s::float8[]) WITHIN GROUP (ORDER BY d.dwell_s)
  FROM ended_stay s
  JOIN bay_period p ON p.bay_id = s.bay_id AND (p.until_at IS NULL OR s.ended_at <= p.until_at)
                   AND (s.ended_at > p.from_at OR NOT EXISTS (SELECT FROM bay_period o
                                                   WHERE o.bay_id = p.bay_id AND o.from_at < p.from_at))
  JOIN unnest(%(site_id)s::text[], %(category)s::text[], %(line)s::text[]) AS g (site_id, category, line)
    ON g.site_id = p.site_id AND g.category = p.category
 CROSS JOIN LATERAL (SELECT extract(epoch FROM s.ended_at - s.started_at)::float8 AS dwell_s) AS d
 WHERE s.started_at < %(until_at)s AND s.started_at >= %(from_at)s::timestamptz - INTERVAL '400 days'
   AND s.ended_at >= %(from_at)s AND s.ended_at < %(until_at)s AND s.start_seen AND s.end_seen
   AND (%(bays)s::text[] IS NULL OR s.bay_id = ANY(%(bays)s))
 GROUP BY 1 ORDER BY 1;

-- dwell_classes: how many of them lasted how long: the class is the number of limits reached
SELECT CASE WHEN %(each)s THEN s.bay_id ELSE g.line END, width_bucket(d.dwell_s, %(classes)s::float8[]), count(*)
  FROM ended_stay s
  JOIN bay_period p ON p.bay_id = s.bay_id AND (p.until_at IS NULL OR s.ended_at <= p.until_at)
                   AND (s.ended_at > p.from_at OR NOT EXISTS (SELECT FROM bay_period o
                                                   WHERE o.bay_id = p.bay_id AND o.from_at < p.from_at))
  JOIN unnest(%(site_id)s::text[], %(category)s::text[], %(line)s::text[]) AS g (site_id, category, line)
    ON g.site_id = p.site_id AND g.category = p.category
 CROSS JOIN LATERAL (SELECT extract(epoch FROM s.ended_at - s.started_at)::float8 AS dwell_s) AS d
 WHERE s.started_at < %(until_at)s AND s.started_at >= %(from_at)s::timestamptz - INTERVAL '400 days'
   AND s.ended_at >= %(from_at)s AND s.ended_at < %(until_at)s AND s.start_seen AND s.end_seen
   AND (%(bays)s::text[] IS NULL OR s.bay_id = ANY(%(bays)s))
 GROUP BY 1, 2 ORDER BY 1, 2;

-- overstays: stays that began in the period, and how many of those with a limit lasted longer, by report line; one that
-- goes on is known until now, or until a device that has gone silent was last heard
WITH stays AS (
    SELECT s.bay_id, p.site_id, p.category, s.started_at, s.ended_at, s.start_seen,
           k.until - s.started_at AS dwell,
           make_interval(mins => coalesce((b.details->>'max_stay_min')::int, (t.details->>'max_stay_min')::int)) AS most,
           CASE WHEN %(each)s THEN s.bay_id ELSE g.line END AS line
      FROM stay s
      JOIN bay b USING (bay_id)
      JOIN bay_period p ON p.bay_id = s.bay_id AND (s.started_at >= p.from_at OR NOT EXISTS (SELECT FROM bay_period o
                                                   WHERE o.bay_id = p.bay_id AND o.from_at < p.from_at))
                       AND (p.until_at IS NULL OR s.started_at < p.until_at)
      JOIN unnest(%(site_id)s::text[], %(category)s::text[], %(line)s::text[]) AS g (site_id, category, line)
        ON g.site_id = p.site_id AND g.category = p.category
      JOIN site t ON t.site_id = p.site_id
     CROSS JOIN LATERAL (SELECT coalesce(s.ended_at, (SELECT greatest(n.seen_at, s.started_at) FROM bay_state n
                                                       WHERE n.bay_id = s.bay_id
                                                         AND n.seen_at + make_interval(secs => n.ttl_s) < %(now)s),
                                         %(now)s) AS until) AS k
     WHERE s.started_at >= %(from_at)s AND s.started_at < %(until_at)s
       AND (%(bays)s::text[] IS NULL OR s.bay_id = ANY(%(bays)s))
)
SELECT line, count(*), count(*) FILTER (WHERE dwell > most),
       coalesce(sum(extract(epoch FROM dwell - most)) FILTER (WHERE dwell > most), 0)::float8
  FROM stays WHERE most IS NOT NULL GROUP BY 1 ORDER BY 1;

-- longest_overstays: the same stays one by one, the longest over its limit first
SELECT s.bay_id, p.site_id, p.category, s.started_at, s.ended_at, k.until, s.start_seen,
       extract(epoch FROM m.most)::float8, extract(epoch FROM d.dwell)::float8, extract(epoch FROM d.dwell - m.most)::float8
  FROM stay s
  JOIN bay b USING (bay_id)
  JOIN bay_period p ON p.bay_id = s.bay_id AND (s.started_at >= p.from_at OR NOT EXISTS (SELECT FROM bay_period o
                                                   WHERE o.bay_id = p.bay_id AND o.from_at < p.from_at))
                   AND (p.until_at IS NULL OR s.started_at < p.until_at)
  JOIN unnest(%(site_id)s::text[], %(category)s::text[]) AS g (site_id, category)
    ON g.site_id = p.site_id AND g.category = p.category
  JOIN site t ON t.site_id = p.site_id
 CROSS JOIN LATERAL (SELECT coalesce(s.ended_at, (SELECT greatest(n.seen_at, s.started_at) FROM bay_state n
                                                   WHERE n.bay_id = s.bay_id
                                                     AND n.seen_at + make_interval(secs => n.ttl_s) < %(now)s),
                                     %(now)s) AS until) AS k
 CROSS JOIN LATERAL (SELECT k.until - s.started_at AS dwell) AS d
 CROSS JOIN LATERAL (SELECT make_interval(mins => coalesce((b.details->>'max_stay_min')::int,
                                                           (t.details->>'max_stay_min')::int)) AS most) AS m
 WHERE s.started_at >= %(from_at)s AND s.started_at < %(until_at)s AND d.dwell > m.most
   AND (%(bays)s::text[] IS NULL OR s.bay_id = ANY(%(bays)s))
 ORDER BY 10 DESC, 1, 4
 LIMIT %(limit)s;

-- passages: at the gates of a site, by bucket: in, out, and vehicle-seconds that these add until the bucket's end
SELECT width_bucket(event_at, %(edges)s::timestamptz[]) - 1, count(*) FILTER (WHERE direction = 'in'),
       count(*) FILTER (WHERE direction = 'out'),
       coalesce(sum(CASE direction WHEN 'in' THEN 1 ELSE -1 END
                    * extract(epoch FROM (%(edges)s::timestamptz[])[width_bucket(event_at, %(edges)s::timestamptz[]) + 1]
                              - event_at)), 0)::float8
  FROM gate_event
 WHERE site_id = %(site)s AND event_at >= %(from_at)s AND event_at < %(until_at)s
 GROUP BY 1;

-- passed_since: vehicles in less vehicles out from a time on
SELECT coalesce(sum(CASE direction WHEN 'in' THEN 1 ELSE -1 END), 0)::bigint FROM gate_event
 WHERE site_id = %(site)s AND event_at >= %(from_at)s;

-- corrections: of the count of a site from a time on, that hold
SELECT corrected_at, inside_after - coalesce(inside_before, inside_after), rule FROM count_correction
 WHERE site_id = %(site)s AND corrected_at >= %(from_at)s AND superseded_at IS NULL
 ORDER BY corrected_at;

-- visits: vehicles paired by their tokens that left, by bucket: how many, and how long they stayed (seconds)
SELECT width_bucket(left_at, %(edges)s::timestamptz[]) - 1, count(*), sum(extract(epoch FROM dwell))::float8,
       percentile_disc(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM dwell)::float8)
  FROM visit
 WHERE site_id = %(site)s AND outcome = 'complete' AND left_at >= %(from_at)s AND left_at < %(until_at)s
 GROUP BY 1;

-- inside: the count of a site now, how far off it may be, and the share of exits that are missed
SELECT inside, inside_sd, missed_share FROM site_state WHERE site_id = %(site)s;
