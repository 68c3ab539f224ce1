-- table: where these bays, or all, stand, in the order of parking.columns.Positions; microseconds since 1970
SELECT bay_id, s.site_id, device_id, category, (ttl_s * 1000000)::bigint,
       coalesce((SELECT (extract(epoch FROM p.from_at) * 1000000)::bigint FROM bay_period p
                  WHERE p.bay_id = s.bay_id AND p.until_at IS NULL
                    AND EXISTS (SELECT FROM bay_period o WHERE o.bay_id = s.bay_id AND o.from_at < p.from_at)), -1),
       state, reported, held, version, silent, fault,
       coalesce((extract(epoch FROM since) * 1000000)::bigint, -1), start_seen,
       coalesce((extract(epoch FROM seen_at) * 1000000)::bigint, -1),
       coalesce((extract(epoch FROM event_at) * 1000000)::bigint, -1),
       coalesce((extract(epoch FROM placed_at) * 1000000)::bigint, -1),
       coalesce(age_s, 0), coalesce(session, -1), coalesce(seq, 0), coalesce(part, 0::smallint), settled,
       coalesce(battery_v, 'NaN'), coalesce(temperature_c, 'NaN'),
       coalesce((extract(epoch FROM silent_until) * 1000000)::bigint, -1)
  FROM bay_state s JOIN bay b USING (bay_id)
 WHERE %(bays)s::text[] IS NULL OR bay_id = ANY(%(bays)s)
 ORDER BY bay_id;

-- lock_bays: the versions of bays that are to be rebuilt, in key order
SELECT bay_id, version FROM bay_state WHERE bay_id = ANY(%(bays)s) ORDER BY bay_id FOR UPDATE;

-- history: for bays that need it, the events from a time on and the last one before it
SELECT e.bay_id, e.device_id, e.session, e.seq, e.part, e.event_at, e.age_s, e.previous_s, e.state, e.fault,
       e.kind, e.received_at
  FROM unnest(%(bays)s::text[]) AS b (bay_id)
 CROSS JOIN LATERAL (
       (SELECT * FROM bay_event WHERE bay_id = b.bay_id AND event_at < %(since)s
         ORDER BY event_at DESC, session DESC, seq DESC, part DESC LIMIT 1)
       UNION ALL
       (SELECT * FROM bay_event WHERE bay_id = b.bay_id AND event_at >= %(since)s)) AS e;

-- stays: for the same bays, those that began since then and the last that began before, ended ones only
SELECT s.bay_id, s.started_at, s.ended_at, s.start_seen, s.end_seen
  FROM unnest(%(bays)s::text[]) AS b (bay_id)
 CROSS JOIN LATERAL (
       (SELECT * FROM ended_stay WHERE bay_id = b.bay_id AND started_at < %(since)s
         ORDER BY started_at DESC LIMIT 1)
       UNION ALL
       (SELECT * FROM ended_stay WHERE bay_id = b.bay_id AND started_at >= %(since)s)) AS s
 WHERE s.ended_at >= %(since)s
 ORDER BY s.bay_id, s.started_at;

-- delete_events: copies of events whose time another copy tells better
DELETE FROM bay_event e
 USING unnest(%(bay_id)s::text[], %(event_at)s::timestamptz[], %(device_id)s::text[], %(session)s::bigint[],
              %(seq)s::bigint[], %(part)s::smallint[]) AS u (bay_id, event_at, device_id, session, seq, part)
 WHERE (e.bay_id, e.event_at, e.device_id, e.session, e.seq, e.part)
     = (u.bay_id, u.event_at, u.device_id, u.session, u.seq, u.part);

-- copy_events: the new ones
COPY bay_event (bay_id, device_id, site_id, state, kind, event_at, session, seq, part, fault, age_s, received_at,
                previous_s) FROM STDIN (FORMAT BINARY);

-- delete_stays: those that did not happen after all
DELETE FROM ended_stay s USING unnest(%(bay_id)s::text[], %(started_at)s::timestamptz[]) AS u (bay_id, started_at)
 WHERE (s.bay_id, s.started_at) = (u.bay_id, u.started_at);

-- copy_stays: departures
COPY ended_stay (bay_id, site_id, started_at, ended_at, start_seen, end_seen) FROM STDIN (FORMAT BINARY);

-- unknown_runs: for the same bays, the ended runs in which they were unknown that began since, and the last before
SELECT r.bay_id, r.started_at, r.ended_at
  FROM unnest(%(bays)s::text[]) AS b (bay_id)
 CROSS JOIN LATERAL (
       (SELECT * FROM unknown_run WHERE bay_id = b.bay_id AND started_at < %(since)s
         ORDER BY started_at DESC LIMIT 1)
       UNION ALL
       (SELECT * FROM unknown_run WHERE bay_id = b.bay_id AND started_at >= %(since)s)) AS r
 ORDER BY r.bay_id, r.started_at;

