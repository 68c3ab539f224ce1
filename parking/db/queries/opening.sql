-- hours: the sites with opening hours, and whether these say open as far as is stored
SELECT site_id, timezone, details->>'opening_hours', within_hours FROM site WHERE details ? 'opening_hours';

-- set_within_hours: what the opening hours say now
UPDATE site SET within_hours = u.within_hours
  FROM unnest(%(site_id)s::text[], %(within_hours)s::boolean[]) AS u (site_id, within_hours)
 WHERE site.site_id = u.site_id AND site.within_hours <> u.within_hours;

-- without_hours: sites that have no opening hours any more are not kept closed by them
UPDATE site SET within_hours = true WHERE NOT within_hours AND NOT details ? 'opening_hours';

-- set_closed: the sites at which a closure has begun or is over
UPDATE site SET closed_now = NOT closed_now
 WHERE closed_now <> EXISTS (SELECT FROM closure c
                              WHERE c.site_id = site.site_id AND c.from_at <= clock_timestamp()
                                AND (c.until_at > clock_timestamp() OR c.until_at IS NULL));

-- turned: the sites that are published as open and are closed, or the other way
SELECT t.site_id FROM site_state t JOIN site s USING (site_id) WHERE t.status <> s.status_now ORDER BY t.site_id;

-- add: close a site
INSERT INTO closure (site_id, from_at, until_at, reason, made_by)
SELECT site_id, coalesce(%(from_at)s::timestamptz, clock_timestamp()), %(until_at)s, %(reason)s, %(made_by)s
  FROM site WHERE site_id = %(site_id)s
RETURNING closure_id, site_id, from_at, until_at, reason, made_by, made_at;

-- find: one closure
SELECT closure_id, site_id, from_at, until_at, reason, made_by, made_at FROM closure WHERE closure_id = %(closure_id)s
   FOR UPDATE;

-- end: a closure that is over sooner
UPDATE closure SET until_at = %(until_at)s WHERE closure_id = %(closure_id)s
RETURNING closure_id, site_id, from_at, until_at, reason, made_by, made_at;

-- change: other times or another reason
UPDATE closure SET from_at = %(from_at)s, until_at = %(until_at)s, reason = %(reason)s WHERE closure_id = %(closure_id)s
RETURNING closure_id, site_id, from_at, until_at, reason, made_by, made_at;

-- remove: a closure that has not begun
DELETE FROM closure WHERE closure_id = %(closure_id)s;

-- closures: those that overlap a time, of one site or of all
SELECT closure_id, site_id, from_at, until_at, reason, made_by, made_at FROM closure
 WHERE (%(site_id)s::text IS NULL OR site_id = %(site_id)s)
   AND from_at < coalesce(%(until_at)s::timestamptz, 'infinity')
   AND coalesce(until_at, 'infinity') > coalesce(%(from_at)s::timestamptz, '-infinity')
 ORDER BY from_at, closure_id;

-- time: the database's time
SELECT clock_timestamp();

-- notify: what sites are closed, and when, has changed
SELECT pg_notify('parking_registry', '');
