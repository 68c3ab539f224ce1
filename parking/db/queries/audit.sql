-- head: hold the end of the chain until this transaction ends, and read it; the time; both values as they will be kept
SELECT h.audit_id, h.hash, clock_timestamp(), %(before)s::jsonb::text, %(after)s::jsonb::text
  FROM audit_head h FOR UPDATE;

-- append: one row, whose trigger moves the head
INSERT INTO audit_log (audit_id, at, actor, action, subject, before, after, previous, hash)
VALUES (%(audit_id)s, %(at)s, %(actor)s, %(action)s, %(subject)s, %(before)s::jsonb, %(after)s::jsonb,
        %(previous)s, %(hash)s);
