-- Webhooks: who is told of changes, what each was last told, and the messages on their way.

CREATE TABLE webhook (
    webhook_id     text COLLATE "C" PRIMARY KEY CHECK (webhook_id ~ '^[a-z2-7]{10}$'),
    name           text NOT NULL CHECK (length(name) BETWEEN 1 AND 100),
    url            text NOT NULL CHECK (length(url) BETWEEN 1 AND 2000),
    events         text[] NOT NULL CHECK (cardinality(events) > 0),
    sites          text[] CHECK (cardinality(sites) > 0),
    every_s        integer NOT NULL CHECK (every_s BETWEEN 1 AND 86400),
    secret         bytea NOT NULL CHECK (length(secret) BETWEEN 24 AND 64),
    former_secret  bytea,
    former_until   timestamptz,
    created_at     timestamptz NOT NULL DEFAULT now(),
    created_by     text NOT NULL,
    paused_at      timestamptz,
    paused_why     text,
    failing_since  timestamptz,
    delivered_at   timestamptz,
    CHECK ((former_secret IS NULL) = (former_until IS NULL)),
    CHECK ((paused_at IS NULL) = (paused_why IS NULL))
);
CREATE UNIQUE INDEX webhook_name ON webhook (name);
COMMENT ON TABLE webhook IS 'who is told of which changes, and where';
COMMENT ON COLUMN webhook.sites IS 'only changes of these sites, null for all';
COMMENT ON COLUMN webhook.every_s IS 'least seconds between two numbers of one site';
COMMENT ON COLUMN webhook.secret IS 'what its messages are signed with; both sides need it, so it is here as it is';
COMMENT ON COLUMN webhook.failing_since IS 'since when nothing was delivered, null while all is well';

CREATE TABLE webhook_told (
    webhook_id     text COLLATE "C" NOT NULL REFERENCES webhook ON DELETE CASCADE,
    site_id        text COLLATE "C" NOT NULL,
    event          text NOT NULL,
    value          text NOT NULL,
    told_at        timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (webhook_id, site_id, event)
);
COMMENT ON TABLE webhook_told IS 'what each was last told of each site, so that no change is missed or told twice';

CREATE TABLE webhook_message (
    message_id     text COLLATE "C" PRIMARY KEY,
    webhook_id     text COLLATE "C" NOT NULL REFERENCES webhook ON DELETE CASCADE,
    site_id        text COLLATE "C" NOT NULL,
    event          text NOT NULL,
    body           text NOT NULL,
    made_at        timestamptz NOT NULL DEFAULT now(),
    next_try_at    timestamptz DEFAULT now(),
    tries          integer NOT NULL DEFAULT 0,
    ended_at       timestamptz,
    outcome        text,
    CHECK ((ended_at IS NULL) = (next_try_at IS NOT NULL))
);
CREATE UNIQUE INDEX webhook_message_waiting ON webhook_message (webhook_id, site_id, event) WHERE ended_at IS NULL;
CREATE INDEX webhook_message_due ON webhook_message (next_try_at) WHERE ended_at IS NULL;
CREATE INDEX webhook_message_ended ON webhook_message (webhook_id, ended_at DESC);
COMMENT ON TABLE webhook_message IS 'what is to be sent and what was; a newer change of a site takes the place of one that waits';
COMMENT ON COLUMN webhook_message.outcome IS 'what the last try came to, in words';
