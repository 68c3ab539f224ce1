-- sites: how many sites one may see (null: all) have a text in their id, name, zone or address, and some of them by name
WITH found AS (
    SELECT s.site_id AS id, lower(s.name) AS name
      FROM site s
     WHERE s.retired_at IS NULL AND (%(sites)s::text[] IS NULL OR s.site_id = ANY(%(sites)s))
       AND strpos(lower(concat_ws(' ', s.site_id, s.name, s.details->>'zone', s.details->>'address')),
                  lower(%(text)s)) > 0
)
SELECT (SELECT count(*) FROM found), ARRAY(SELECT id FROM found ORDER BY name, id LIMIT %(limit)s OFFSET %(offset)s);

-- bays: how many bays in use have a text in their id or their device's, of some category (empty: any), and some of them by id
WITH found AS (
    SELECT b.bay_id AS id
      FROM bay b LEFT JOIN device d USING (bay_id)
     WHERE b.retired_at IS NULL AND (%(sites)s::text[] IS NULL OR b.site_id = ANY(%(sites)s))
       AND %(category)s IN ('', b.category)
       AND strpos(lower(concat_ws(' ', b.bay_id, d.device_id)), lower(%(text)s)) > 0
)
SELECT (SELECT count(*) FROM found), ARRAY(SELECT id FROM found ORDER BY id LIMIT %(limit)s OFFSET %(offset)s);

-- devices: how many devices of some type (empty: any) have a text in their id or their bay's, and some of them by id
WITH found AS (
    SELECT d.device_id AS id
      FROM device d LEFT JOIN bay b USING (bay_id)
     WHERE (%(sites)s::text[] IS NULL OR b.site_id = ANY(%(sites)s))
       AND %(category)s IN ('', d.codec, CASE WHEN d.bay_id IS NULL THEN 'stored' END)
       AND strpos(lower(concat_ws(' ', d.device_id, d.bay_id)), lower(%(text)s)) > 0
)
SELECT (SELECT count(*) FROM found), ARRAY(SELECT id FROM found ORDER BY id LIMIT %(limit)s OFFSET %(offset)s);

-- gates: how many gates have a text in their camera's id, of some direction (empty: any), and some of them by id
WITH found AS (
    SELECT g.camera_id AS id
      FROM gate g
     WHERE (%(sites)s::text[] IS NULL OR g.site_id = ANY(%(sites)s))
       AND %(category)s IN ('', g.direction)
       AND strpos(lower(g.camera_id), lower(%(text)s)) > 0
)
SELECT (SELECT count(*) FROM found), ARRAY(SELECT id FROM found ORDER BY id LIMIT %(limit)s OFFSET %(offset)s);

-- signs: how many signs listed under some sites have a text in their id or name, of some mode (empty: any), and some by id
WITH found AS (
    SELECT s.sign_id AS id
      FROM sign s
     WHERE (%(sites)s::text[] IS NULL OR s.details->>'listed_under' = ANY(%(sites)s))
       AND %(category)s IN ('', coalesce(s.details->>'mode', 'auto'))
       AND strpos(lower(concat_ws(' ', s.sign_id, s.details->>'name')), lower(%(text)s)) > 0
)
SELECT (SELECT count(*) FROM found), ARRAY(SELECT id FROM found ORDER BY id LIMIT %(limit)s OFFSET %(offset)s);

-- counts: how many sites, bays, devices, gates and signs there are at some sites (null: at all, and in the store room)
SELECT (SELECT count(*) FROM site
         WHERE retired_at IS NULL AND (%(sites)s::text[] IS NULL OR site_id = ANY(%(sites)s))),
       (SELECT count(*) FROM bay
         WHERE retired_at IS NULL AND (%(sites)s::text[] IS NULL OR site_id = ANY(%(sites)s))),
       (SELECT count(*) FROM device d LEFT JOIN bay b USING (bay_id)
         WHERE %(sites)s::text[] IS NULL OR b.site_id = ANY(%(sites)s)),
       (SELECT count(*) FROM gate WHERE %(sites)s::text[] IS NULL OR site_id = ANY(%(sites)s)),
       (SELECT count(*) FROM sign WHERE %(sites)s::text[] IS NULL OR details->>'listed_under' = ANY(%(sites)s));

-- names: the names of some sites (null: all), by name
SELECT site_id, name FROM site
 WHERE retired_at IS NULL AND (%(sites)s::text[] IS NULL OR site_id = ANY(%(sites)s))
 ORDER BY lower(name), site_id;

-- categories: the kinds of space that bays in use have
SELECT DISTINCT category FROM bay WHERE retired_at IS NULL ORDER BY category;
