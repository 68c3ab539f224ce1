-- What happens on the street, and the one published number of each site.

CREATE TABLE bay_event (
    bay_id        text COLLATE "C" NOT NULL,
    device_id     text COLLATE "C" NOT NULL,
    site_id       text COLLATE "C" NOT NULL,
    event_at      timestamptz NOT NULL,
    session       bigint NOT NULL,
    seq           bigint NOT NULL,
    part          smallint NOT NULL,
    state         text COLLATE "C" NOT NULL CHECK (state IN ('vacant', 'occupied', 'unknown')),
    fault         boolean NOT NULL,
    kind          text COLLATE "C" NOT NULL,
    age_s         integer NOT NULL,
    previous_s    integer,
    received_at   timestamptz NOT NULL,
    PRIMARY KEY (bay_id, event_at, device_id, session, seq, part)
);
COMMENT ON TABLE bay_event IS 'each state that a device reported of a bay, once: (device_id, session, seq, part) is its identity';
COMMENT ON COLUMN bay_event.age_s IS 'how old the event was by the message that told its time';

CREATE TABLE ended_stay (
    bay_id        text COLLATE "C" NOT NULL,
    site_id       text COLLATE "C" NOT NULL,
    started_at    timestamptz NOT NULL,
    ended_at      timestamptz NOT NULL CHECK (ended_at > started_at),
    start_seen    boolean NOT NULL,
    end_seen      boolean NOT NULL,
    PRIMARY KEY (bay_id, started_at)
);
COMMENT ON COLUMN ended_stay.start_seen IS 'false when the bay was unknown just before, so that the arrival was not observed';

CREATE TABLE site_usage (
    site_id       text COLLATE "C" NOT NULL,
    category      text COLLATE "C" NOT NULL,
    quarter_at    timestamptz NOT NULL,
    occupied_us   bigint NOT NULL,
    arrivals      integer NOT NULL,
    departures    integer NOT NULL,
    PRIMARY KEY (site_id, category, quarter_at)
) WITH (fillfactor = 70);
COMMENT ON TABLE site_usage IS 'the ended stays of a site by category of bay and quarter of an hour, split at its edges';
COMMENT ON COLUMN site_usage.occupied_us IS 'microseconds that bays were occupied, summed over bays';

CREATE TABLE bay_state (
    bay_id        text COLLATE "C" PRIMARY KEY,
    site_id       text COLLATE "C" NOT NULL,
    device_id     text COLLATE "C",
    state         text COLLATE "C" NOT NULL DEFAULT 'unknown' CHECK (state IN ('vacant', 'occupied', 'unknown')),
    reported      text COLLATE "C" NOT NULL DEFAULT 'unknown' CHECK (reported IN ('vacant', 'occupied', 'unknown')),
    fault         boolean NOT NULL DEFAULT false,
    silent        boolean NOT NULL DEFAULT true,
    since         timestamptz,
    start_seen    boolean NOT NULL DEFAULT false,
    version       bigint NOT NULL DEFAULT 0,
    seen_at       timestamptz,
    ttl_s         double precision NOT NULL,
    revision      bigint NOT NULL DEFAULT 0,
    event_at      timestamptz,
    placed_at     timestamptz,
    age_s         integer,
    session       bigint,
    seq           bigint,
    part          smallint,
    settled       boolean NOT NULL DEFAULT true,
    battery_v     real,
    temperature_c real,
    firmware      text
) WITH (fillfactor = 45);
CREATE INDEX bay_state_site ON bay_state (site_id);
COMMENT ON TABLE bay_state IS 'where each bay stands; pages are half empty so that an update stays in its page';
COMMENT ON COLUMN bay_state.state IS 'what is published: what was reported, or unknown while the device is silent';
COMMENT ON COLUMN bay_state.reported IS 'the state of the latest event (event_at, session, seq, part); its run began at since';
COMMENT ON COLUMN bay_state.settled IS 'false when clocks and sequence contradict each other, so that the bay is rebuilt each time';
COMMENT ON COLUMN bay_state.revision IS 'the revision of the site at which this bay last changed';

COMMENT ON COLUMN bay_state.version IS 'counts changes of this row: a writer works from memory and must find it unchanged';

CREATE VIEW stay AS
SELECT bay_id, site_id, started_at, ended_at, start_seen, end_seen FROM ended_stay
UNION ALL
SELECT bay_id, site_id, since, NULL, start_seen, false FROM bay_state WHERE reported = 'occupied';
COMMENT ON VIEW stay IS 'one vehicle''s time in one bay; ended_at is null while it is there';

CREATE TABLE gate_event (
    camera_id     text COLLATE "C" NOT NULL,
    site_id       text COLLATE "C" NOT NULL,
    event_at      timestamptz NOT NULL,
    event_id      text COLLATE "C" NOT NULL,
    direction     text COLLATE "C" NOT NULL CHECK (direction IN ('in', 'out')),
    confidence    double precision,
    token         bytea,
    received_at   timestamptz NOT NULL,
    PRIMARY KEY (camera_id, event_at, event_id)
);
CREATE INDEX gate_event_site ON gate_event (site_id, event_at);
CREATE INDEX gate_event_token ON gate_event (event_at) WHERE token IS NOT NULL;
COMMENT ON COLUMN gate_event.token IS 'keyed hash of the plate, removed after the pairing window; never the plate';

CREATE TABLE count_correction (
    site_id       text COLLATE "C" NOT NULL REFERENCES site,
    corrected_at  timestamptz NOT NULL DEFAULT now(),
    inside_before integer,
    inside_after  integer NOT NULL,
    rule          text NOT NULL,
    made_by       text NOT NULL,
    PRIMARY KEY (site_id, corrected_at)
);
COMMENT ON TABLE count_correction IS 'every change of a running count that no vehicle made; counting goes on from the latest';

CREATE TABLE site_state (
    site_id       text COLLATE "C" PRIMARY KEY REFERENCES site,
    revision      bigint NOT NULL,
    status        text COLLATE "C" NOT NULL,
    capacity      integer NOT NULL,
    vacant        integer NOT NULL,
    occupied      integer NOT NULL,
    unknown       integer NOT NULL,
    free_min      integer NOT NULL,
    free_max      integer NOT NULL,
    inside        integer,
    as_of         timestamptz NOT NULL,
    CHECK (vacant + occupied + unknown = capacity),
    CHECK (0 <= free_min AND free_min <= free_max AND free_max <= capacity)
) WITH (fillfactor = 70);
COMMENT ON COLUMN site_state.inside IS 'the running count at the gates, never clamped: outside 0..capacity it shows drift';

CREATE TABLE rejected_message (
    rejected_id   bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    received_at   timestamptz NOT NULL,
    topic         text NOT NULL,
    code          text NOT NULL,
    detail        text NOT NULL,
    size          integer NOT NULL,
    payload       bytea
);
CREATE INDEX rejected_message_received ON rejected_message (received_at);
COMMENT ON COLUMN rejected_message.payload IS 'the first bytes, only of messages that cannot hold a plate';

CREATE TABLE ingest_status (
    ingestor      text COLLATE "C" PRIMARY KEY,
    started_at    timestamptz NOT NULL,
    alive_at      timestamptz NOT NULL,
    connected     boolean NOT NULL
);
COMMENT ON TABLE ingest_status IS 'each ingestor confirms here, every few seconds, that the published numbers are current';
