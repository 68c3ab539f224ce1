-- lock: one import at a time; ingest waits for the rows that it needs, not for this
SELECT pg_advisory_xact_lock(4207849485);

-- time: what the database's clock says now that all rows are locked: what is written later comes later
SELECT clock_timestamp();

-- upsert_sites: new and changed sites
WITH given AS (
    SELECT * FROM jsonb_to_recordset(%(rows)s::jsonb) AS t (
        site_id text, name text, kind text, counting text, capacity integer, timezone text,
        lon double precision, lat double precision, status text, details jsonb)
)
INSERT INTO site AS s (site_id, name, kind, counting, capacity, timezone, lon, lat, status, details)
SELECT site_id, name, kind, counting, capacity, timezone, lon, lat, status, details FROM given
ON CONFLICT (site_id) DO UPDATE
   SET name = excluded.name, kind = excluded.kind, counting = excluded.counting, capacity = excluded.capacity,
       timezone = excluded.timezone, lon = excluded.lon, lat = excluded.lat, status = excluded.status,
       details = excluded.details, imported_at = now(), retired_at = NULL
 WHERE (s.name, s.kind, s.counting, s.capacity, s.timezone, s.lon, s.lat, s.status, s.details, s.retired_at)
       IS DISTINCT FROM (excluded.name, excluded.kind, excluded.counting, excluded.capacity, excluded.timezone,
                         excluded.lon, excluded.lat, excluded.status, excluded.details, NULL)
RETURNING (xmax = 0) AS created;

-- counting_changed: sites in use that the file would count in another way
SELECT s.site_id, s.counting, t.counting
  FROM site s JOIN jsonb_to_recordset(%(rows)s::jsonb) AS t (site_id text, counting text) USING (site_id)
 WHERE s.counting <> t.counting;

-- zone_changed: known sites that the file puts into another time zone
SELECT s.site_id FROM site s JOIN jsonb_to_recordset(%(rows)s::jsonb) AS t (site_id text, timezone text) USING (site_id)
 WHERE s.timezone <> t.timezone;

-- upsert_bays: new, changed and returned bays
WITH given AS (
    SELECT * FROM jsonb_to_recordset(%(rows)s::jsonb) AS t (
        bay_id text, site_id text, category text, lon double precision, lat double precision, details jsonb)
)
INSERT INTO bay AS b (bay_id, site_id, category, lon, lat, details)
SELECT bay_id, site_id, category, lon, lat, details FROM given
ON CONFLICT (bay_id) DO UPDATE
   SET site_id = excluded.site_id, category = excluded.category, lon = excluded.lon, lat = excluded.lat,
       details = excluded.details, retired_at = NULL
 WHERE (b.site_id, b.category, b.lon, b.lat, b.details, b.retired_at)
       IS DISTINCT FROM (excluded.site_id, excluded.category, excluded.lon, excluded.lat, excluded.details, NULL)
RETURNING (xmax = 0) AS created;

-- analyze_bays: for the planner, which takes a site that it has not heard of for one without bays
ANALYZE bay;

-- analyze_devices: the same of devices
ANALYZE device;

-- retire_bays: bays of the file's sites that the file no longer lists
UPDATE bay SET retired_at = now()
 WHERE site_id = ANY(%(sites)s) AND retired_at IS NULL AND bay_id <> ALL(%(bays)s)
RETURNING bay_id;

-- unassign_devices: devices free their bays before they are assigned anew
UPDATE device d SET bay_id = NULL
  FROM bay b
 WHERE d.bay_id = b.bay_id AND b.site_id = ANY(%(sites)s)
   AND NOT EXISTS (SELECT FROM jsonb_to_recordset(%(rows)s::jsonb) AS t (device_id text, bay_id text)
                    WHERE t.device_id = d.device_id AND t.bay_id = d.bay_id);

-- release_devices: a device that the file puts elsewhere leaves its bay in another site
UPDATE device d SET bay_id = NULL
  FROM jsonb_to_recordset(%(rows)s::jsonb) AS t (device_id text, bay_id text)
 WHERE d.device_id = t.device_id AND d.bay_id IS DISTINCT FROM t.bay_id;

