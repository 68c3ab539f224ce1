-- hold: become the one process that looks at all devices, until let go or the connection ends
SELECT pg_try_advisory_lock(4207850, 1);

-- let_go: give that up
SELECT pg_advisory_unlock(4207850, 1);

-- last_sweep: when all devices were last looked at, how long it took and how long ago it ended (seconds)
SELECT started_at, extract(epoch FROM finished_at - started_at)::float8,
       extract(epoch FROM clock_timestamp() - finished_at)::float8
  FROM health_sweep;

-- record_sweep: they have been
INSERT INTO health_sweep (started_at, finished_at, bays, findings)
VALUES (%(started_at)s, %(finished_at)s, %(bays)s, %(findings)s)
ON CONFLICT (only_row) DO UPDATE
   SET started_at = excluded.started_at, finished_at = excluded.finished_at, bays = excluded.bays,
       findings = excluded.findings;

-- sites: those with watched bays or open findings, and how many watched bays
SELECT site_id, sum(bays)::int FROM (
       SELECT b.site_id, count(*) AS bays FROM bay b JOIN device d USING (bay_id)
        WHERE b.retired_at IS NULL GROUP BY b.site_id
       UNION ALL
       SELECT DISTINCT site_id, 0 FROM health_finding WHERE closed_at IS NULL) AS t
 GROUP BY site_id ORDER BY site_id;

-- digest: the watched bays of these sites, in the order of parking.db.sweep.COLUMNS; times in seconds since 1970
SELECT b.bay_id, b.site_id, d.device_id, b.category, d.heartbeat_s::float8,
       coalesce(extract(epoch FROM a.recorded_at)::float8, '-infinity'),
       s.reported, s.fault, extract(epoch FROM s.since)::float8, extract(epoch FROM s.seen_at)::float8,
       s.battery_v::float8, h.battery_pct::float8, coalesce(h.battery_low, false),
       extract(epoch FROM h.empty_on)::float8, h.heartbeat_s::float8, h.health,
       extract(epoch FROM h.health_at)::float8,
       life.changes, life.flaps, life.flap_s, life.runs, life.flaps_3d, life.runs_3d, life.first_at, life.occupied_s
  FROM bay b
  JOIN device d USING (bay_id)
  JOIN bay_state s USING (bay_id)
  LEFT JOIN device_health h ON h.device_id = d.device_id
  LEFT JOIN device_assignment a ON a.device_id = d.device_id AND a.until_at IS NULL
 CROSS JOIN LATERAL (
       SELECT ARRAY[count(*) FILTER (WHERE ago < 1 AND NOT opens),
                    count(*) FILTER (WHERE ago >= 1 AND ago < 2 AND NOT opens),
                    count(*) FILTER (WHERE ago >= 2 AND ago < 3 AND NOT opens),
                    count(*) FILTER (WHERE ago >= 3 AND ago < 4 AND NOT opens),
                    count(*) FILTER (WHERE ago >= 4 AND ago < 5 AND NOT opens),
                    count(*) FILTER (WHERE ago >= 5 AND ago < 6 AND NOT opens),
                    count(*) FILTER (WHERE ago >= 6 AND NOT opens)] AS changes,
              count(*) FILTER (WHERE ago < 1 AND lasted_s < %(flap_s)s) AS flaps,
              coalesce(sum(lasted_s) FILTER (WHERE ago < 1 AND lasted_s < %(flap_s)s), 0)::float8 AS flap_s,
              count(*) FILTER (WHERE ago < 1) AS runs,
              count(*) FILTER (WHERE ago < 3 AND lasted_s < %(flap_s)s) AS flaps_3d,
              count(*) FILTER (WHERE ago < 3) AS runs_3d,
              extract(epoch FROM min(began))::float8 AS first_at,
              coalesce(sum(coalesce(lasted_s, extract(epoch FROM %(now)s::timestamptz - began)))
                       FILTER (WHERE state = 'occupied'), 0)::float8 AS occupied_s
         FROM (SELECT state, event_at AS began, before IS NULL AS opens,
                      extract(epoch FROM %(now)s::timestamptz - event_at) / 86400 AS ago,
                      extract(epoch FROM lead(event_at) OVER (ORDER BY event_at, session, seq, part)
                                         - event_at) AS lasted_s
                 FROM (SELECT state, event_at, session, seq, part,
                              lag(state) OVER (ORDER BY event_at, session, seq, part) AS before
                         FROM bay_event e
                        WHERE e.bay_id = b.bay_id AND e.device_id = d.device_id
                          AND e.event_at >= %(now)s::timestamptz - INTERVAL '7 days'
                          AND e.event_at <= %(now)s::timestamptz) AS events
                WHERE state IS DISTINCT FROM before) AS runs) AS life
 WHERE b.site_id = ANY(%(sites)s) AND b.retired_at IS NULL
 ORDER BY b.site_id, b.bay_id;

-- close: findings of these sites that are no longer true
UPDATE health_finding f SET closed_at = %(now)s
 WHERE f.closed_at IS NULL AND f.site_id = ANY(%(sites)s)
   AND NOT EXISTS (SELECT FROM unnest(%(device_id)s::text[], %(bay_id)s::text[], %(rule)s::text[])
                                 AS u (device_id, bay_id, rule)
                    WHERE (u.device_id, u.bay_id, u.rule) = (f.device_id, f.bay_id, f.rule));

-- open: findings that are true; one that was already keeps its beginning
INSERT INTO health_finding AS f (device_id, bay_id, site_id, rule, severity, since, found_at, lost_h, reason, evidence)
SELECT device_id, bay_id, site_id, rule, severity, since, %(now)s, lost_h, reason, evidence
  FROM unnest(%(device_id)s::text[], %(bay_id)s::text[], %(site_id)s::text[], %(rule)s::text[],
              %(severity)s::text[], %(since)s::timestamptz[], %(lost_h)s::real[], %(reason)s::text[],
              %(evidence)s::jsonb[])
       AS u (device_id, bay_id, site_id, rule, severity, since, lost_h, reason, evidence)
ON CONFLICT (device_id, bay_id, rule) WHERE closed_at IS NULL DO UPDATE
   SET site_id = excluded.site_id, severity = excluded.severity, lost_h = excluded.lost_h, reason = excluded.reason,
       evidence = excluded.evidence
 WHERE (f.site_id, f.severity, f.reason) IS DISTINCT FROM (excluded.site_id, excluded.severity, excluded.reason)
    OR abs(f.lost_h - excluded.lost_h) >= 1;

-- maintenance: what is wrong now, with the site it is at
SELECT s.site_id, s.name, s.lon, s.lat, f.bay_id, f.device_id, f.rule, f.severity, f.since, f.lost_h, f.reason,
       f.evidence, h.empty_on, h.forecast
  FROM health_finding f
  JOIN site s USING (site_id)
  LEFT JOIN device_health h ON h.device_id = f.device_id
 WHERE f.closed_at IS NULL
 ORDER BY f.lost_h DESC, f.finding_id
 LIMIT %(most)s;
