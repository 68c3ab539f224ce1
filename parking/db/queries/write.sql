-- lock_bays: the states of the bays that a batch speaks of, in key order
SELECT bay_id, site_id, state, reported, fault, silent, since, seen_at, ttl_s, settled, device_id, event_at, placed_at,
       age_s, session, seq, part, battery_v, temperature_c, firmware
  FROM bay_state WHERE bay_id = ANY(%(bays)s) ORDER BY bay_id FOR UPDATE;

-- history: for bays that need it, the events from a time on and the last one before it
SELECT e.bay_id, e.device_id, e.session, e.seq, e.part, e.event_at, e.age_s, e.previous_s, e.state, e.fault,
       e.kind, e.received_at
  FROM unnest(%(bays)s::text[]) AS b (bay_id)
 CROSS JOIN LATERAL (
       (SELECT * FROM bay_event WHERE bay_id = b.bay_id AND event_at < %(since)s
         ORDER BY event_at DESC, session DESC, seq DESC, part DESC LIMIT 1)
       UNION ALL
       (SELECT * FROM bay_event WHERE bay_id = b.bay_id AND event_at >= %(since)s)) AS e;

-- stays: for the same bays, those that began since then and the last that began before
SELECT s.bay_id, s.started_at, s.ended_at, s.start_seen, s.end_seen
  FROM unnest(%(bays)s::text[]) AS b (bay_id)
 CROSS JOIN LATERAL (
       (SELECT * FROM stay WHERE bay_id = b.bay_id AND started_at < %(since)s ORDER BY started_at DESC LIMIT 1)
       UNION ALL
       (SELECT * FROM stay WHERE bay_id = b.bay_id AND started_at >= %(since)s)) AS s
 WHERE s.ended_at IS NULL OR s.ended_at >= %(since)s
 ORDER BY s.bay_id, s.started_at;

-- delete_events: copies of events whose time another copy tells better
DELETE FROM bay_event e
 USING unnest(%(bay_id)s::text[], %(event_at)s::timestamptz[], %(device_id)s::text[], %(session)s::bigint[],
              %(seq)s::bigint[], %(part)s::smallint[]) AS u (bay_id, event_at, device_id, session, seq, part)
 WHERE (e.bay_id, e.event_at, e.device_id, e.session, e.seq, e.part)
     = (u.bay_id, u.event_at, u.device_id, u.session, u.seq, u.part);

-- copy_events: the new ones
COPY bay_event (bay_id, device_id, site_id, event_at, session, seq, part, state, fault, kind, age_s, previous_s,
                received_at) FROM STDIN (FORMAT BINARY);

-- delete_stays: those that did not happen after all
DELETE FROM stay s USING unnest(%(bay_id)s::text[], %(started_at)s::timestamptz[]) AS u (bay_id, started_at)
 WHERE (s.bay_id, s.started_at) = (u.bay_id, u.started_at);

-- end_stays: departures
UPDATE stay s SET ended_at = u.ended_at, end_seen = u.end_seen
  FROM unnest(%(bay_id)s::text[], %(started_at)s::timestamptz[], %(ended_at)s::timestamptz[],
              %(end_seen)s::boolean[]) AS u (bay_id, started_at, ended_at, end_seen)
 WHERE (s.bay_id, s.started_at) = (u.bay_id, u.started_at);

-- copy_stays: arrivals
COPY stay (bay_id, site_id, started_at, ended_at, start_seen, end_seen) FROM STDIN (FORMAT BINARY);

