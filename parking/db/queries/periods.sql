-- end_periods: bays that are gone, or of another site or category
UPDATE bay_period p SET until_at = greatest(%(at)s::timestamptz, p.from_at)
  FROM bay b
 WHERE p.bay_id = b.bay_id AND p.until_at IS NULL AND b.site_id = ANY(%(sites)s::text[])
   AND (b.retired_at IS NOT NULL OR (p.site_id, p.category) <> (b.site_id, b.category));

-- begin_periods: bays that are new, back, or of another site or category
INSERT INTO bay_period (bay_id, site_id, category, from_at)
SELECT b.bay_id, b.site_id, b.category, %(at)s::timestamptz FROM bay b
 WHERE b.site_id = ANY(%(sites)s::text[]) AND b.retired_at IS NULL
   AND NOT EXISTS (SELECT FROM bay_period p WHERE p.bay_id = b.bay_id AND p.until_at IS NULL);

-- outdate_states: who has these bays in memory must read them anew
UPDATE bay_state s SET version = s.version + 1
  FROM bay_period p
 WHERE p.bay_id = s.bay_id AND p.from_at = %(at)s::timestamptz AND p.site_id = ANY(%(sites)s::text[]);

-- end_silence: devices that were silent when they left their bays
INSERT INTO silent_spell (bay_id, heard_at, from_at, until_at)
SELECT s.bay_id, s.seen_at, s.seen_at + make_interval(secs => s.ttl_s), %(at)s::timestamptz
  FROM bay_state s JOIN bay b USING (bay_id) LEFT JOIN device d USING (bay_id)
 WHERE s.site_id = ANY(%(sites)s::text[]) AND s.seen_at + make_interval(secs => s.ttl_s) < %(at)s
   AND (b.retired_at IS NOT NULL OR s.device_id IS DISTINCT FROM d.device_id)
ON CONFLICT DO NOTHING
RETURNING bay_id, from_at, until_at;

-- end_stays: a vehicle in a bay that is retired or loses its device was there at least until now
INSERT INTO ended_stay (bay_id, site_id, started_at, ended_at, start_seen, end_seen)
SELECT s.bay_id, s.site_id, s.since, %(at)s::timestamptz, s.start_seen, false
  FROM bay_state s JOIN bay b USING (bay_id) LEFT JOIN device d USING (bay_id)
 WHERE s.site_id = ANY(%(sites)s::text[]) AND s.reported = 'occupied' AND s.since < %(at)s
   AND (b.retired_at IS NOT NULL OR s.device_id IS DISTINCT FROM d.device_id)
ON CONFLICT DO NOTHING
RETURNING bay_id, started_at, ended_at, start_seen;

-- end_unknown_runs: bays that were unknown when they were retired
INSERT INTO unknown_run (bay_id, started_at, ended_at)
SELECT s.bay_id, s.since, %(at)s::timestamptz
  FROM bay_state s JOIN bay b USING (bay_id)
 WHERE s.site_id = ANY(%(sites)s::text[]) AND s.reported = 'unknown' AND s.since < %(at)s
   AND b.retired_at IS NOT NULL
ON CONFLICT DO NOTHING
RETURNING bay_id, started_at, ended_at;
