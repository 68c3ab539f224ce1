-- create: a new webhook
INSERT INTO webhook (webhook_id, name, url, events, sites, every_s, secret, created_by)
VALUES (%(webhook_id)s, %(name)s, %(url)s, %(events)s, %(sites)s, %(every_s)s, %(secret)s, %(created_by)s);

-- list: all webhooks by name, with how many messages wait
SELECT w.webhook_id, name, url, events, sites, every_s, created_at, created_by, former_until, paused_at, paused_why,
       failing_since, delivered_at,
       (SELECT count(*) FROM webhook_message m WHERE m.webhook_id = w.webhook_id AND ended_at IS NULL) AS waiting
  FROM webhook w ORDER BY name;

-- one: one webhook, by its id or name
SELECT w.webhook_id, name, url, events, sites, every_s, created_at, created_by, former_until, paused_at, paused_why,
       failing_since, delivered_at,
       (SELECT count(*) FROM webhook_message m WHERE m.webhook_id = w.webhook_id AND ended_at IS NULL) AS waiting
  FROM webhook w WHERE %(which)s IN (w.webhook_id, name)
 ORDER BY w.webhook_id <> %(which)s LIMIT 1 FOR UPDATE;

-- rotate: a new secret; the one before signs as well for so many seconds
UPDATE webhook
   SET secret = %(secret)s,
       former_secret = CASE WHEN %(overlap_s)s::float8 > 0 THEN secret END,
       former_until = CASE WHEN %(overlap_s)s::float8 > 0 THEN now() + make_interval(secs => %(overlap_s)s::float8) END
 WHERE webhook_id = %(webhook_id)s;

-- pause: send nothing more until it is resumed
UPDATE webhook SET paused_at = now(), paused_why = %(why)s WHERE webhook_id = %(webhook_id)s AND paused_at IS NULL;

-- resume: send again
UPDATE webhook SET paused_at = NULL, paused_why = NULL, failing_since = NULL WHERE webhook_id = %(webhook_id)s;

-- retry_now: what waits need not wait longer
UPDATE webhook_message SET next_try_at = now(), tries = 0 WHERE webhook_id = %(webhook_id)s AND ended_at IS NULL;

-- remove: with all that it was told and was to be told
DELETE FROM webhook WHERE webhook_id = %(webhook_id)s;

-- messages: the newest messages of one webhook
SELECT message_id, site_id, event, made_at, next_try_at, tries, ended_at, outcome
  FROM webhook_message WHERE webhook_id = %(webhook_id)s
 ORDER BY made_at DESC, message_id DESC LIMIT %(limit)s;

-- message: one message
SELECT message_id, site_id, event, made_at, next_try_at, tries, ended_at, outcome
  FROM webhook_message WHERE message_id = %(message_id)s;

-- lead: whether this connection is the one that sends; held until it ends
SELECT pg_try_advisory_lock(4207851, 1);

-- watched: the webhooks that are not paused
SELECT webhook_id, events, sites, every_s FROM webhook WHERE paused_at IS NULL;

-- told: what those were last told
SELECT t.webhook_id, t.site_id, t.event, t.value, t.told_at
  FROM webhook_told t JOIN webhook w USING (webhook_id) WHERE w.paused_at IS NULL;

-- tell: write down what is told from now on
INSERT INTO webhook_told (webhook_id, site_id, event, value)
SELECT webhook_id, site_id, event, value
  FROM unnest(%(webhooks)s::text[], %(sites)s::text[], %(events)s::text[], %(values)s::text[])
       AS new (webhook_id, site_id, event, value)
 WHERE EXISTS (SELECT FROM webhook w WHERE w.webhook_id = new.webhook_id)
ON CONFLICT (webhook_id, site_id, event) DO UPDATE SET value = excluded.value, told_at = now();

-- send: a message; it takes the place of one of the same kind that still waits
INSERT INTO webhook_message AS m (message_id, webhook_id, site_id, event, body)
SELECT message_id, webhook_id, site_id, event, body
  FROM unnest(%(messages)s::text[], %(webhooks)s::text[], %(sites)s::text[], %(events)s::text[], %(bodies)s::text[])
       AS new (message_id, webhook_id, site_id, event, body)
 WHERE EXISTS (SELECT FROM webhook w WHERE w.webhook_id = new.webhook_id)
ON CONFLICT (webhook_id, site_id, event) WHERE ended_at IS NULL
DO UPDATE SET message_id = excluded.message_id, body = excluded.body, made_at = now(), outcome = NULL;

-- due: what is to be sent now to webhooks that are not busy, with what it is signed with
SELECT m.message_id, m.webhook_id, m.body, m.tries, w.url, w.secret,
       CASE WHEN w.former_until > now() THEN w.former_secret END
  FROM webhook_message m JOIN webhook w USING (webhook_id)
 WHERE m.ended_at IS NULL AND m.next_try_at <= now() AND (w.paused_at IS NULL OR m.event = 'ping')
   AND m.webhook_id <> ALL(%(busy)s)
 ORDER BY m.next_try_at LIMIT %(limit)s;

-- delivered: a message has arrived
UPDATE webhook_message SET ended_at = now(), next_try_at = NULL, tries = tries + 1, outcome = %(outcome)s
 WHERE message_id = %(message_id)s AND ended_at IS NULL;

-- well: a webhook took a message
UPDATE webhook SET failing_since = NULL, delivered_at = now() WHERE webhook_id = %(webhook_id)s;

-- failed: a message has not arrived; it is tried again after so many seconds, or given up with null
UPDATE webhook_message
   SET tries = tries + 1, outcome = %(outcome)s,
       next_try_at = now() + make_interval(secs => %(wait_s)s::float8),
       ended_at = CASE WHEN %(wait_s)s::float8 IS NULL THEN now() END
 WHERE message_id = %(message_id)s AND ended_at IS NULL;

-- postpone: what else waits for that webhook waits as long
UPDATE webhook_message
   SET next_try_at = greatest(next_try_at, now() + make_interval(secs => %(wait_s)s::float8))
 WHERE webhook_id = %(webhook_id)s AND ended_at IS NULL;

-- unwell: a webhook did not take a message
UPDATE webhook SET failing_since = coalesce(failing_since, now()) WHERE webhook_id = %(webhook_id)s;

-- forget: messages that ended long ago
DELETE FROM webhook_message WHERE ended_at < now() - interval '7 days';
