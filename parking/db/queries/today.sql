-- arrivals: vehicles that have come since midnight by each site's own clock: stays that have ended, those that go
-- on, and passages through gates
WITH day AS (
     SELECT site_id, date_trunc('day', now() AT TIME ZONE timezone) AT TIME ZONE timezone AS begins FROM site)
SELECT d.site_id,
       coalesce((SELECT sum(u.arrivals) FROM site_usage u
                  WHERE u.site_id = d.site_id AND u.quarter_at >= d.begins), 0)::bigint
     + (SELECT count(*) FROM bay_state b
         WHERE b.site_id = d.site_id AND b.state = 'occupied' AND b.start_seen AND b.since >= d.begins)
     + (SELECT count(*) FROM gate_event g
         WHERE g.site_id = d.site_id AND g.direction = 'in' AND g.event_at >= d.begins)
  FROM day d;