-- delete_unknown_runs: those that did not happen after all
DELETE FROM unknown_run r USING unnest(%(bay_id)s, %(started_at)s) AS u (bay_id, started_at)
 WHERE (r.bay_id, r.started_at) = (u.bay_id, u.started_at);

-- add_unknown_runs: devices have spoken after a fault
INSERT INTO unknown_run (bay_id, started_at, ended_at)
SELECT * FROM unnest(%(bay_id)s, %(started_at)s, %(ended_at)s);

-- update_first: the first events of bays; what is older than what was looked at stays the first
UPDATE bay b SET first_at = u.first_at
  FROM unnest(%(bay_id)s, %(first_at)s, %(since)s) AS u (bay_id, first_at, since)
 WHERE b.bay_id = u.bay_id AND (b.first_at IS NULL OR b.first_at >= u.since)
   AND b.first_at IS DISTINCT FROM u.first_at;

-- update_states: where each bay with news stands now, if it is still as it was in memory
UPDATE bay_state s
   SET version = s.version + 1, revision = greatest(u.revision, s.revision),
       state = (ARRAY['vacant', 'occupied', 'unknown'])[u.state + 1],
       reported = (ARRAY['vacant', 'occupied', 'unknown'])[u.reported + 1],
       silent = u.silent, fault = u.fault, since = u.since, start_seen = u.start_seen, seen_at = u.seen_at,
       event_at = u.event_at, placed_at = u.placed_at, age_s = u.age_s, session = u.session, seq = u.seq,
       part = u.part, settled = u.settled, held = (ARRAY['vacant', 'occupied', 'unknown'])[u.held + 1],
       battery_v = nullif(u.battery_v, 'NaN'), temperature_c = nullif(u.temperature_c, 'NaN'),
       silent_until = u.silent_until
  FROM unnest(%(bay_id)s, %(version)s, %(revision)s, %(state)s, %(reported)s, %(silent)s, %(fault)s, %(since)s,
              %(start_seen)s, %(seen_at)s, %(event_at)s, %(placed_at)s, %(age_s)s, %(session)s, %(seq)s,
              %(part)s, %(settled)s, %(held)s, %(battery_v)s, %(temperature_c)s, %(silent_until)s)
       AS u (bay_id, version, revision, state, reported, silent, fault, since, start_seen, seen_at, event_at,
             placed_at, age_s, session, seq, part, settled, held, battery_v, temperature_c, silent_until)
 WHERE s.bay_id = u.bay_id AND s.version = u.version;

-- update_heard: bays whose device was heard and had no news
UPDATE bay_state s
   SET version = s.version + 1, revision = greatest(u.revision, s.revision),
       state = (ARRAY['vacant', 'occupied', 'unknown'])[u.state + 1], silent = u.silent, seen_at = u.seen_at,
       battery_v = nullif(u.battery_v, 'NaN'), temperature_c = nullif(u.temperature_c, 'NaN'),
       silent_until = u.silent_until
  FROM unnest(%(bay_id)s, %(version)s, %(revision)s, %(state)s, %(silent)s, %(seen_at)s, %(battery_v)s,
              %(temperature_c)s, %(silent_until)s)
       AS u (bay_id, version, revision, state, silent, seen_at, battery_v, temperature_c, silent_until)
 WHERE s.bay_id = u.bay_id AND s.version = u.version;

-- update_firmware: what devices say of themselves when they start
UPDATE bay_state s SET firmware = u.firmware
  FROM unnest(%(bay_id)s::text[], %(firmware)s::text[]) AS u (bay_id, firmware)
 WHERE s.bay_id = u.bay_id AND s.firmware IS DISTINCT FROM u.firmware;

-- near_reads: reads that may be of the vehicles that are read now, and all others of these vehicles
WITH given AS (
    SELECT * FROM unnest(%(camera_id)s::text[], %(event_at)s::timestamptz[], %(event_id)s::text[],
                         %(repeat)s::interval[]) AS t (camera_id, event_at, event_id, repeat)
), near AS (
    SELECT r.camera_id, r.passage_at, r.passage_id FROM given g JOIN gate_read r USING (camera_id)
     WHERE r.event_at BETWEEN g.event_at - g.repeat AND g.event_at + g.repeat
     UNION
    SELECT r.camera_id, r.passage_at, r.passage_id FROM given g JOIN gate_read r USING (camera_id, event_id)
     WHERE r.event_at BETWEEN g.event_at - %(copy)s::interval AND g.event_at + %(copy)s::interval
)
SELECT r.camera_id, r.site_id, r.event_at, r.event_id, r.direction, r.confidence, r.token, r.former_tokens,
       r.received_at, r.passage_at, r.passage_id
  FROM near JOIN gate_read r USING (camera_id, passage_at, passage_id);

-- keep_reads: new and better reads, and those that belong to another passage now
INSERT INTO gate_read AS r (camera_id, site_id, event_at, event_id, direction, confidence, token, former_tokens,
                            received_at, passage_at, passage_id)
