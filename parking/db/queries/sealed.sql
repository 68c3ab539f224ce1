-- windows: the replay windows of these devices, or of all
SELECT device_id, secret_print, highest, used FROM sealed_window
 WHERE %(devices)s::text[] IS NULL OR device_id = ANY(%(devices)s);

-- lock_windows: keep others from changing them, in key order
SELECT FROM sealed_window WHERE device_id = ANY(%(devices)s) ORDER BY device_id, secret_print FOR UPDATE;

-- move_windows: where these windows stand now, if they are still as they were in memory
UPDATE sealed_window w SET highest = u.highest, used = u.used
  FROM unnest(%(device_id)s, %(secret_print)s, %(key_number)s, %(highest)s, %(used)s, %(old_highest)s,
              %(old_used)s)
       AS u (device_id, secret_print, key_number, highest, used, old_highest, old_used)
 WHERE w.device_id = u.device_id AND w.secret_print = u.secret_print
   AND w.highest = u.old_highest AND w.used = u.old_used;

-- add_windows: those of keys that nobody has used before
INSERT INTO sealed_window (device_id, secret_print, key_number, highest, used)
SELECT device_id, secret_print, key_number, highest, used
  FROM unnest(%(device_id)s, %(secret_print)s, %(key_number)s, %(highest)s, %(used)s, %(old_highest)s,
              %(old_used)s)
       AS u (device_id, secret_print, key_number, highest, used, old_highest, old_used)
 ORDER BY device_id, secret_print
ON CONFLICT DO NOTHING;

-- stored: which of these transitions the database has, by their place in the question; long ago is not now
SELECT u.place
  FROM unnest(%(place)s::int[], %(bay_id)s::text[], %(device_id)s::text[], %(event_at)s::timestamptz[],
              %(session)s::bigint[], %(seq)s::bigint[], %(part)s::smallint[])
       AS u (place, bay_id, device_id, event_at, session, seq, part)
 WHERE EXISTS (
       SELECT FROM bay_event e
        WHERE (e.bay_id, e.device_id, e.session, e.seq, e.part)
            = (u.bay_id, u.device_id, u.session, u.seq, u.part)
          AND e.kind <> 'inferred'
          AND e.event_at BETWEEN u.event_at - INTERVAL '8 days' AND u.event_at + INTERVAL '8 days');
