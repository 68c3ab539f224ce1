-- session_settings: times travel in UTC, and a statement that waits for a lock does not wait for ever
SELECT set_config('TimeZone', 'UTC', false), set_config('lock_timeout', '30s', false);

-- short_waits: somebody waits for the answer, so this session does not wait long for a lock
SELECT set_config('lock_timeout', '5s', false);

-- writer_settings: every join of the writer looks up a batch by key, however small a table is or seems
SELECT set_config('enable_hashjoin', 'off', false), set_config('enable_mergejoin', 'off', false),
       set_config('enable_seqscan', 'off', false);

-- late_settings: what comes late may change a compressed chunk, however many rows of it must be unpacked
SELECT set_config('timescaledb.max_tuples_decompressed_per_dml_transaction', '0', false)
 WHERE current_setting('timescaledb.max_tuples_decompressed_per_dml_transaction', true) IS NOT NULL;

-- one_snapshot: all statements of this transaction see the same moment
SET TRANSACTION ISOLATION LEVEL REPEATABLE READ;

-- edition: PostgreSQL's version, TimescaleDB's version and licence (null without it)
SELECT current_setting('server_version'),
       (SELECT extversion FROM pg_extension WHERE extname = 'timescaledb'),
       current_setting('timescaledb.license', true);

-- lock: one migration at a time; released with the session
SELECT pg_advisory_lock(4207849484);

-- timescale_ready: whether TimescaleDB can be created here: installed, and preloaded by the server
SELECT EXISTS (SELECT FROM pg_available_extensions WHERE name = 'timescaledb')
       -- The preloaded part defines this setting. shared_preload_libraries itself is for privileged roles only.
       AND EXISTS (SELECT FROM pg_settings WHERE name = 'timescaledb.max_background_workers');

-- create_timescale: quiet when it is there already
CREATE EXTENSION IF NOT EXISTS timescaledb;

-- create_versions: which migrations have been applied
CREATE TABLE IF NOT EXISTS schema_version (
    version     integer PRIMARY KEY,
    name        text NOT NULL,
    applied_at  timestamptz NOT NULL DEFAULT now()
);

-- versions: the applied migrations
SELECT version, name FROM schema_version ORDER BY version;

-- has_versions: whether anything was ever applied
SELECT to_regclass('schema_version') IS NOT NULL;

-- record_version: one migration was applied
INSERT INTO schema_version (version, name) VALUES (%s, %s);