SELECT * FROM unnest(%(camera_id)s::text[], %(site_id)s::text[], %(event_at)s::timestamptz[], %(event_id)s::text[],
                     %(direction)s::text[], %(confidence)s::float8[], %(token)s::bytea[],
                     %(former_tokens)s::bytea[], %(received_at)s::timestamptz[], %(passage_at)s::timestamptz[],
                     %(passage_id)s::text[])
ON CONFLICT (camera_id, event_at, event_id, token) DO UPDATE
   SET confidence = excluded.confidence, former_tokens = excluded.former_tokens, received_at = excluded.received_at,
       passage_at = excluded.passage_at, passage_id = excluded.passage_id;

-- delete_passages: passages that are told otherwise now
DELETE FROM gate_event g
 USING unnest(%(camera_id)s::text[], %(event_at)s::timestamptz[], %(event_id)s::text[])
       AS u (camera_id, event_at, event_id)
 WHERE (g.camera_id, g.event_at, g.event_id) = (u.camera_id, u.event_at, u.event_id);

-- copy_passages: passages
COPY gate_event (camera_id, site_id, event_at, event_id, direction, confidence, token, former_tokens, received_at)
  FROM STDIN (FORMAT BINARY);

-- anchors: since when each site's gates have been counting, from the latest correction
SELECT DISTINCT ON (site_id) site_id, corrected_at
  FROM count_correction WHERE site_id = ANY(%(sites)s) AND superseded_at IS NULL
 ORDER BY site_id, corrected_at DESC, correction_id DESC;

-- count: vehicles came in or left; from the earliest of them the books are to be kept anew
UPDATE site_state t SET inside = t.inside + u.net, redo_from = least(t.redo_from, u.earliest)
  FROM unnest(%(site_id)s::text[], %(net)s::int[], %(earliest)s::timestamptz[]) AS u (site_id, net, earliest)
 WHERE t.site_id = u.site_id
RETURNING t.site_id, t.inside;

-- add_rejections: what could not be used, and why; not again what is on record from an earlier delivery or attempt
INSERT INTO rejected_message (received_at, topic, code, detail, size, payload, packet_id)
SELECT received_at, topic, code, detail, size, payload, packet_id
  FROM unnest(%(received_at)s::timestamptz[], %(topic)s::text[], %(code)s::text[], %(detail)s::text[],
              %(size)s::int[], %(payload)s::bytea[], %(packet_id)s::int[], %(again)s::boolean[])
       AS u (received_at, topic, code, detail, size, payload, packet_id, again)
 WHERE NOT EXISTS (
       SELECT FROM rejected_message r
        WHERE (r.packet_id, r.topic, r.size, r.code) = (u.packet_id, u.topic, u.size, u.code)
          AND (r.received_at = u.received_at
               OR u.again AND r.received_at > u.received_at - INTERVAL '15 days'));

-- turn: what is published of these bays has changed with the time
UPDATE bay_state s
   SET silent = u.silent, state = (ARRAY['vacant', 'occupied', 'unknown'])[u.state + 1],
       revision = greatest(u.revision, s.revision), version = s.version + 1
  FROM unnest(%(bay_id)s, %(version)s, %(revision)s, %(state)s, %(silent)s)
       AS u (bay_id, version, revision, state, silent)
 WHERE s.bay_id = u.bay_id AND s.version = u.version;

-- forget_tokens: plate tokens beyond the pairing window of their site; of copies told apart by them one is kept
WITH ended AS (
    SELECT site_id, %(now)s::timestamptz
           - least(%(window)s::interval, make_interval(mins => (details->>'pairing_window_min')::int)) AS before
      FROM site WHERE counting = 'gates'
), several AS (
    DELETE FROM gate_read r USING ended e
     WHERE r.site_id = e.site_id AND r.event_at < e.before AND r.token IS NOT NULL
       AND EXISTS (SELECT FROM gate_read o
                    WHERE (o.camera_id, o.event_at, o.event_id) = (r.camera_id, r.event_at, r.event_id)
                      AND (o.token IS NULL OR o.token < r.token))
), reads AS (
    UPDATE gate_read r SET token = NULL, former_tokens = NULL FROM ended e
     WHERE r.site_id = e.site_id AND r.event_at < e.before AND r.token IS NOT NULL
       AND NOT EXISTS (SELECT FROM gate_read o
                        WHERE (o.camera_id, o.event_at, o.event_id) = (r.camera_id, r.event_at, r.event_id)
                          AND (o.token IS NULL OR o.token < r.token))
)
UPDATE gate_event g SET token = NULL, former_tokens = NULL FROM ended e
 WHERE g.site_id = e.site_id AND g.event_at < e.before AND g.token IS NOT NULL;

-- forget_reads: reads so old that nothing can come that belongs to them
DELETE FROM gate_read WHERE event_at < %(before)s::timestamptz;
