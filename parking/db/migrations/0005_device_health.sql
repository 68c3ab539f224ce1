-- What devices say of themselves, what is concluded about them, and which bay each watched when.

CREATE TABLE device_health (
    device_id      text COLLATE "C" PRIMARY KEY,
    battery_pct    real,
    battery_pct_at timestamptz,
    battery_low    boolean,
    battery_low_at timestamptz,
    margin_db      integer,
    margin_db_at   timestamptz,
    heartbeat_s    integer,
    heartbeat_s_at timestamptz,
    health         text,
    health_at      timestamptz,
    empty_on       date,
    empty_earliest date,
    forecast       text
) WITH (fillfactor = 70);
COMMENT ON TABLE device_health IS 'the latest that each device said of itself, each value with the time when it was said';
COMMENT ON COLUMN device_health.heartbeat_s IS 'the interval that the device says it is set to; device.heartbeat_s is the registry''s';
COMMENT ON COLUMN device_health.empty_on IS 'the day on which the battery runs out, null where nothing can be said: forecast says why';

CREATE TABLE battery_sample (
    device_id      text COLLATE "C" NOT NULL,
    day            date NOT NULL,
    battery_v      real,
    battery_pct    real,
    temperature_c  real,
    PRIMARY KEY (device_id, day)
);
COMMENT ON TABLE battery_sample IS 'one a day and device, in UTC; after three months one a week, for two years';

CREATE TABLE health_finding (
    finding_id     bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    device_id      text COLLATE "C" NOT NULL,
    bay_id         text COLLATE "C" NOT NULL,
    site_id        text COLLATE "C" NOT NULL,
    rule           text COLLATE "C" NOT NULL,
    severity       text COLLATE "C" NOT NULL CHECK (severity IN ('high', 'medium', 'low')),
    since          timestamptz NOT NULL,
    found_at       timestamptz NOT NULL,
    closed_at      timestamptz,
    lost_h         real NOT NULL CHECK (lost_h >= 0),
    reason         text NOT NULL,
    evidence       jsonb NOT NULL
) WITH (fillfactor = 70);
CREATE UNIQUE INDEX health_finding_open ON health_finding (device_id, bay_id, rule) WHERE closed_at IS NULL;
CREATE INDEX health_finding_site ON health_finding (site_id) WHERE closed_at IS NULL;
COMMENT ON TABLE health_finding IS 'what is wrong with a device, by which rule; closed when it is over, and kept';
COMMENT ON COLUMN health_finding.lost_h IS 'bay-hours a week in which the bay is told wrongly or not at all because of it';

CREATE TABLE health_sweep (
    only_row       boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    started_at     timestamptz NOT NULL,
    finished_at    timestamptz NOT NULL,
    bays           integer NOT NULL,
    findings       integer NOT NULL
);
COMMENT ON TABLE health_sweep IS 'the last time that all devices were looked at';

CREATE TABLE device_assignment (
    device_id      text COLLATE "C" NOT NULL,
    bay_id         text COLLATE "C" NOT NULL,
    from_at        timestamptz NOT NULL,
    until_at       timestamptz CHECK (until_at >= from_at),
    recorded_at    timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (device_id, from_at)
);
CREATE UNIQUE INDEX device_assignment_now ON device_assignment (device_id) WHERE until_at IS NULL;
CREATE INDEX device_assignment_bay ON device_assignment (bay_id, from_at);
COMMENT ON TABLE device_assignment IS 'which bay each device watched when; what it said in that time is that bay''s';
COMMENT ON COLUMN device_assignment.from_at IS '-infinity for the first device of a bay that watched none before: all it ever said is that bay''s';

INSERT INTO device_assignment (device_id, bay_id, from_at, recorded_at)
SELECT device_id, bay_id, '-infinity', '-infinity' FROM device WHERE bay_id IS NOT NULL;
