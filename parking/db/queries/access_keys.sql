-- create: a new key
INSERT INTO api_key (key_id, name, scopes, sites, secret_hash, created_by, expires_at)
VALUES (%(key_id)s, %(name)s, %(scopes)s, %(sites)s, %(secret_hash)s, %(created_by)s,
        now() + make_interval(secs => %(expires_s)s::float8))
RETURNING key_id, name, scopes, sites, created_at, created_by, rotated_at, former_until, expires_at, revoked_at,
          last_used_at;

-- list: all keys, the newest first
SELECT key_id, name, scopes, sites, created_at, created_by, rotated_at, former_until, expires_at, revoked_at, last_used_at
  FROM api_key ORDER BY created_at DESC, key_id;

-- locks: the keys that may open something, with what they are held against
SELECT key_id, name, scopes, sites, created_at, created_by, rotated_at, former_until, expires_at, revoked_at, last_used_at,
       secret_hash, former_hash
  FROM api_key
 WHERE revoked_at IS NULL AND (expires_at IS NULL OR expires_at > now());

-- hold: one key, by its id or by the name that it has alone, until this transaction ends
SELECT key_id, name, scopes, sites, created_at, created_by, rotated_at, former_until, expires_at, revoked_at, last_used_at
  FROM api_key
 WHERE key_id = %(id)s OR (name = %(id)s AND revoked_at IS NULL)
 ORDER BY key_id <> %(id)s LIMIT 1 FOR UPDATE;

-- rotate: a new secret; the one before works for so many seconds more; and a new end, if one is given
UPDATE api_key
   SET secret_hash = %(secret_hash)s, rotated_at = now(),
       expires_at = coalesce(now() + make_interval(secs => %(expires_s)s::float8), expires_at),
       former_hash = CASE WHEN %(overlap_s)s::float8 > 0 THEN secret_hash END,
       former_until = CASE WHEN %(overlap_s)s::float8 > 0
                           THEN now() + make_interval(secs => %(overlap_s)s::float8) END
 WHERE key_id = %(key_id)s
RETURNING key_id, name, scopes, sites, created_at, created_by, rotated_at, former_until, expires_at, revoked_at,
          last_used_at;

-- revoke: an end for good
UPDATE api_key SET revoked_at = now(), former_hash = NULL, former_until = NULL
 WHERE key_id = %(key_id)s
RETURNING key_id, name, scopes, sites, created_at, created_by, rotated_at, former_until, expires_at, revoked_at,
          last_used_at;

-- used: these keys were used just now
UPDATE api_key SET last_used_at = now()
 WHERE key_id = ANY(%(ids)s) AND (last_used_at IS NULL OR last_used_at < now());

-- known_sites: which of these sites the registry has
SELECT site_id FROM site WHERE site_id = ANY(%(sites)s);

-- time: the database's, by which a key expires
SELECT now();
