-- What was published each quarter of an hour, what is foretold from it, and how good that turns out to be.

CREATE TABLE site_count (
    site_id       text COLLATE "C" NOT NULL,
    quarter_at    timestamptz NOT NULL,
    capacity      integer NOT NULL CHECK (capacity >= 0),
    occupied      integer NOT NULL CHECK (occupied >= 0),
    unknown       integer NOT NULL CHECK (unknown >= 0),
    PRIMARY KEY (site_id, quarter_at),
    CHECK (occupied + unknown <= capacity)
);
CREATE INDEX site_count_quarter ON site_count USING brin (quarter_at);
COMMENT ON TABLE site_count IS 'the published number of each site at each quarter of an hour; none where nobody vouched for it';

CREATE UNLOGGED TABLE site_forecast (
    site_id       text COLLATE "C" PRIMARY KEY,
    made_at       timestamptz NOT NULL,
    capacity      integer NOT NULL,
    basis         text COLLATE "C" NOT NULL,
    why           text NOT NULL,
    distrust      text,
    minutes       smallint[] NOT NULL,
    free          real[] NOT NULL,
    low           real[] NOT NULL,
    high          real[] NOT NULL,
    chance        real[] NOT NULL
) WITH (fillfactor = 50);
COMMENT ON TABLE site_forecast IS 'the latest forecast of each site; unlogged, since every minute makes it anew';
COMMENT ON COLUMN site_forecast.minutes IS 'ahead of made_at; the other arrays have a value for each';
COMMENT ON COLUMN site_forecast.chance IS 'that at least one space is free, 0..1';
COMMENT ON COLUMN site_forecast.distrust IS 'why the plain count stands here in the place of the forecast; null where it does not';

CREATE TABLE site_usual (
    site_id       text COLLATE "C" PRIMARY KEY,
    day_from      timestamptz NOT NULL,
    free          real[] NOT NULL
);
COMMENT ON TABLE site_usual IS 'how many spaces are usually free at the quarter hours of that local day; null where nobody knows';

CREATE TABLE forecast_made (
    site_id       text COLLATE "C" NOT NULL,
    horizon_min   smallint NOT NULL,
    target_at     timestamptz NOT NULL,
    made_at       timestamptz NOT NULL,
    free          real NOT NULL,
    low           real NOT NULL,
    high          real NOT NULL,
    chance        real NOT NULL,
    free_then     real NOT NULL,
    scored        boolean NOT NULL DEFAULT false,
    truth         real,
    PRIMARY KEY (site_id, horizon_min, target_at)
);
CREATE INDEX forecast_made_due ON forecast_made (target_at) WHERE NOT scored;
COMMENT ON TABLE forecast_made IS 'forecasts that are held against what came: one a site, horizon and quarter of an hour';
COMMENT ON COLUMN forecast_made.free_then IS 'spaces free when it was made: what the plain count would have foretold';
COMMENT ON COLUMN forecast_made.truth IS 'spaces free when its time had come; null where that is not known';

CREATE TABLE forecast_score (
    site_id       text COLLATE "C" NOT NULL,
    horizon_min   smallint NOT NULL,
    day           date NOT NULL,
    n             integer NOT NULL,
    error         double precision NOT NULL,
    plain_error   double precision NOT NULL,
    inside        integer NOT NULL,
    brier         double precision NOT NULL,
    PRIMARY KEY (site_id, horizon_min, day)
);
COMMENT ON TABLE forecast_score IS 'how good the forecasts for a day (UTC) were: sums over n of them';
COMMENT ON COLUMN forecast_score.error IS 'sum of absolute errors, each in percent of the capacity; plain_error is that of the plain count';
COMMENT ON COLUMN forecast_score.inside IS 'how often the truth lay within the 80 % interval';
COMMENT ON COLUMN forecast_score.brier IS 'sum of (chance of at least one space - whether there was one) squared';

DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_extension WHERE extname = 'timescaledb') THEN
        PERFORM create_hypertable('site_count', 'quarter_at', chunk_time_interval => INTERVAL '30 days',
                                  create_default_indexes => false);
        PERFORM create_hypertable('forecast_made', 'target_at', chunk_time_interval => INTERVAL '1 day',
                                  create_default_indexes => false);
    END IF;
END
$$;
