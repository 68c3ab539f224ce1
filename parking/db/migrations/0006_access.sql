-- Keys of the API, and the log of every change: append-only, each row chained to the one before.

CREATE TABLE api_key (
    key_id         text COLLATE "C" PRIMARY KEY CHECK (key_id ~ '^[a-z2-7]{10}$'),
    name           text NOT NULL CHECK (length(name) BETWEEN 1 AND 100),
    scopes         text[] NOT NULL CHECK (cardinality(scopes) > 0),
    sites          text[] CHECK (cardinality(sites) > 0),
    secret_hash    bytea NOT NULL CHECK (length(secret_hash) = 32),
    former_hash    bytea CHECK (length(former_hash) = 32),
    former_until   timestamptz,
    created_at     timestamptz NOT NULL DEFAULT now(),
    created_by     text NOT NULL,
    rotated_at     timestamptz,
    expires_at     timestamptz,
    revoked_at     timestamptz,
    last_used_at   timestamptz,
    CHECK ((former_hash IS NULL) = (former_until IS NULL))
);
CREATE UNIQUE INDEX api_key_name ON api_key (name) WHERE revoked_at IS NULL;
COMMENT ON TABLE api_key IS 'who may do what over HTTP; only a hash of each secret is here';
COMMENT ON COLUMN api_key.sites IS 'the only sites it is good for, null for all';
COMMENT ON COLUMN api_key.former_hash IS 'of the secret before the last rotation, which works until former_until';
COMMENT ON COLUMN api_key.last_used_at IS 'written at most once a minute';

CREATE TABLE audit_head (
    only_row       boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    audit_id       bigint NOT NULL,
    hash           bytea NOT NULL CHECK (length(hash) = 32)
);
INSERT INTO audit_head (audit_id, hash) VALUES (0, decode(repeat('00', 32), 'hex'));
COMMENT ON TABLE audit_head IS 'the last row of audit_log; whoever appends holds it, so that there is one chain';

CREATE TABLE audit_log (
    audit_id       bigint PRIMARY KEY CHECK (audit_id > 0),
    at             timestamptz NOT NULL,
    actor          text NOT NULL,
    action         text NOT NULL,
    subject        text NOT NULL,
    before         jsonb,
    after          jsonb,
    previous       bytea NOT NULL CHECK (length(previous) = 32),
    hash           bytea NOT NULL UNIQUE CHECK (length(hash) = 32)
);
CREATE INDEX audit_log_subject ON audit_log (subject, audit_id);
CREATE INDEX audit_log_at ON audit_log (at);
COMMENT ON TABLE audit_log IS 'every change that a person or a key made; nothing is ever changed or removed here';
COMMENT ON COLUMN audit_log.previous IS 'the hash of the row before, 32 zero bytes for the first';
COMMENT ON COLUMN audit_log.hash IS 'SHA-256 of all other columns in canonical JSON: parking/audit.py';

CREATE FUNCTION audit_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only: % is refused', TG_TABLE_NAME, TG_OP USING ERRCODE = 'insufficient_privilege';
END $$;

CREATE FUNCTION audit_append() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE audit_head SET audit_id = NEW.audit_id, hash = NEW.hash
     WHERE audit_id = NEW.audit_id - 1 AND hash = NEW.previous;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'audit_log: row % does not follow the last one', NEW.audit_id
              USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN NEW;
END $$;

-- The head moves only together with a new row of the log.
CREATE FUNCTION audit_advance() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF pg_trigger_depth() < 2 OR NEW.audit_id <> OLD.audit_id + 1 THEN
        RAISE EXCEPTION 'audit_head moves only when a row is appended to audit_log'
              USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER audit_append BEFORE INSERT ON audit_log FOR EACH ROW EXECUTE FUNCTION audit_append();
CREATE TRIGGER audit_rows BEFORE UPDATE OR DELETE ON audit_log FOR EACH ROW EXECUTE FUNCTION audit_refuse();
CREATE TRIGGER audit_whole BEFORE TRUNCATE ON audit_log FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse();
CREATE TRIGGER audit_advance BEFORE UPDATE ON audit_head FOR EACH ROW EXECUTE FUNCTION audit_advance();
CREATE TRIGGER audit_rows BEFORE INSERT OR DELETE ON audit_head FOR EACH ROW EXECUTE FUNCTION audit_refuse();
CREATE TRIGGER audit_whole BEFORE TRUNCATE ON audit_head FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse();
