-- hold: become the one process that decides for all signs, until the connection ends
SELECT pg_try_advisory_lock(4207850, 2);

-- facts: each sign, the sites it speaks of, in order, its settings, and the time zone of its first site
SELECT sign.sign_id, coalesce(array_agg(site_id ORDER BY position) FILTER (WHERE site_id IS NOT NULL), '{}'),
       sign.details, (array_agg(site.timezone ORDER BY position))[1]
  FROM sign
  LEFT JOIN sign_site USING (sign_id)
  LEFT JOIN site USING (site_id)
 GROUP BY sign.sign_id
 ORDER BY sign.sign_id;

-- states: the last decisions of these signs, or of all, and what operators have set
SELECT s.sign_id, t.text, t.why, t.memory, o.text, o.until_at, o.reason, o.made_by, o.made_at
  FROM sign s
  LEFT JOIN sign_state t USING (sign_id)
  LEFT JOIN sign_override o ON o.sign_id = s.sign_id AND o.until_at > now()
 WHERE (%(signs)s::text[] IS NULL OR s.sign_id = ANY(%(signs)s))
   AND (t.sign_id IS NOT NULL OR o.sign_id IS NOT NULL OR %(signs)s::text[] IS NOT NULL);

-- remember: decisions that are news; a sign that has been removed meanwhile is left out
INSERT INTO sign_state AS s (sign_id, text, why, memory, decided_at)
SELECT u.sign_id, u.text, u.why, u.memory, %(now)s
  FROM unnest(%(sign_id)s::text[], %(text)s::text[], %(why)s::text[], %(memory)s::jsonb[])
       AS u (sign_id, text, why, memory)
  JOIN sign USING (sign_id)
 ORDER BY u.sign_id
ON CONFLICT (sign_id) DO UPDATE
   SET text = excluded.text, why = excluded.why, memory = excluded.memory, decided_at = excluded.decided_at;

-- tell: what signs are told from now on
INSERT INTO sign_message (sign_id, told_at, text, why, reason, revision)
SELECT sign_id, %(now)s, text, why, reason, revision
  FROM unnest(%(sign_id)s::text[], %(text)s::text[], %(why)s::text[], %(reason)s::text[], %(revision)s::bigint[])
       AS u (sign_id, text, why, reason, revision);

-- decided: all signs were looked at
INSERT INTO sign_keeper (decided_at) VALUES (%(now)s) ON CONFLICT (only_row) DO UPDATE SET decided_at = excluded.decided_at;

-- notify: which signs have a new decision or override; empty means all
SELECT pg_notify('parking_signs', %s);

-- forget: what signs were told long ago, some at a time
DELETE FROM sign_message WHERE message_id IN (
    SELECT message_id FROM sign_message WHERE told_at < %(before)s ORDER BY told_at LIMIT 10000);

-- sign: the settings of one sign, and its sites
SELECT s.details, coalesce((SELECT array_agg(site_id ORDER BY position) FROM sign_site WHERE sign_id = s.sign_id), '{}')
  FROM sign s WHERE sign_id = %(sign_id)s;

-- override: what an operator has set on one sign, and holds
SELECT text, until_at, reason, made_by, made_at FROM sign_override
 WHERE sign_id = %(sign_id)s AND until_at > clock_timestamp() FOR UPDATE;

-- set_override: until a time
INSERT INTO sign_override (sign_id, text, until_at, reason, made_by, made_at)
VALUES (%(sign_id)s, %(text)s, %(until)s, %(reason)s, %(made_by)s, %(made_at)s)
ON CONFLICT (sign_id) DO UPDATE
   SET text = excluded.text, until_at = excluded.until_at, reason = excluded.reason, made_by = excluded.made_by,
       made_at = excluded.made_at;

-- end_override: now
DELETE FROM sign_override WHERE sign_id = %(sign_id)s;

-- history: what one sign was told, the newest first
SELECT message_id, told_at, text, why, reason, revision FROM sign_message
 WHERE sign_id = %(sign_id)s AND message_id < coalesce(%(below)s::bigint, 9223372036854775807)
 ORDER BY message_id DESC LIMIT %(limit)s;

-- last_poll: when one sign last asked, and what it was told then
SELECT polled_at, text FROM sign_poll WHERE sign_id = %(sign_id)s;

-- note_polls: who asked so many seconds ago, and what it was told
INSERT INTO sign_poll AS p (sign_id, polled_at, text)
SELECT u.sign_id, clock_timestamp() - u.age_s * INTERVAL '1 second', u.text
  FROM unnest(%(sign_id)s::text[], %(age_s)s::float8[], %(text)s::text[]) AS u (sign_id, age_s, text)
  JOIN sign USING (sign_id)
 ORDER BY u.sign_id
ON CONFLICT (sign_id) DO UPDATE SET polled_at = excluded.polled_at, text = excluded.text
 WHERE p.polled_at < excluded.polled_at;

-- noted: polls have been noted until now; without a gap since the last time, unless that is longer ago than a minute
INSERT INTO sign_poll_book AS b (noted_at) VALUES (clock_timestamp())
ON CONFLICT (only_row) DO UPDATE
   SET noted_at = excluded.noted_at,
       since = CASE WHEN b.noted_at < excluded.noted_at - INTERVAL '1 minute' THEN excluded.noted_at ELSE b.since END;

-- polls: the signs that have ever asked, where they are, when they last did and for how long they could have since (seconds)
SELECT s.sign_id, s.details, t.site_id, t.name, p.polled_at,
       extract(epoch FROM b.noted_at - greatest(p.polled_at, b.since))::float8
  FROM sign_poll p
  JOIN sign s USING (sign_id)
 CROSS JOIN sign_poll_book b
  LEFT JOIN site t ON t.site_id = s.details->>'listed_under'
 ORDER BY s.sign_id;

-- time: the database's time
SELECT clock_timestamp();
