-- clock: the database's time, the least confirmation of the ingestors (null without any), how many, how many
-- connected, and when one of them last looked at all signs
SELECT clock_timestamp(), min(alive_at), count(*), count(*) FILTER (WHERE connected),
       (SELECT decided_at FROM sign_keeper)
  FROM ingest_status;

-- sites: each site and its snapshot; all spaces of a site that has none yet are unknown
SELECT site.site_id, site.name, site.kind, site.counting, site.timezone, site.lon, site.lat, site.details,
       coalesce(now.revision, 0), coalesce(now.status, site.status_now), spaces.capacity,
       coalesce(now.vacant, 0), coalesce(now.occupied, 0), coalesce(now.unknown, spaces.capacity),
       coalesce(now.free_min, 0), coalesce(now.free_max, spaces.capacity), coalesce(now.as_of, site.imported_at),
       site.registered_at
  FROM site
  LEFT JOIN site_state AS now USING (site_id)
 CROSS JOIN LATERAL (
       SELECT coalesce(now.capacity, site.capacity,
                       (SELECT count(*) FROM bay WHERE bay.site_id = site.site_id AND retired_at IS NULL))
       ) AS spaces (capacity)
 WHERE site.retired_at IS NULL
 ORDER BY site.site_id;

-- bays: the bays in use and what is published of them, in one row of columns, texts by lines; while a state is held,
-- it is not told since when
SELECT string_agg(bay_id, E'\n'), string_agg(site_id, E'\n'), string_agg(category, E'\n'),
       array_agg(lon), array_agg(lat), array_agg(max_stay_min),
       string_agg(state, E'\n'), array_agg(since), array_agg(fault), array_agg(revision)
  FROM (SELECT bay.bay_id, bay.site_id, bay.category, coalesce(bay.lon, 'NaN') AS lon, coalesce(bay.lat, 'NaN') AS lat,
               coalesce((bay.details->>'max_stay_min')::int, 0) AS max_stay_min,
               coalesce(now.state, 'unknown') AS state,
               CASE WHEN now.since IS NOT NULL AND (now.state = now.reported OR now.silent) THEN now.since
                    ELSE '-infinity' END AS since,
               coalesce(now.fault, false) AS fault, coalesce(now.revision, 0) AS revision
          FROM bay
          LEFT JOIN bay_state AS now USING (bay_id)
         WHERE bay.retired_at IS NULL
         ORDER BY bay.site_id, bay.bay_id) AS each;

-- closures: the times in which sites are closed, now and to come
SELECT closure_id, site_id, from_at, until_at, reason, made_by, made_at FROM closure
 WHERE until_at IS NULL OR until_at > now()
 ORDER BY site_id, from_at, closure_id;

-- changed_sites: the snapshots of some sites (%s: their ids)
SELECT site_id, revision, status, capacity, vacant, occupied, unknown, free_min, free_max, as_of
  FROM site_state
 WHERE site_id = ANY(%s::text[]);

-- changed_bays: the bays of some sites that changed after a revision (%s, %s: ids and revisions, side by side)
SELECT now.bay_id, now.site_id, now.state, CASE WHEN now.state = now.reported OR now.silent THEN now.since END,
       now.fault, now.revision
  FROM unnest(%s::text[], %s::bigint[]) AS known (site_id, revision)
  JOIN bay_state AS now ON now.site_id = known.site_id AND now.revision > known.revision;

-- listen_sites: told of each change of a published number
LISTEN parking_sites;

-- listen_registry: told when sites, bays or signs were added, changed or removed
LISTEN parking_registry;

-- listen_alive: told when an ingestor confirms that the numbers are current
LISTEN parking_alive;

-- listen_signs: told of each decision that a reader must know, and of what operators set
LISTEN parking_signs;
