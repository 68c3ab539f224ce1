-- head: hold the end of the chain until this transaction ends, and read it; the time; both values as they will be kept
SELECT h.audit_id, h.hash, clock_timestamp(), %(before)s::jsonb::text, %(after)s::jsonb::text
  FROM audit_head h FOR UPDATE;

-- append: one row, whose trigger moves the head
INSERT INTO audit_log (audit_id, at, actor, action, subject, before, after, previous, hash)
VALUES (%(audit_id)s, %(at)s, %(actor)s, %(action)s, %(subject)s, %(before)s::jsonb, %(after)s::jsonb,
        %(previous)s, %(hash)s);

-- page: the newest rows older than `below` that begin as asked, for people to read
SELECT audit_id, at, actor, action, subject, before::text, after::text, previous, hash
  FROM audit_log
 WHERE audit_id < coalesce(%(below)s::bigint, 9223372036854775807)
   AND starts_with(actor, %(actor)s) AND starts_with(action, %(action)s) AND starts_with(subject, %(subject)s)
   AND (%(since)s::timestamptz IS NULL OR at >= %(since)s) AND (%(until)s::timestamptz IS NULL OR at < %(until)s)
 ORDER BY audit_id DESC LIMIT %(limit)s;

-- chain: the whole log in order
SELECT audit_id, at, actor, action, subject, before::text, after::text, previous, hash
  FROM audit_log ORDER BY audit_id;

-- end: what the head says the last row is
SELECT audit_id, hash FROM audit_head;
