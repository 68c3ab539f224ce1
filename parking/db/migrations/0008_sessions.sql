-- People who have signed in to the pages: by a key of the API, or by the council's identity provider.

CREATE TABLE session (
    token_hash     bytea PRIMARY KEY CHECK (length(token_hash) = 32),
    key_id         text COLLATE "C" REFERENCES api_key ON DELETE CASCADE,
    secret_hash    bytea CHECK (length(secret_hash) = 32),
    holder         text CHECK (length(holder) BETWEEN 1 AND 300),
    scopes         text[],
    created_at     timestamptz NOT NULL DEFAULT now(),
    seen_at        timestamptz NOT NULL DEFAULT now(),
    expires_at     timestamptz NOT NULL,
    CHECK ((key_id IS NULL) = (secret_hash IS NULL)),
    CHECK ((key_id IS NULL) = (holder IS NOT NULL)),
    CHECK ((holder IS NULL) = (scopes IS NULL))
);
CREATE INDEX session_expires_at ON session (expires_at);
COMMENT ON TABLE session IS 'signed-in people; only a hash of what their browser holds is here';
COMMENT ON COLUMN session.key_id IS 'the key they signed in with: a session ends with its key; null for the identity provider';
COMMENT ON COLUMN session.secret_hash IS 'of the secret they showed: one that was replaced opens nothing any more';
COMMENT ON COLUMN session.seen_at IS 'when they last asked for something; written at most once a minute';
