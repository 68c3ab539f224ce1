-- What signs show: as it was decided, what an operator has set, what each was told, and who still asks.

CREATE TABLE sign_state (
    sign_id       text COLLATE "C" PRIMARY KEY REFERENCES sign ON DELETE CASCADE,
    text          text NOT NULL,
    why           text COLLATE "C" NOT NULL,
    memory        jsonb NOT NULL,
    decided_at    timestamptz NOT NULL
) WITH (fillfactor = 50);
COMMENT ON TABLE sign_state IS 'the last decision of each sign, which the next one depends on: thresholds, least time between changes';
COMMENT ON COLUMN sign_state.memory IS 'its lines: parking.signs.LineMemory by site, or under the empty text for the sum of all';

CREATE TABLE sign_keeper (
    only_row      boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    decided_at    timestamptz NOT NULL
) WITH (fillfactor = 10);
COMMENT ON TABLE sign_keeper IS 'when one of the ingestors last looked at all signs: what is older is not recalled';

CREATE TABLE sign_message (
    message_id    bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    sign_id       text COLLATE "C" NOT NULL,
    told_at       timestamptz NOT NULL,
    text          text NOT NULL,
    why           text COLLATE "C" NOT NULL,
    reason        text NOT NULL,
    revision      bigint NOT NULL
);
CREATE INDEX sign_message_sign ON sign_message (sign_id, message_id);
CREATE INDEX sign_message_told ON sign_message (told_at);
COMMENT ON TABLE sign_message IS 'what each sign was told, when and why: a row for each change; kept for a year';
COMMENT ON COLUMN sign_message.revision IS 'the sum of the revisions of its sites';

CREATE TABLE sign_override (
    sign_id       text COLLATE "C" PRIMARY KEY REFERENCES sign ON DELETE CASCADE,
    text          text NOT NULL,
    until_at      timestamptz NOT NULL,
    reason        text NOT NULL,
    made_by       text NOT NULL,
    made_at       timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE sign_override IS 'what an operator makes a sign show until a time; former ones are in audit_log and sign_message';

CREATE TABLE sign_poll (
    sign_id       text COLLATE "C" PRIMARY KEY REFERENCES sign ON DELETE CASCADE,
    polled_at     timestamptz NOT NULL,
    text          text NOT NULL
) WITH (fillfactor = 50);
COMMENT ON TABLE sign_poll IS 'when each sign last asked over HTTP and what it was told then; written every few seconds';

CREATE TABLE sign_poll_book (
    only_row      boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    noted_at      timestamptz NOT NULL
) WITH (fillfactor = 10);
COMMENT ON TABLE sign_poll_book IS 'until when polls were noted at all: without an API no sign can ask';