-- upsert_devices: new and changed devices
WITH given AS (
    SELECT * FROM jsonb_to_recordset(%(rows)s::jsonb) AS t (
        device_id text, bay_id text, codec text, heartbeat_s integer)
)
INSERT INTO device AS d (device_id, bay_id, codec, heartbeat_s)
SELECT device_id, bay_id, codec, heartbeat_s FROM given
ON CONFLICT (device_id) DO UPDATE
   SET bay_id = excluded.bay_id, codec = excluded.codec, heartbeat_s = excluded.heartbeat_s
 WHERE (d.bay_id, d.codec, d.heartbeat_s)
       IS DISTINCT FROM (excluded.bay_id, excluded.codec, excluded.heartbeat_s)
RETURNING (xmax = 0) AS created;

-- end_assignments: devices that have left their bays; what they said until now stays with these
UPDATE device_assignment a SET until_at = greatest(%(at)s::timestamptz, a.from_at)
  FROM bay b
 WHERE b.bay_id = a.bay_id AND b.site_id = ANY(%(sites)s) AND a.until_at IS NULL
   AND NOT EXISTS (SELECT FROM device d WHERE d.device_id = a.device_id AND d.bay_id = a.bay_id);

-- begin_first_assignments: a bay's first device, which watched none before, was always there as far as we know
INSERT INTO device_assignment (device_id, bay_id, from_at, recorded_at)
SELECT d.device_id, d.bay_id, '-infinity', %(at)s::timestamptz
  FROM bay b JOIN device d USING (bay_id)
 WHERE b.site_id = ANY(%(sites)s)
   -- Not one condition with OR: that would be looked up device by device, among all that this adds.
   AND NOT EXISTS (SELECT FROM device_assignment a WHERE a.device_id = d.device_id)
   AND NOT EXISTS (SELECT FROM device_assignment a WHERE a.bay_id = d.bay_id);

-- begin_assignments: all other devices that have come to a bay
INSERT INTO device_assignment (device_id, bay_id, from_at, recorded_at)
SELECT d.device_id, d.bay_id, %(at)s::timestamptz, %(at)s::timestamptz
  FROM bay b JOIN device d USING (bay_id)
 WHERE b.site_id = ANY(%(sites)s)
   AND NOT EXISTS (SELECT FROM device_assignment a WHERE a.device_id = d.device_id AND a.until_at IS NULL);

-- upsert_gates: new and changed gates
INSERT INTO gate AS g (camera_id, site_id, direction, options)
SELECT camera_id, site_id, direction, options
  FROM jsonb_to_recordset(%(rows)s::jsonb) AS t (camera_id text, site_id text, direction text, options jsonb)
ON CONFLICT (camera_id) DO UPDATE
   SET site_id = excluded.site_id, direction = excluded.direction, options = excluded.options
 WHERE (g.site_id, g.direction, g.options) IS DISTINCT FROM (excluded.site_id, excluded.direction, excluded.options)
RETURNING (xmax = 0) AS created;

-- remove_gates: gates of the file's sites that the file no longer lists
DELETE FROM gate WHERE site_id = ANY(%(sites)s) AND camera_id <> ALL(%(cameras)s) RETURNING camera_id;

-- upsert_signs: new and changed signs
INSERT INTO sign AS s (sign_id, details)
SELECT sign_id, details FROM jsonb_to_recordset(%(rows)s::jsonb) AS t (sign_id text, details jsonb)
ON CONFLICT (sign_id) DO UPDATE SET details = excluded.details
 WHERE s.details IS DISTINCT FROM excluded.details
RETURNING (xmax = 0) AS created;

-- remove_signs: signs listed under the file's sites that the file no longer lists
DELETE FROM sign WHERE details->>'listed_under' = ANY(%(sites)s) AND sign_id <> ALL(%(signs)s) RETURNING sign_id;

-- clear_sign_sites: the file's signs are assigned anew
DELETE FROM sign_site WHERE sign_id IN (
    SELECT sign_id FROM jsonb_to_recordset(%(rows)s::jsonb) AS t (sign_id text));

