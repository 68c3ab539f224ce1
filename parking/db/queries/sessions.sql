-- open: somebody has signed in
INSERT INTO session (token_hash, key_id, secret_hash, holder, scopes, expires_at)
VALUES (%(token_hash)s, %(key_id)s, %(secret_hash)s, %(holder)s, %(scopes)s,
        now() + make_interval(secs => %(lasts_s)s::float8));

-- find: whose session it is, if it is good now: neither it nor the key behind it has ended
SELECT coalesce(s.holder, k.name || ' (key ' || k.key_id || ')'), coalesce(s.scopes, k.scopes), k.sites,
       s.seen_at < now() - interval '1 minute'
  FROM session s LEFT JOIN api_key k USING (key_id)
 WHERE s.token_hash = %(token_hash)s
   AND s.expires_at > now()
   AND s.seen_at > now() - make_interval(secs => %(idle_s)s::float8)
   AND (s.key_id IS NULL
        OR (k.revoked_at IS NULL
            AND (k.expires_at IS NULL OR k.expires_at > now())
            AND (s.secret_hash = k.secret_hash
                 OR (s.secret_hash = k.former_hash AND k.former_until > now()))));

-- seen: it was used just now
UPDATE session SET seen_at = now() WHERE token_hash = %(token_hash)s;

-- close: its holder signs out
DELETE FROM session WHERE token_hash = %(token_hash)s;

-- sweep: sessions that nobody can use any more
DELETE FROM session
 WHERE expires_at <= now() OR seen_at <= now() - make_interval(secs => %(idle_s)s::float8);
