-- lock: the published numbers that this transaction will change, in key order, and what they are made of
SELECT t.site_id, s.counting, s.status_now, s.capacity, t.inside, t.inside_sd, t.revision, t.status, t.capacity, t.vacant,
       t.occupied, t.unknown, t.free_min, t.free_max, t.as_of
  FROM site_state t JOIN site s USING (site_id)
 WHERE t.site_id = ANY(%(sites)s)
 ORDER BY t.site_id FOR UPDATE OF t;

-- recount: the bays of each site by what is published of them
SELECT site_id, count(*) FILTER (WHERE state = 'vacant'), count(*) FILTER (WHERE state = 'occupied'),
       count(*) FILTER (WHERE state = 'unknown')
  FROM bay_state WHERE site_id = ANY(%(sites)s) GROUP BY site_id;

-- publish: the new numbers; each makes a new revision
UPDATE site_state t
   SET revision = u.revision, status = u.status, capacity = u.capacity, vacant = u.vacant,
       occupied = u.occupied, unknown = u.unknown, free_min = u.free_min, free_max = u.free_max, as_of = now()
  FROM unnest(%(site_id)s::text[], %(revision)s::bigint[], %(status)s::text[], %(capacity)s::int[],
              %(vacant)s::int[], %(occupied)s::int[], %(unknown)s::int[], %(free_min)s::int[],
              %(free_max)s::int[])
       AS u (site_id, revision, status, capacity, vacant, occupied, unknown, free_min, free_max)
 WHERE t.site_id = u.site_id
RETURNING t.as_of;

-- notify: which sites have a new revision
SELECT pg_notify('parking_sites', %s);

-- published: the published numbers of these sites, or of all
SELECT site_id, revision, status, capacity, vacant, occupied, unknown, free_min, free_max, as_of FROM site_state
 WHERE %(sites)s::text[] IS NULL OR site_id = ANY(%(sites)s);