-- assign_signs: the sites of which each sign tells, in the file's order
INSERT INTO sign_site (sign_id, site_id, position)
SELECT t.sign_id, site.value, site.ordinality
  FROM jsonb_to_recordset(%(rows)s::jsonb) AS t (sign_id text, sites jsonb),
       jsonb_array_elements_text(t.sites) WITH ORDINALITY AS site;

-- affected_sites: those of the file, and those that lose a bay or a device to it
SELECT unnest(%(sites)s::text[])
 UNION
SELECT b.site_id FROM bay b
  JOIN jsonb_to_recordset(%(bays)s::jsonb) AS t (bay_id text) USING (bay_id)
 UNION
SELECT b.site_id FROM bay b JOIN device d USING (bay_id)
  JOIN jsonb_to_recordset(%(sensors)s::jsonb) AS t (device_id text) USING (device_id);

-- lock_bays: the states that change hands, in key order
SELECT bay_id FROM bay_state WHERE site_id = ANY(%(sites)s) ORDER BY bay_id FOR UPDATE;

-- end_watches: from now on nothing is known of these bays; an event like others, so that any order ends alike
INSERT INTO bay_event (bay_id, device_id, site_id, event_at, session, seq, part, state, fault, kind, age_s, received_at)
SELECT s.bay_id, s.device_id, s.site_id, %(at)s::timestamptz, %(session)s,
       (extract(epoch FROM %(at)s::timestamptz) * 1000000)::bigint, 0, 'unknown', false, 'unwatched', 0,
       %(at)s::timestamptz
  FROM bay_state s JOIN bay b USING (bay_id) LEFT JOIN device d USING (bay_id)
 WHERE s.site_id = ANY(%(sites)s) AND s.device_id IS NOT NULL AND s.reported <> 'unknown'
   AND (b.retired_at IS NOT NULL OR s.device_id IS DISTINCT FROM d.device_id)
ON CONFLICT DO NOTHING;

-- forget_reported: what their devices said last holds no more
UPDATE bay_state s
   SET reported = 'unknown', state = 'unknown', fault = false, held = NULL, since = %(at)s, start_seen = false,
       event_at = %(at)s,
       placed_at = %(at)s, age_s = 0, session = %(session)s,
       seq = (extract(epoch FROM %(at)s::timestamptz) * 1000000)::bigint, part = 0, settled = false
  FROM bay b LEFT JOIN device d USING (bay_id)
 WHERE b.bay_id = s.bay_id AND s.site_id = ANY(%(sites)s) AND s.device_id IS NOT NULL AND s.reported <> 'unknown'
   AND s.device_id IS DISTINCT FROM d.device_id;

-- drop_states: bays that are no longer watched over
DELETE FROM bay_state WHERE bay_id IN (SELECT bay_id FROM bay WHERE retired_at IS NOT NULL);

-- upsert_states: a bay begins unknown, and begins anew with another device
INSERT INTO bay_state AS s (bay_id, site_id, device_id, ttl_s, settled, silent_until)
SELECT b.bay_id, b.site_id, d.device_id, coalesce(d.heartbeat_s, 1) * %(ttl_of_a_second)s,
       NOT EXISTS (SELECT FROM bay_event e WHERE e.bay_id = b.bay_id),
       CASE WHEN EXISTS (SELECT FROM silent_spell g WHERE g.bay_id = b.bay_id) THEN %(at)s::timestamptz END
  FROM bay b LEFT JOIN device d USING (bay_id)
 WHERE b.site_id = ANY(%(sites)s) AND b.retired_at IS NULL
 ORDER BY b.bay_id
