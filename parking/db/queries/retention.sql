-- hold: become the one process that removes what is old, until let go or the connection ends
SELECT pg_try_advisory_lock(4207850, 3);

-- let_go: give that up
SELECT pg_advisory_unlock(4207850, 3);

-- time: the database's time
SELECT clock_timestamp();

-- last_run: when what is old was last removed, from all tables
SELECT min(ran_at) FROM retention WHERE table_name = ANY(%(tables)s::text[]) HAVING count(*) = cardinality(%(tables)s::text[]);

-- gone: up to when each table was cleared
SELECT table_name, gone_until FROM retention;

-- record: a table has been cleared up to a time
INSERT INTO retention AS r (table_name, gone_until, ran_at, rows_removed, chunks_removed)
VALUES (%(table)s, %(until)s, clock_timestamp(), %(rows)s, %(chunks)s)
ON CONFLICT (table_name) DO UPDATE
   SET gone_until = greatest(r.gone_until, excluded.gone_until), ran_at = excluded.ran_at,
       rows_removed = excluded.rows_removed, chunks_removed = excluded.chunks_removed;

-- has_timescale: whether there are chunks to drop
SELECT EXISTS (SELECT FROM pg_extension WHERE extname = 'timescaledb');

-- hypertables: the tables that come in chunks
SELECT hypertable_name FROM timescaledb_information.hypertables WHERE hypertable_schema = current_schema();

-- chunks: those of a table that end before a time, the oldest first
SELECT range_start, range_end FROM timescaledb_information.chunks
 WHERE hypertable_schema = current_schema() AND hypertable_name = %(table)s AND range_end <= %(until)s
 ORDER BY range_start;

-- drop_chunk: one chunk of a table
SELECT drop_chunks(%(table)s::regclass, older_than => %(until)s::timestamptz, newer_than => %(since)s::timestamptz);

-- table_bay_event: room for the events that must stay
CREATE TEMPORARY TABLE needed_bay_event (LIKE bay_event);

-- needed_bay_event: the last event of each bay that said nothing between the limit and of late; the next is joined to it
INSERT INTO needed_bay_event
SELECT e.* FROM bay b
 CROSS JOIN LATERAL (SELECT * FROM bay_event WHERE bay_id = b.bay_id AND event_at < %(until)s
                      ORDER BY event_at DESC, session DESC, seq DESC, part DESC LIMIT 1) AS e
 WHERE NOT EXISTS (SELECT FROM bay_event n
                    WHERE n.bay_id = b.bay_id AND n.event_at >= %(until)s AND n.event_at < %(recent)s);

-- spare_bay_event: whether a chunk holds anything besides those
SELECT EXISTS (SELECT FROM bay_event e
                WHERE e.event_at >= %(since)s AND e.event_at < %(until)s
                  AND NOT EXISTS (SELECT FROM needed_bay_event k
                                   WHERE (k.bay_id, k.event_at, k.device_id, k.session, k.seq, k.part)
                                       = (e.bay_id, e.event_at, e.device_id, e.session, e.seq, e.part)));

-- restore_bay_event: those of a chunk come back
INSERT INTO bay_event SELECT * FROM needed_bay_event WHERE event_at >= %(since)s AND event_at < %(until)s;

-- table_ended_stay: room for the stays that must stay
CREATE TEMPORARY TABLE needed_ended_stay (LIKE ended_stay);

-- needed_ended_stay: chunks go by when stays began; those that ended after the limit are kept
INSERT INTO needed_ended_stay SELECT * FROM ended_stay WHERE started_at < %(until)s AND ended_at >= %(until)s;

-- spare_ended_stay: whether a chunk holds anything besides those
SELECT EXISTS (SELECT FROM ended_stay e
                WHERE started_at >= %(since)s AND started_at < %(until)s
                  AND NOT EXISTS (SELECT FROM needed_ended_stay k
                                   WHERE (k.bay_id, k.started_at) = (e.bay_id, e.started_at)));

-- restore_ended_stay: those of a chunk come back
INSERT INTO ended_stay SELECT * FROM needed_ended_stay WHERE started_at >= %(since)s AND started_at < %(until)s;

-- first_bay_event: the oldest
SELECT min(event_at) FROM bay_event;

-- delete_bay_event: of a spell, but for the last event of a bay that has said nothing since
DELETE FROM bay_event e
 WHERE e.event_at >= %(since)s AND e.event_at < %(until)s
   AND NOT EXISTS (SELECT FROM needed_bay_event k
                    WHERE (k.bay_id, k.event_at, k.device_id, k.session, k.seq, k.part)
                        = (e.bay_id, e.event_at, e.device_id, e.session, e.seq, e.part));

-- count_bay_event: how many that would be
SELECT count(*) FROM bay_event e
 WHERE e.event_at >= %(since)s AND e.event_at < %(until)s
   AND NOT EXISTS (SELECT FROM needed_bay_event k
                    WHERE (k.bay_id, k.event_at, k.device_id, k.session, k.seq, k.part)
                        = (e.bay_id, e.event_at, e.device_id, e.session, e.seq, e.part));

-- first_ended_stay: the oldest, by its end
SELECT min(ended_at) FROM ended_stay;

