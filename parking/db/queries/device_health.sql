-- store_words: what devices said of themselves; of each value the latest stays, in whatever order they come
INSERT INTO device_health AS d (device_id, battery_pct, battery_pct_at, battery_low, battery_low_at, margin_db,
                                margin_db_at, heartbeat_s, heartbeat_s_at, health, health_at)
SELECT * FROM unnest(%(device_id)s::text[], %(battery_pct)s::real[], %(battery_pct_at)s::timestamptz[],
                     %(battery_low)s::boolean[], %(battery_low_at)s::timestamptz[], %(margin_db)s::int[],
                     %(margin_db_at)s::timestamptz[], %(heartbeat_s)s::int[], %(heartbeat_s_at)s::timestamptz[],
                     %(health)s::text[], %(health_at)s::timestamptz[])
ON CONFLICT (device_id) DO UPDATE
   SET battery_pct = CASE WHEN excluded.battery_pct_at >= coalesce(d.battery_pct_at, '-infinity')
                          THEN excluded.battery_pct ELSE d.battery_pct END,
       battery_pct_at = greatest(d.battery_pct_at, excluded.battery_pct_at),
       battery_low = CASE WHEN excluded.battery_low_at >= coalesce(d.battery_low_at, '-infinity')
                          THEN excluded.battery_low ELSE d.battery_low END,
       battery_low_at = greatest(d.battery_low_at, excluded.battery_low_at),
       margin_db = CASE WHEN excluded.margin_db_at >= coalesce(d.margin_db_at, '-infinity')
                        THEN excluded.margin_db ELSE d.margin_db END,
       margin_db_at = greatest(d.margin_db_at, excluded.margin_db_at),
       heartbeat_s = CASE WHEN excluded.heartbeat_s_at >= coalesce(d.heartbeat_s_at, '-infinity')
                          THEN excluded.heartbeat_s ELSE d.heartbeat_s END,
       heartbeat_s_at = greatest(d.heartbeat_s_at, excluded.heartbeat_s_at),
       health = CASE WHEN excluded.health_at >= coalesce(d.health_at, '-infinity')
                     THEN excluded.health ELSE d.health END,
       health_at = greatest(d.health_at, excluded.health_at);

-- take_samples: today's sample of each battery that was heard of within a day and has none yet
INSERT INTO battery_sample (device_id, day, battery_v, battery_pct, temperature_c)
SELECT s.device_id, %(day)s, s.battery_v, h.battery_pct, s.temperature_c
  FROM bay_state s LEFT JOIN device_health h USING (device_id)
 WHERE s.site_id = ANY(%(sites)s) AND s.device_id IS NOT NULL
   AND s.seen_at > %(now)s::timestamptz - INTERVAL '1 day'
   AND (s.battery_v IS NOT NULL OR h.battery_pct IS NOT NULL)
   AND NOT EXISTS (SELECT FROM battery_sample b WHERE (b.device_id, b.day) = (s.device_id, %(day)s))
ON CONFLICT DO NOTHING
RETURNING device_id;

-- thin_samples: after three months those of Mondays are enough, after two years none
DELETE FROM battery_sample
 WHERE device_id = ANY(%(devices)s)
   AND (day < %(day)s::date - 90 AND extract(isodow FROM day) <> 1 OR day < %(day)s::date - 730);

-- samples: the batteries of these devices, day by day
SELECT device_id, day, battery_v, battery_pct FROM battery_sample
 WHERE device_id = ANY(%(devices)s) AND day <= %(day)s ORDER BY device_id, day;

-- store_forecasts: when their batteries run out, or why that cannot be said
INSERT INTO device_health AS d (device_id, empty_on, empty_earliest, forecast)
SELECT * FROM unnest(%(device_id)s::text[], %(empty_on)s::date[], %(empty_earliest)s::date[], %(forecast)s::text[])
ON CONFLICT (device_id) DO UPDATE
   SET empty_on = excluded.empty_on, empty_earliest = excluded.empty_earliest, forecast = excluded.forecast;
