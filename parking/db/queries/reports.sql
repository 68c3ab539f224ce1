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
