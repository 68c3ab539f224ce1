-- sites: what the registry says of some sites (null: all) after an id, with the count that a gate-counted one began with
SELECT s.site_id, s.name, s.kind, s.counting, s.capacity, s.timezone, s.lon, s.lat, s.status, s.details,
       (SELECT c.inside_after FROM count_correction c WHERE c.site_id = s.site_id AND c.rule = 'registry'
         ORDER BY c.corrected_at LIMIT 1)
  FROM site s
 WHERE s.retired_at IS NULL AND s.site_id > %(after)s
   AND (%(sites)s::text[] IS NULL OR s.site_id = ANY(%(sites)s))
   AND (%(ids)s::text[] IS NULL OR s.site_id = ANY(%(ids)s))
 ORDER BY s.site_id LIMIT %(limit)s;

-- bays: the bays in use of some sites (null: all) after an id, each with its device
SELECT b.bay_id, b.site_id, b.category, b.lon, b.lat, b.details, d.device_id, d.codec, d.heartbeat_s
  FROM bay b LEFT JOIN device d USING (bay_id)
 WHERE b.retired_at IS NULL AND b.bay_id > %(after)s
   AND (%(sites)s::text[] IS NULL OR b.site_id = ANY(%(sites)s))
   AND (%(ids)s::text[] IS NULL OR b.bay_id = ANY(%(ids)s))
 ORDER BY b.bay_id LIMIT %(limit)s;

-- devices: those that watch a bay of some sites; with null all, also those in the store room
SELECT d.device_id, d.codec, d.heartbeat_s, d.bay_id, b.site_id
  FROM device d LEFT JOIN bay b USING (bay_id)
 WHERE d.device_id > %(after)s
   AND (%(sites)s::text[] IS NULL OR b.site_id = ANY(%(sites)s))
   AND (%(ids)s::text[] IS NULL OR d.device_id = ANY(%(ids)s))
 ORDER BY d.device_id LIMIT %(limit)s;

-- gates: the cameras at the gates of some sites (null: all) after an id
SELECT g.camera_id, g.site_id, g.direction, g.options
  FROM gate g
 WHERE g.camera_id > %(after)s
   AND (%(sites)s::text[] IS NULL OR g.site_id = ANY(%(sites)s))
   AND (%(ids)s::text[] IS NULL OR g.camera_id = ANY(%(ids)s))
 ORDER BY g.camera_id LIMIT %(limit)s;

-- signs: those listed under some sites (null: all) after an id, with the sites of which each tells
SELECT s.sign_id, s.details->>'listed_under', s.details - 'listed_under',
       ARRAY(SELECT t.site_id FROM sign_site t WHERE t.sign_id = s.sign_id ORDER BY t.position)
  FROM sign s
 WHERE s.sign_id > %(after)s
   AND (%(sites)s::text[] IS NULL OR s.details->>'listed_under' = ANY(%(sites)s))
   AND (%(ids)s::text[] IS NULL OR s.sign_id = ANY(%(ids)s))
 ORDER BY s.sign_id LIMIT %(limit)s;
