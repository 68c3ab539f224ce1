-- server: which database answers, since when it runs, and the schema that it has
SELECT current_setting('server_version'), (SELECT extversion FROM pg_extension WHERE extname = 'timescaledb'),
       pg_postmaster_start_time(), (SELECT max(version) FROM schema_version), clock_timestamp(),
       pg_database_size(current_database());

-- ingestors: each, since when it runs, when it last confirmed and whether the broker is connected
SELECT ingestor, started_at, alive_at, connected FROM ingest_status ORDER BY ingestor;

-- rejections: the reasons of the last day, the most frequent first, each with its latest message
SELECT code, count(*), max(received_at), (array_agg(detail ORDER BY received_at DESC))[1],
       (array_agg(topic ORDER BY received_at DESC))[1]
  FROM rejected_message WHERE received_at > clock_timestamp() - INTERVAL '1 day'
 GROUP BY code ORDER BY 2 DESC, code;