-- delete_ended_stay: those that ended in a spell
DELETE FROM ended_stay WHERE ended_at >= %(since)s AND ended_at < %(until)s;

-- count_ended_stay: how many that would be
SELECT count(*) FROM ended_stay WHERE ended_at >= %(since)s AND ended_at < %(until)s;

-- first_gate_event: the oldest
SELECT min(event_at) FROM gate_event;

-- delete_gate_event: of a spell
DELETE FROM gate_event WHERE event_at >= %(since)s AND event_at < %(until)s;

-- count_gate_event: how many that would be
SELECT count(*) FROM gate_event WHERE event_at >= %(since)s AND event_at < %(until)s;

-- first_site_usage: the oldest
SELECT min(quarter_at) FROM site_usage;

-- delete_site_usage: of a spell
DELETE FROM site_usage WHERE quarter_at >= %(since)s AND quarter_at < %(until)s;

-- count_site_usage: how many that would be
SELECT count(*) FROM site_usage WHERE quarter_at >= %(since)s AND quarter_at < %(until)s;

-- first_site_count: the oldest
SELECT min(quarter_at) FROM site_count;

-- delete_site_count: of a spell
DELETE FROM site_count WHERE quarter_at >= %(since)s AND quarter_at < %(until)s;

-- count_site_count: how many that would be
SELECT count(*) FROM site_count WHERE quarter_at >= %(since)s AND quarter_at < %(until)s;

-- first_forecast_made: the oldest
SELECT min(target_at) FROM forecast_made;

-- delete_forecast_made: of a spell
DELETE FROM forecast_made WHERE target_at >= %(since)s AND target_at < %(until)s;

-- count_forecast_made: how many that would be
SELECT count(*) FROM forecast_made WHERE target_at >= %(since)s AND target_at < %(until)s;

-- first_forecast_score: the oldest
SELECT min(day)::timestamptz FROM forecast_score;

-- delete_forecast_score: of a spell
DELETE FROM forecast_score WHERE day >= %(since)s::timestamptz::date AND day < %(until)s::timestamptz::date;

-- count_forecast_score: how many that would be
SELECT count(*) FROM forecast_score WHERE day >= %(since)s::timestamptz::date AND day < %(until)s::timestamptz::date;

-- first_rejected_message: the oldest
SELECT min(received_at) FROM rejected_message;

-- delete_rejected_message: of a spell
DELETE FROM rejected_message WHERE received_at >= %(since)s AND received_at < %(until)s;

-- count_rejected_message: how many that would be
SELECT count(*) FROM rejected_message WHERE received_at >= %(since)s AND received_at < %(until)s;

-- first_health_finding: the oldest that is closed
SELECT min(closed_at) FROM health_finding;

-- delete_health_finding: those that were closed in a spell
DELETE FROM health_finding WHERE closed_at >= %(since)s AND closed_at < %(until)s;

-- count_health_finding: how many that would be
SELECT count(*) FROM health_finding WHERE closed_at >= %(since)s AND closed_at < %(until)s;

-- first_unknown_run: the oldest, by its end
SELECT min(ended_at) FROM unknown_run;

-- delete_unknown_run: those that ended in a spell
DELETE FROM unknown_run WHERE ended_at >= %(since)s AND ended_at < %(until)s;

-- count_unknown_run: how many that would be
SELECT count(*) FROM unknown_run WHERE ended_at >= %(since)s AND ended_at < %(until)s;

-- first_visit: the oldest that is over
SELECT min(closed_at) FROM visit;

-- delete_visit: those that were over in a spell
DELETE FROM visit WHERE closed_at >= %(since)s AND closed_at < %(until)s;

-- count_visit: how many that would be
SELECT count(*) FROM visit WHERE closed_at >= %(since)s AND closed_at < %(until)s;

-- first_silent_spell: the oldest, by its end; the row that says when a device was first heard is none
SELECT min(until_at) FROM silent_spell WHERE heard_at > '-infinity';

-- delete_silent_spell: those that ended in a spell, but for those in what still goes on: it is summed when it ends
DELETE FROM silent_spell g
 WHERE until_at >= %(since)s AND until_at < %(until)s AND heard_at > '-infinity'
   AND NOT EXISTS (SELECT FROM bay_state s
                    WHERE s.bay_id = g.bay_id AND s.since < g.until_at AND s.reported <> 'vacant');

-- count_silent_spell: how many that would be
SELECT count(*) FROM silent_spell g
 WHERE until_at >= %(since)s AND until_at < %(until)s AND heard_at > '-infinity'
   AND NOT EXISTS (SELECT FROM bay_state s
                    WHERE s.bay_id = g.bay_id AND s.since < g.until_at AND s.reported <> 'vacant');

-- first_site_day: the oldest
SELECT min(day)::timestamptz FROM site_day;

-- delete_site_day: the days that began in a spell
DELETE FROM site_day WHERE day >= %(since)s::timestamptz AND day < %(until)s::timestamptz;

-- count_site_day: how many that would be
SELECT count(*) FROM site_day WHERE day >= %(since)s::timestamptz AND day < %(until)s::timestamptz;
