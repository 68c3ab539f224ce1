-- lock_books: whether this process may keep the books now
SELECT pg_try_advisory_lock(4207849488);

-- unlock_books: others may
SELECT pg_advisory_unlock(4207849488);

-- due: gate-counted sites whose books are behind a time, or have to be kept anew since a passage came late
SELECT s.site_id FROM site s JOIN site_state t USING (site_id)
  LEFT JOIN LATERAL (SELECT max(kept_to) AS kept_to FROM gate_books b WHERE b.site_id = s.site_id) AS kept ON true
 WHERE s.counting = 'gates'
   AND (kept.kept_to IS NULL OR kept.kept_to < %(to)s::timestamptz OR t.redo_from <= kept.kept_to)
 ORDER BY s.site_id;

-- site: what the books of a site go by
SELECT s.timezone, s.capacity, s.details, t.redo_from
  FROM site s JOIN site_state t USING (site_id) WHERE s.site_id = %(site_id)s;

-- kept: where the books stood last, before anything that is new
SELECT kept_to, state FROM gate_books
 WHERE site_id = %(site_id)s AND kept_to < coalesce(%(before)s::timestamptz, 'infinity')
 ORDER BY kept_to DESC LIMIT 1;

-- oldest: where the books stood as long ago as is known
SELECT kept_to, state FROM gate_books WHERE site_id = %(site_id)s ORDER BY kept_to LIMIT 1;

-- first_count: when counting began, and from how many
SELECT corrected_at, inside_after FROM count_correction
 WHERE site_id = %(site_id)s ORDER BY corrected_at, correction_id LIMIT 1;

-- passed: who passed the gates of a site since
SELECT event_at, direction FROM gate_event
 WHERE site_id = %(site_id)s AND event_at > %(since)s::timestamptz ORDER BY event_at;

-- by_hand: counts by hand since
SELECT corrected_at, inside_after FROM count_correction
 WHERE site_id = %(site_id)s AND rule = 'manual' AND corrected_at > %(since)s::timestamptz
   AND corrected_at <= %(until)s::timestamptz
 ORDER BY corrected_at, correction_id;

-- closures: when a site was closed
SELECT from_at, until_at FROM closure
 WHERE site_id = %(site_id)s AND (until_at IS NULL OR until_at > %(since)s::timestamptz);

-- crossings: passages that can still be paired
SELECT event_at, direction, camera_id, event_id, token, former_tokens FROM gate_event
 WHERE site_id = %(site_id)s AND event_at > %(since)s::timestamptz AND event_at <= %(until)s::timestamptz
   AND token IS NOT NULL;

-- open_visits: visits that may still change
SELECT visit_id, entered_at, left_at, outcome, closed_at, entry, exit FROM visit
 WHERE site_id = %(site_id)s
   AND (entered_at > %(since)s::timestamptz OR left_at > %(since)s::timestamptz OR outcome = 'inside');

-- known_visits: visits of some days, as they stand
SELECT entered_at, left_at, outcome, closed_at FROM visit
 WHERE site_id = %(site_id)s AND entered_at > %(since)s::timestamptz ORDER BY entered_at;

-- drop_visits: visits that are told otherwise now
DELETE FROM visit WHERE visit_id = ANY(%(visits)s::bigint[]);

-- add_visits: visits
INSERT INTO visit (site_id, entered_at, left_at, outcome, closed_at, entry, exit)
SELECT %(site_id)s, * FROM unnest(%(entered_at)s::timestamptz[], %(left_at)s::timestamptz[], %(outcome)s::text[],
                                  %(closed_at)s::timestamptz[], %(entry)s::text[], %(exit)s::text[]);

-- rule_corrections: what the rules have corrected since
SELECT correction_id, corrected_at, rule, inside_before, inside_after, reason FROM count_correction
 WHERE site_id = %(site_id)s AND corrected_at > %(since)s::timestamptz AND superseded_at IS NULL
   AND rule NOT IN ('registry', 'manual');

-- supersede: corrections that were due by what was known then, and are not by what is known now
UPDATE count_correction SET superseded_at = now() WHERE correction_id = ANY(%(corrections)s::bigint[]);

-- add_corrections: what the rules correct
INSERT INTO count_correction (site_id, corrected_at, rule, inside_before, inside_after, reason, made_by)
SELECT %(site_id)s, t.*, 'rule' FROM unnest(%(corrected_at)s::timestamptz[], %(rule)s::text[],
    %(inside_before)s::int[], %(inside_after)s::int[], %(reason)s::text[]) AS t;