ON CONFLICT (bay_id) DO UPDATE
   SET site_id = excluded.site_id, ttl_s = excluded.ttl_s, device_id = excluded.device_id,
       version = s.version + 1,
       state = CASE WHEN s.device_id IS DISTINCT FROM excluded.device_id THEN 'unknown' ELSE s.state END,
       silent = s.silent OR s.device_id IS DISTINCT FROM excluded.device_id,
       -- The last event is another device's: the next one must not be taken for its copy or its successor.
       settled = s.settled AND s.device_id IS NOT DISTINCT FROM excluded.device_id,
       silent_until = CASE WHEN s.device_id IS DISTINCT FROM excluded.device_id THEN %(at)s::timestamptz
                           ELSE s.silent_until END,
       seen_at = CASE WHEN s.device_id IS DISTINCT FROM excluded.device_id THEN NULL ELSE s.seen_at END,
       battery_v = CASE WHEN s.device_id IS DISTINCT FROM excluded.device_id THEN NULL ELSE s.battery_v END,
       temperature_c = CASE WHEN s.device_id IS DISTINCT FROM excluded.device_id THEN NULL ELSE s.temperature_c END,
       firmware = CASE WHEN s.device_id IS DISTINCT FROM excluded.device_id THEN NULL ELSE s.firmware END
 WHERE (s.site_id, s.ttl_s, s.device_id) IS DISTINCT FROM (excluded.site_id, excluded.ttl_s, excluded.device_id);

-- first_count: a gate-counted site starts from the file's initial count, on record
WITH first AS (
    INSERT INTO count_correction (site_id, inside_after, rule, made_by)
    SELECT site_id, initial_count, 'registry', 'initial_count of the registry file'
      FROM jsonb_to_recordset(%(rows)s::jsonb) AS t (site_id text, counting text, initial_count integer)
     WHERE counting = 'gates'
       AND NOT EXISTS (SELECT FROM count_correction c WHERE c.site_id = t.site_id)
    RETURNING site_id, inside_after
)
INSERT INTO site_state (site_id, revision, status, capacity, vacant, occupied, unknown, free_min, free_max, inside, as_of)
SELECT site_id, 0, 'open', 0, 0, 0, 0, 0, 0, inside_after, now() FROM first
ON CONFLICT (site_id) DO UPDATE SET inside = excluded.inside;

-- first_state: every other site begins with nothing known
INSERT INTO site_state (site_id, revision, status, capacity, vacant, occupied, unknown, free_min, free_max, as_of)
SELECT site_id, 0, 'open', 0, 0, 0, 0, 0, 0, now() FROM site WHERE site_id = ANY(%(sites)s)
ON CONFLICT DO NOTHING;

-- notify: tell every process that the registry changed
SELECT pg_notify('parking_registry', '');

-- devices: which bay each device watches, in which site, and since when if it or the bay was swapped
SELECT d.device_id, d.codec, d.bay_id, b.site_id, nullif(a.from_at, '-infinity')
  FROM device d LEFT JOIN bay b ON b.bay_id = d.bay_id AND b.retired_at IS NULL
  LEFT JOIN device_assignment a ON a.device_id = d.device_id AND a.until_at IS NULL;

-- gates: each camera's site, direction and options, and the site's time zone
SELECT g.camera_id, g.site_id, g.direction, g.options, s.timezone FROM gate g JOIN site s USING (site_id);

-- site_ids: the sites that are in use
SELECT site_id FROM site WHERE retired_at IS NULL;

-- told_elsewhere: signs that are listed under other sites and tell of this one
SELECT t.sign_id FROM sign_site t JOIN sign s USING (sign_id)
 WHERE t.site_id = %(site)s AND s.details->>'listed_under' IS DISTINCT FROM %(site)s
 ORDER BY t.sign_id;

-- retire_site: it is no site any more; what happened there stays
UPDATE site SET retired_at = now() WHERE site_id = %(site)s;

-- remove_device: it is known no more; what it told stays with the bays
DELETE FROM device WHERE device_id = %(device)s;

-- owners: the sites to which things belong now that a file lists
SELECT site_id FROM bay WHERE bay_id = ANY(%(bays)s) AND retired_at IS NULL
 UNION SELECT b.site_id FROM device d JOIN bay b USING (bay_id) WHERE d.device_id = ANY(%(devices)s)
 UNION SELECT site_id FROM gate WHERE camera_id = ANY(%(gates)s)
 UNION SELECT details->>'listed_under' FROM sign WHERE sign_id = ANY(%(signs)s);
