-- movements: vehicles that were seen to come to a bay or to leave it from %(since)s to %(until)s, but at bays of %(withheld)s
WITH told AS (
    SELECT bay_id, category FROM bay WHERE category <> ALL (%(withheld)s::text[])
)
SELECT stay.site_id, told.category, stay.started_at, true
  FROM told JOIN stay USING (bay_id)
 WHERE stay.start_seen AND stay.started_at >= %(since)s AND stay.started_at < %(until)s
UNION ALL
SELECT stay.site_id, told.category, stay.ended_at, false
  FROM told JOIN stay USING (bay_id)
 WHERE stay.end_seen AND stay.ended_at >= %(since)s AND stay.ended_at < %(until)s
   AND stay.started_at >= %(since)s - INTERVAL '7 days' AND stay.started_at < %(until)s;
