-- stays: those that began in a time, by bay and time, which is the order of their key
SELECT s.bay_id, s.site_id, b.category, s.started_at, s.ended_at, s.start_seen, s.end_seen,
       extract(epoch FROM s.ended_at - s.started_at)::float8
  FROM stay s JOIN bay b USING (bay_id)
 WHERE s.started_at >= %(from_at)s AND s.started_at < %(until_at)s AND s.site_id = ANY(%(sites)s::text[])
   AND (%(categories)s::text[] IS NULL OR b.category = ANY(%(categories)s))
   AND (%(bays)s::text[] IS NULL OR s.bay_id = ANY(%(bays)s))
 ORDER BY s.bay_id, s.started_at;

-- usage: the roll-ups by quarter of an hour: what has ended
SELECT u.site_id, u.category, u.quarter_at, u.occupied_us / 1e6, u.unknown_us / 1e6, u.arrivals, u.departures, u.sessions,
       u.dwelt, u.dwell_us / 1e6
  FROM site_usage u
 WHERE u.quarter_at >= %(from_at)s AND u.quarter_at < %(until_at)s AND u.site_id = ANY(%(sites)s::text[])
   AND (%(categories)s::text[] IS NULL OR u.category = ANY(%(categories)s))
 ORDER BY u.site_id, u.category, u.quarter_at;

-- passages: vehicles at gates, without their tokens, by site and time
SELECT g.site_id, g.camera_id, g.event_at, g.direction, g.confidence
  FROM gate_event g
 WHERE g.event_at >= %(from_at)s AND g.event_at < %(until_at)s AND g.site_id = ANY(%(sites)s::text[])
 ORDER BY g.site_id, g.event_at;
