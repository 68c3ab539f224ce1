-- On TimescaleDB the tables that grow for ever are hypertables; on plain PostgreSQL they stay tables.
-- The Community edition compresses chunks well after events may still arrive late (accepted: 7 days).

DO $$
DECLARE
    grown RECORD;
BEGIN
    IF NOT EXISTS (SELECT FROM pg_extension WHERE extname = 'timescaledb') THEN
        RETURN;
    END IF;
    FOR grown IN
        SELECT * FROM (VALUES
            ('bay_event', 'event_at', 'bay_id', INTERVAL '1 day'),
            ('ended_stay', 'started_at', 'bay_id', INTERVAL '7 days'),
            ('gate_event', 'event_at', 'camera_id', INTERVAL '30 days')
        ) AS t (name, at, segment, chunk)
    LOOP
        PERFORM create_hypertable(grown.name::regclass, grown.at::name,
                                  chunk_time_interval => grown.chunk, create_default_indexes => false);
        IF current_setting('timescaledb.license', true) = 'timescale' AND grown.name <> 'ended_stay' THEN
            EXECUTE format('ALTER TABLE %I SET (timescaledb.compress, timescaledb.compress_segmentby = %L, '
                           'timescaledb.compress_orderby = %L)', grown.name, grown.segment, grown.at);
            EXECUTE format('SELECT add_compression_policy(%L, INTERVAL ''30 days'')', grown.name);
        END IF;
    END LOOP;
END
$$;
