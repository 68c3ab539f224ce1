-- What reports need beside stays: when nothing was known of a bay, since when it is there, and sums by quarter and day.

ALTER TABLE bay ADD COLUMN first_at timestamptz;
COMMENT ON COLUMN bay.first_at IS 'its first event: before it nothing is known of the bay';

CREATE TABLE bay_period (
    bay_id        text COLLATE "C" NOT NULL REFERENCES bay,
    site_id       text COLLATE "C" NOT NULL,
    category      text COLLATE "C" NOT NULL,
    from_at       timestamptz NOT NULL,
    until_at      timestamptz CHECK (until_at >= from_at),
    PRIMARY KEY (bay_id, from_at)
);
CREATE UNIQUE INDEX bay_period_now ON bay_period (bay_id) WHERE until_at IS NULL;
CREATE INDEX bay_period_site ON bay_period (site_id);
COMMENT ON TABLE bay_period IS 'when each bay was there, in which site and of which category; the first begins when its device was first heard, or with its first event, if that is earlier';

CREATE TABLE silent_spell (
    bay_id        text COLLATE "C" NOT NULL,
    heard_at      timestamptz NOT NULL,
    from_at       timestamptz NOT NULL,
    until_at      timestamptz NOT NULL CHECK (until_at >= from_at),
    PRIMARY KEY (bay_id, heard_at)
);
COMMENT ON TABLE silent_spell IS 'a device was heard at heard_at, was given up at from_at and heard again at until_at; the first row of a device is empty and says when it was first heard';

CREATE TABLE unknown_run (
    bay_id        text COLLATE "C" NOT NULL,
    started_at    timestamptz NOT NULL,
    ended_at      timestamptz NOT NULL CHECK (ended_at > started_at),
    PRIMARY KEY (bay_id, started_at)
);
COMMENT ON TABLE unknown_run IS 'a device reported a fault, or the bay had none, until its next event; one that goes on is in bay_state';

ALTER TABLE bay_state ADD COLUMN silent_until timestamptz;
COMMENT ON COLUMN bay_state.silent_until IS 'no silent spell of the bay that is over ended later';

ALTER TABLE site_usage
    ADD COLUMN unknown_us bigint NOT NULL DEFAULT 0,
    ADD COLUMN sessions integer NOT NULL DEFAULT 0,
    ADD COLUMN dwelt integer NOT NULL DEFAULT 0,
    ADD COLUMN dwell_us bigint NOT NULL DEFAULT 0;
COMMENT ON TABLE site_usage IS 'the ended runs of a site''s bays by category and quarter of an hour, split at its edges';
COMMENT ON COLUMN site_usage.occupied_us IS 'microseconds that bays were occupied and their devices not silent, summed over bays';
COMMENT ON COLUMN site_usage.unknown_us IS 'microseconds that bays were unknown between two events: silent, faulty or without a device';
COMMENT ON COLUMN site_usage.arrivals IS 'stays that began in it, and were seen to';
COMMENT ON COLUMN site_usage.departures IS 'stays that ended in it, and were seen to';
COMMENT ON COLUMN site_usage.sessions IS 'stays that ended in it';
COMMENT ON COLUMN site_usage.dwelt IS 'stays that ended in it of which both ends were seen; dwell_us is how long these were';

CREATE TABLE site_day (
    site_id       text COLLATE "C" NOT NULL,
    category      text COLLATE "C" NOT NULL,
    day           date NOT NULL,
    occupied_us   bigint NOT NULL,
    unknown_us    bigint NOT NULL,
    arrivals      integer NOT NULL,
    departures    integer NOT NULL,
    sessions      integer NOT NULL,
    dwelt         integer NOT NULL,
    dwell_us      bigint NOT NULL,
    PRIMARY KEY (site_id, category, day)
) WITH (fillfactor = 70);
COMMENT ON TABLE site_day IS 'site_usage summed by the day of the site''s own time zone';

-- What is there already. Of silence no record was kept: bays count as they were last reported.
UPDATE bay b SET first_at = e.first_at
  FROM (SELECT bay_id, min(event_at) AS first_at FROM bay_event GROUP BY bay_id) AS e WHERE e.bay_id = b.bay_id;
INSERT INTO bay_period (bay_id, site_id, category, from_at, until_at)
SELECT bay_id, site_id, category, least(first_at, retired_at, now()), retired_at FROM bay;
INSERT INTO silent_spell (bay_id, heard_at, from_at, until_at)
SELECT bay_id, '-infinity', seen_at, seen_at FROM bay_state WHERE seen_at IS NOT NULL;
INSERT INTO unknown_run (bay_id, started_at, ended_at)
SELECT bay_id, min(event_at), min(next_at)
  FROM (SELECT bay_id, event_at, state,
               min(event_at) FILTER (WHERE state <> 'unknown') OVER (
                   PARTITION BY bay_id ORDER BY event_at, session, seq, part
                   ROWS BETWEEN 1 FOLLOWING AND UNBOUNDED FOLLOWING) AS next_at
          FROM bay_event) AS e
 WHERE state = 'unknown' AND next_at > event_at
 GROUP BY bay_id, next_at;
INSERT INTO site_usage AS u (site_id, category, quarter_at, occupied_us, arrivals, departures, unknown_us)
SELECT b.site_id, b.category, q, 0, 0, 0,
       sum(extract(epoch FROM least(r.ended_at, q + INTERVAL '15 minutes') - greatest(r.started_at, q)) * 1000000)
  FROM unknown_run r JOIN bay b USING (bay_id)
 CROSS JOIN generate_series(date_bin('15 minutes', r.started_at, 'epoch'), r.ended_at, INTERVAL '15 minutes') AS q
 WHERE q < r.ended_at
 GROUP BY 1, 2, 3
ON CONFLICT (site_id, category, quarter_at) DO UPDATE SET unknown_us = excluded.unknown_us;
INSERT INTO site_usage AS u (site_id, category, quarter_at, occupied_us, arrivals, departures, sessions, dwelt, dwell_us)
SELECT s.site_id, b.category, date_bin('15 minutes', s.ended_at, 'epoch'), 0, 0, 0, count(*),
       count(*) FILTER (WHERE start_seen AND end_seen),
       coalesce(sum(extract(epoch FROM ended_at - started_at) * 1000000) FILTER (WHERE start_seen AND end_seen), 0)
  FROM ended_stay s JOIN bay b USING (bay_id)
 GROUP BY 1, 2, 3
ON CONFLICT (site_id, category, quarter_at) DO UPDATE
   SET sessions = excluded.sessions, dwelt = excluded.dwelt, dwell_us = excluded.dwell_us;
INSERT INTO site_day (site_id, category, day, occupied_us, unknown_us, arrivals, departures, sessions, dwelt, dwell_us)
SELECT u.site_id, u.category, (u.quarter_at AT TIME ZONE s.timezone)::date, sum(u.occupied_us), sum(u.unknown_us),
       sum(u.arrivals), sum(u.departures), sum(u.sessions), sum(u.dwelt), sum(u.dwell_us)
  FROM site_usage u JOIN site s USING (site_id)
 GROUP BY 1, 2, 3;