-- drop_kept: books that are kept anew, those of a time that is no midnight, and those too old to be needed
DELETE FROM gate_books
 WHERE site_id = %(site_id)s
   AND (kept_to > %(since)s::timestamptz OR kept_to < %(before)s::timestamptz
        OR kept_to <> date_trunc('day', kept_to, 'UTC'));

-- keep: where the books stand
INSERT INTO gate_books (site_id, kept_to, state)
SELECT %(site_id)s, t.* FROM unnest(%(kept_to)s::timestamptz[], %(state)s::jsonb[]) AS t
ON CONFLICT (site_id, kept_to) DO UPDATE SET state = excluded.state;

-- set_count: the running count by the books, and how far off it may be
UPDATE site_state SET inside = %(inside)s, inside_sd = %(sd)s, missed_share = %(missed_share)s, redo_from = NULL
 WHERE site_id = %(site_id)s;

-- count: the running count of a site, how far off it may be, and what passed today
SELECT s.counting, s.capacity, t.inside, t.inside_sd, t.missed_share, t.free_min, t.free_max, t.revision,
       (SELECT max(kept_to) FROM gate_books b WHERE b.site_id = s.site_id),
       today.entries, today.exits, clock_timestamp()
  FROM site s JOIN site_state t USING (site_id)
 CROSS JOIN LATERAL (
       SELECT count(*) FILTER (WHERE direction = 'in'), count(*) FILTER (WHERE direction = 'out')
         FROM gate_event g
        WHERE g.site_id = s.site_id AND g.event_at >= date_trunc('day', now(), s.timezone)
       ) AS today (entries, exits)
 WHERE s.site_id = %(site_id)s;

-- corrections: what was corrected at a site, the latest first
SELECT correction_id, corrected_at, made_at, rule, inside_before, inside_after, reason, made_by, superseded_at
  FROM count_correction
 WHERE site_id = %(site_id)s AND (%(superseded)s OR superseded_at IS NULL)
   AND (%(below)s::bigint IS NULL OR correction_id < %(below)s)
 ORDER BY corrected_at DESC, correction_id DESC LIMIT %(limit)s;

-- requested: the correction that this request has made already
SELECT correction_id, corrected_at, made_at, rule, inside_before, inside_after, reason, made_by, superseded_at
  FROM count_correction WHERE site_id = %(site_id)s AND request_id = %(request_id)s;

-- time: the database's time
SELECT clock_timestamp();

-- anchor: the latest correction up to a time, and the net of those who passed between
SELECT c.inside_after + coalesce((SELECT sum(CASE direction WHEN 'in' THEN 1 ELSE -1 END) FROM gate_event g
                                   WHERE g.site_id = c.site_id AND g.event_at > c.corrected_at
                                     AND g.event_at <= %(at)s::timestamptz), 0)::int
  FROM count_correction c
 WHERE c.site_id = %(site_id)s AND c.superseded_at IS NULL AND c.corrected_at <= %(at)s::timestamptz
 ORDER BY c.corrected_at DESC, c.correction_id DESC LIMIT 1;

-- correct: a count by hand
INSERT INTO count_correction (site_id, corrected_at, rule, inside_before, inside_after, reason, made_by, request_id)
VALUES (%(site_id)s, %(at)s, 'manual', %(before)s, %(after)s, %(reason)s, %(made_by)s, %(request_id)s)
RETURNING correction_id, corrected_at, made_at, rule, inside_before, inside_after, reason, made_by, superseded_at;

-- supersede_later: what the rules corrected after a count by hand that they did not know of
UPDATE count_correction SET superseded_at = now()
 WHERE site_id = %(site_id)s AND corrected_at > %(at)s::timestamptz AND superseded_at IS NULL
   AND rule NOT IN ('registry', 'manual');

-- recount: the running count from the latest correction on; the books are to be kept anew from a time
UPDATE site_state t
   SET inside_sd = CASE WHEN c.corrected_at = %(at)s::timestamptz THEN 0 ELSE t.inside_sd END,
       redo_from = least(t.redo_from, %(at)s::timestamptz),
       inside = c.inside_after + coalesce((SELECT sum(CASE direction WHEN 'in' THEN 1 ELSE -1 END) FROM gate_event g
                                            WHERE g.site_id = t.site_id AND g.event_at > c.corrected_at), 0)::int
  FROM (SELECT corrected_at, inside_after FROM count_correction
         WHERE site_id = %(site_id)s AND superseded_at IS NULL
         ORDER BY corrected_at DESC, correction_id DESC LIMIT 1) AS c
 WHERE t.site_id = %(site_id)s
RETURNING t.inside, t.inside_sd;