-- update_states: where each bay stands now
UPDATE bay_state s
   SET state = u.state, reported = u.reported, fault = u.fault, silent = u.silent, since = u.since,
       seen_at = u.seen_at, revision = coalesce(u.revision, s.revision), event_at = u.event_at,
       placed_at = u.placed_at, age_s = u.age_s, session = u.session, seq = u.seq, part = u.part,
       settled = u.settled, battery_v = u.battery_v, temperature_c = u.temperature_c, firmware = u.firmware
  FROM unnest(%(bay_id)s::text[], %(state)s::text[], %(reported)s::text[], %(fault)s::boolean[],
              %(silent)s::boolean[], %(since)s::timestamptz[], %(seen_at)s::timestamptz[], %(revision)s::bigint[],
              %(event_at)s::timestamptz[], %(placed_at)s::timestamptz[], %(age_s)s::int[], %(session)s::bigint[],
              %(seq)s::bigint[], %(part)s::smallint[], %(settled)s::boolean[], %(battery_v)s::real[], %(temperature_c)s::real[],
              %(firmware)s::text[])
       AS u (bay_id, state, reported, fault, silent, since, seen_at, revision, event_at, placed_at, age_s,
             session, seq, part, settled, battery_v, temperature_c, firmware)
 WHERE s.bay_id = u.bay_id;

-- known_reads: vehicles' passages that are stored already
SELECT g.camera_id, g.event_id, g.site_id, g.event_at, g.direction, g.confidence, g.token, g.received_at
  FROM gate_event g
  JOIN unnest(%(camera_id)s::text[], %(event_id)s::text[]) AS u (camera_id, event_id)
    ON g.camera_id = u.camera_id AND g.event_id = u.event_id
 WHERE g.event_at BETWEEN %(low)s AND %(high)s;

-- delete_reads: passages whose time another message tells better
DELETE FROM gate_event g
 USING unnest(%(camera_id)s::text[], %(event_at)s::timestamptz[], %(event_id)s::text[])
       AS u (camera_id, event_at, event_id)
 WHERE (g.camera_id, g.event_at, g.event_id) = (u.camera_id, u.event_at, u.event_id);

-- copy_reads: passages
COPY gate_event (camera_id, site_id, event_at, event_id, direction, confidence, token, received_at)
  FROM STDIN (FORMAT BINARY);

-- anchors: since when each site's gates have been counting, from the latest correction
SELECT DISTINCT ON (site_id) site_id, corrected_at
  FROM count_correction WHERE site_id = ANY(%(sites)s) ORDER BY site_id, corrected_at DESC;

-- count: vehicles came in or left
UPDATE site_state t SET inside = t.inside + u.net
  FROM unnest(%(site_id)s::text[], %(net)s::int[]) AS u (site_id, net)
 WHERE t.site_id = u.site_id;

-- copy_rejections: what could not be used, and why
COPY rejected_message (received_at, topic, code, detail, size, payload) FROM STDIN (FORMAT BINARY);

-- lock_silent: bays whose device has been silent for longer than its time to live
SELECT bay_id, site_id FROM bay_state
 WHERE NOT silent AND seen_at + make_interval(secs => ttl_s) < %(now)s
 ORDER BY bay_id FOR UPDATE SKIP LOCKED;

-- silence: they are unknown now
UPDATE bay_state s SET silent = true, state = 'unknown', revision = u.revision
  FROM unnest(%(bay_id)s::text[], %(revision)s::bigint[]) AS u (bay_id, revision)
 WHERE s.bay_id = u.bay_id;

-- confirm: this ingestor is connected and can write, so the published numbers are current
INSERT INTO ingest_status (ingestor, started_at, alive_at, connected)
VALUES (%(ingestor)s, %(started_at)s, CASE WHEN %(connected)s THEN now() ELSE to_timestamp(0) END, %(connected)s)
ON CONFLICT (ingestor) DO UPDATE
   SET started_at = excluded.started_at, connected = excluded.connected,
       alive_at = CASE WHEN excluded.connected THEN excluded.alive_at ELSE ingest_status.alive_at END;

-- confirmed: tell every process
SELECT pg_notify('parking_alive', '');

-- leave: this ingestor ends
DELETE FROM ingest_status WHERE ingestor = %(ingestor)s;

-- forget_tokens: plate tokens beyond the pairing window
UPDATE gate_event SET token = NULL WHERE token IS NOT NULL AND event_at < %(before)s;
