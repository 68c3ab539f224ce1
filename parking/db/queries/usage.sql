-- periods: when these bays were in which site and of which category; the first period has no beginning
SELECT bay_id, site_id, category,
       CASE WHEN from_at = min(from_at) OVER (PARTITION BY bay_id) THEN -4611686018427387904
            ELSE (extract(epoch FROM from_at) * 1000000)::bigint END,
       coalesce((extract(epoch FROM until_at) * 1000000)::bigint, 4611686018427387904)
  FROM bay_period WHERE bay_id = ANY(%(bays)s::text[]);

-- add_quarters: what happened, by quarter of an hour, in key order
INSERT INTO site_usage AS u (site_id, category, quarter_at, occupied_us, unknown_us, arrivals, departures, sessions,
                             dwelt, dwell_us)
SELECT * FROM unnest(%(site_id)s, %(category)s, %(quarter_at)s, %(occupied_us)s, %(unknown_us)s, %(arrivals)s,
                     %(departures)s, %(sessions)s, %(dwelt)s, %(dwell_us)s)
ON CONFLICT (site_id, category, quarter_at) DO UPDATE
   SET occupied_us = u.occupied_us + excluded.occupied_us, unknown_us = u.unknown_us + excluded.unknown_us,
       arrivals = u.arrivals + excluded.arrivals, departures = u.departures + excluded.departures,
       sessions = u.sessions + excluded.sessions, dwelt = u.dwelt + excluded.dwelt,
       dwell_us = u.dwell_us + excluded.dwell_us;

-- add_days: the same by day of the site's time zone, in key order
INSERT INTO site_day AS d (site_id, category, day, occupied_us, unknown_us, arrivals, departures, sessions, dwelt,
                           dwell_us)
SELECT u.site_id, u.category, (u.quarter_at AT TIME ZONE s.timezone)::date, sum(u.occupied_us), sum(u.unknown_us),
       sum(u.arrivals), sum(u.departures), sum(u.sessions), sum(u.dwelt), sum(u.dwell_us)
  FROM unnest(%(site_id)s, %(category)s, %(quarter_at)s, %(occupied_us)s, %(unknown_us)s, %(arrivals)s,
              %(departures)s, %(sessions)s, %(dwelt)s, %(dwell_us)s)
       AS u (site_id, category, quarter_at, occupied_us, unknown_us, arrivals, departures, sessions, dwelt, dwell_us)
  JOIN site s USING (site_id)
 GROUP BY 1, 2, 3
 ORDER BY 1, 2, 3
ON CONFLICT (site_id, category, day) DO UPDATE
   SET occupied_us = d.occupied_us + excluded.occupied_us, unknown_us = d.unknown_us + excluded.unknown_us,
       arrivals = d.arrivals + excluded.arrivals, departures = d.departures + excluded.departures,
       sessions = d.sessions + excluded.sessions, dwelt = d.dwelt + excluded.dwelt,
       dwell_us = d.dwell_us + excluded.dwell_us;

-- hold_quarters: nobody adds until this transaction ends
LOCK TABLE site_usage IN SHARE ROW EXCLUSIVE MODE;

-- forget_days: sites whose days begin at another time from now on
DELETE FROM site_day WHERE site_id = ANY(%(sites)s::text[]);

-- count_days: their days anew, from the quarters
INSERT INTO site_day (site_id, category, day, occupied_us, unknown_us, arrivals, departures, sessions, dwelt, dwell_us)
SELECT u.site_id, u.category, (u.quarter_at AT TIME ZONE s.timezone)::date, sum(u.occupied_us), sum(u.unknown_us),
       sum(u.arrivals), sum(u.departures), sum(u.sessions), sum(u.dwelt), sum(u.dwell_us)
  FROM site_usage u JOIN site s USING (site_id)
 WHERE u.site_id = ANY(%(sites)s::text[])
 GROUP BY 1, 2, 3;

-- add_gaps: silent spells; a device's first (nothing heard before) begins when it came to the bay
INSERT INTO silent_spell (bay_id, heard_at, from_at, until_at)
SELECT u.bay_id,
       CASE WHEN u.heard_at >= 'epoch' THEN u.heard_at
            ELSE coalesce((SELECT a.from_at FROM device_assignment a JOIN bay_state s USING (bay_id, device_id)
                            WHERE a.bay_id = u.bay_id AND a.until_at IS NULL), '-infinity') END,
       u.from_at, u.until_at
  FROM unnest(%(bay_id)s, %(heard_at)s, %(from_at)s, %(until_at)s) AS u (bay_id, heard_at, from_at, until_at)
ON CONFLICT (bay_id, heard_at) DO UPDATE SET from_at = excluded.from_at, until_at = excluded.until_at;

-- gaps: those in which a device was heard after all, microseconds since 1970
SELECT DISTINCT g.bay_id,
       coalesce((extract(epoch FROM nullif(g.heard_at, '-infinity')) * 1000000)::bigint, -1),
       (extract(epoch FROM g.from_at) * 1000000)::bigint, (extract(epoch FROM g.until_at) * 1000000)::bigint
  FROM unnest(%(bay_id)s, %(heard_at)s) AS u (bay_id, heard_at)
  JOIN silent_spell g ON g.bay_id = u.bay_id AND g.heard_at < u.heard_at AND g.until_at > u.heard_at;

-- delete_gaps: those that are split
DELETE FROM silent_spell g USING unnest(%(bay_id)s, %(heard_at)s) AS u (bay_id, heard_at)
 WHERE g.bay_id = u.bay_id
   AND g.heard_at = CASE WHEN u.heard_at >= 'epoch' THEN u.heard_at ELSE '-infinity' END;

-- spells_within: silent spells that overlap these times, microseconds since 1970
SELECT g.bay_id, (extract(epoch FROM g.from_at) * 1000000)::bigint, (extract(epoch FROM g.until_at) * 1000000)::bigint
  FROM unnest(%(bay_id)s, %(from_at)s, %(until_at)s) AS u (bay_id, from_at, until_at)
  JOIN silent_spell g ON g.bay_id = u.bay_id AND g.from_at < u.until_at AND g.until_at > u.from_at
 WHERE g.until_at > g.from_at;

-- runs_within: ended stays (0) and runs of unknown (1) that overlap these times, microseconds since 1970
SELECT u.bay_id, (extract(epoch FROM r.started_at) * 1000000)::bigint, (extract(epoch FROM r.ended_at) * 1000000)::bigint,
       r.kind
  FROM unnest(%(bay_id)s, %(from_at)s, %(until_at)s) AS u (bay_id, from_at, until_at)
 CROSS JOIN LATERAL (
       (SELECT started_at, ended_at, 0 AS kind FROM ended_stay
         WHERE bay_id = u.bay_id AND started_at < u.from_at ORDER BY started_at DESC LIMIT 1)
       UNION ALL
       SELECT started_at, ended_at, 0 FROM ended_stay
        WHERE bay_id = u.bay_id AND started_at >= u.from_at AND started_at < u.until_at
       UNION ALL
       SELECT started_at, ended_at, 1 FROM unknown_run
        WHERE bay_id = u.bay_id AND started_at < u.until_at AND ended_at > u.from_at) AS r
 WHERE r.ended_at > u.from_at;
