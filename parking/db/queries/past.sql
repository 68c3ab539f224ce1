-- begin: bays that nothing has been heard of were there, and vacant unless told otherwise, from a time on
UPDATE bay SET first_at = %(since)s WHERE bay_id = ANY(%(bays)s::text[]) AND first_at IS NULL;

-- begin_periods: the same for the site and category in which they are
UPDATE bay_period SET from_at = least(from_at, %(since)s) WHERE bay_id = ANY(%(bays)s::text[]);

-- end: and nothing is known of them from its end on, until they are heard
UPDATE bay_state SET since = %(until)s WHERE bay_id = ANY(%(bays)s::text[]) AND since IS NULL;

-- keep_counts: the numbers of a site at quarter hours
INSERT INTO site_count (site_id, quarter_at, capacity, occupied, unknown)
SELECT %(site)s, u.quarter_at, s.capacity, least(s.capacity, u.occupied), 0
  FROM site s, unnest(%(quarter_at)s, %(occupied)s) AS u (quarter_at, occupied)
 WHERE s.site_id = %(site)s
ON CONFLICT DO NOTHING;
