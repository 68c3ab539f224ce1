-- time: what the database's clock says now
SELECT clock_timestamp();

-- hold: become the one process that may use this session, until the connection ends
SELECT pg_try_advisory_lock(4207849, hashtext(%(session)s));

-- let_go: give that up
SELECT pg_advisory_unlock(4207849, hashtext(%(session)s));

-- holder: the process that may use this session, and how long ago it last reported or began (seconds)
SELECT a.pid, coalesce(host(a.client_addr), 'this machine'), a.backend_start,
       extract(epoch FROM clock_timestamp() - greatest(a.backend_start, s.reported_at))::float8
  FROM pg_locks l JOIN pg_stat_activity a USING (pid)
       LEFT JOIN ingest_status s ON s.ingestor = %(session)s
 WHERE l.locktype = 'advisory' AND l.granted AND l.classid = 4207849 AND l.objsubid = 2
   AND l.objid = (hashtext(%(session)s)::bigint & 4294967295)::oid
   AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database());

-- unseat: end a process that may use a session and is dead
SELECT pg_terminate_backend(%(pid)s);

-- note_session: this session exists at the broker
INSERT INTO ingest_session (session, base, share, shares, broker)
VALUES (%(session)s, %(base)s, %(share)s, %(shares)s, %(broker)s)
ON CONFLICT (session) DO UPDATE
   SET base = excluded.base, share = excluded.share, shares = excluded.shares, broker = excluded.broker,
       opened_at = now();

-- forget_session: it does not any more
DELETE FROM ingest_session WHERE session = %(session)s;

-- former_sessions: those of another number of shares, once every share of the present number has its session
SELECT session, base, share, shares, broker FROM ingest_session
 WHERE (base, broker) = (%(base)s, %(broker)s) AND shares <> %(shares)s
   AND (SELECT count(*) FROM ingest_session
         WHERE (base, broker, shares) = (%(base)s, %(broker)s, %(shares)s)) = %(shares)s
 ORDER BY session;

-- confirm: how this ingestor is; where it is current, so are the published numbers
INSERT INTO ingest_status (ingestor, started_at, alive_at, connected, broker, reported_at, waiting, behind_s,
                           heard_at, stored_at, trouble)
VALUES (%(ingestor)s, %(started_at)s, CASE WHEN %(current)s THEN now() ELSE to_timestamp(0) END, %(current)s,
        %(broker)s, now(), %(waiting)s, %(behind_s)s, %(heard_at)s, %(stored_at)s, %(trouble)s)
ON CONFLICT (ingestor) DO UPDATE
   SET started_at = excluded.started_at, connected = excluded.connected,
       alive_at = CASE WHEN excluded.connected THEN excluded.alive_at ELSE ingest_status.alive_at END,
       broker = excluded.broker, reported_at = excluded.reported_at, waiting = excluded.waiting,
       behind_s = excluded.behind_s, heard_at = excluded.heard_at, stored_at = excluded.stored_at,
       trouble = excluded.trouble;

-- confirmed: tell every process
SELECT pg_notify('parking_alive', '');

-- leave: this ingestor ends
DELETE FROM ingest_status WHERE ingestor = %(ingestor)s;

-- reports: how each ingestor was when it last said; ages in seconds
SELECT ingestor, connected, broker, waiting, behind_s, trouble,
       extract(epoch FROM clock_timestamp() - started_at)::float8,
       extract(epoch FROM clock_timestamp() - reported_at)::float8,
       extract(epoch FROM clock_timestamp() - alive_at)::float8,
       extract(epoch FROM clock_timestamp() - heard_at)::float8,
       extract(epoch FROM clock_timestamp() - stored_at)::float8
  FROM ingest_status ORDER BY ingestor;
