-- Several ingestors share the work; each has its session at the broker. A rejection is recorded once.

CREATE TABLE ingest_session (
    session       text COLLATE "C" PRIMARY KEY,
    base          text COLLATE "C" NOT NULL,
    share         integer NOT NULL CHECK (share BETWEEN 1 AND shares),
    shares        integer NOT NULL,
    broker        text NOT NULL,
    opened_at     timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE ingest_session IS 'sessions at brokers in which messages wait for an ingestor; those of another number of shares are emptied and ended';

ALTER TABLE rejected_message ADD COLUMN packet_id integer NOT NULL DEFAULT 0;
CREATE INDEX rejected_message_packet ON rejected_message (packet_id, received_at);
COMMENT ON COLUMN rejected_message.packet_id IS 'its number in the session at the broker, 0 without any: the same message delivered again has the same';

ALTER TABLE ingest_status
    ADD COLUMN broker text NOT NULL DEFAULT '',
    ADD COLUMN reported_at timestamptz NOT NULL DEFAULT now(),
    ADD COLUMN waiting integer NOT NULL DEFAULT 0,
    ADD COLUMN behind_s real NOT NULL DEFAULT 0,
    ADD COLUMN heard_at timestamptz,
    ADD COLUMN stored_at timestamptz,
    ADD COLUMN trouble text;
COMMENT ON COLUMN ingest_status.alive_at IS 'when it last confirmed that the published numbers are current';
COMMENT ON COLUMN ingest_status.connected IS 'whether it could confirm that at its last report';
COMMENT ON COLUMN ingest_status.broker IS 'the broker that it is connected to, empty while it is cut off';
COMMENT ON COLUMN ingest_status.waiting IS 'messages that have arrived and are not stored yet';
COMMENT ON COLUMN ingest_status.trouble IS 'why the last attempt to store failed, null when it did not';
