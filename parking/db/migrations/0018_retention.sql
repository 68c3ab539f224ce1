-- How far back each table reaches, and what plain PostgreSQL needs to find what is old without reading everything.

CREATE TABLE retention (
    table_name    text COLLATE "C" PRIMARY KEY,
    gone_until    timestamptz NOT NULL,
    ran_at        timestamptz NOT NULL,
    rows_removed  bigint NOT NULL,
    chunks_removed integer NOT NULL
);
COMMENT ON TABLE retention IS 'what was removed because it was old, by table; kept_days of the settings says how old that is';
COMMENT ON COLUMN retention.gone_until IS 'what is older has been removed, but for what the present still needs';
COMMENT ON COLUMN retention.rows_removed IS 'by the latest run; rows that went with a chunk are not counted';

DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_extension WHERE extname = 'timescaledb') THEN
        CREATE INDEX bay_event_at ON bay_event USING brin (event_at);
        CREATE INDEX ended_stay_ended ON ended_stay USING brin (ended_at);
        CREATE INDEX gate_event_at ON gate_event USING brin (event_at);
    END IF;
    CREATE INDEX unknown_run_ended ON unknown_run USING brin (ended_at);
    CREATE INDEX visit_closed ON visit USING brin (closed_at);
    CREATE INDEX site_usage_quarter ON site_usage USING brin (quarter_at);
END
$$;
