-- Counting at gates: what a vehicle's passage is made of, visits, drift, and corrections by rule and by hand.

ALTER TABLE gate ADD COLUMN options jsonb NOT NULL DEFAULT '{}';
COMMENT ON COLUMN gate.options IS 'time, timezone, repeat_s: whose time counts, the camera''s zone, within how many seconds alike plates are one vehicle';

ALTER TABLE gate_event ADD COLUMN former_tokens bytea;
COMMENT ON COLUMN gate_event.former_tokens IS 'what the plate''s token would have been on the days before, 32 bytes each; removed with the token';

CREATE TABLE gate_read (
    camera_id     text COLLATE "C" NOT NULL,
    site_id       text COLLATE "C" NOT NULL,
    event_at      timestamptz NOT NULL,
    event_id      text COLLATE "C" NOT NULL,
    direction     text COLLATE "C" NOT NULL CHECK (direction IN ('in', 'out')),
    confidence    double precision,
    token         bytea,
    former_tokens bytea,
    received_at   timestamptz NOT NULL,
    passage_at    timestamptz NOT NULL,
    passage_id    text COLLATE "C" NOT NULL
);
CREATE UNIQUE INDEX gate_read_once ON gate_read (camera_id, event_at, event_id, token) NULLS NOT DISTINCT;
CREATE INDEX gate_read_vendor_id ON gate_read (camera_id, event_id, event_at);
CREATE INDEX gate_read_passage ON gate_read (camera_id, passage_at, passage_id);
CREATE INDEX gate_read_age ON gate_read (event_at);
CREATE INDEX gate_read_token ON gate_read (event_at) WHERE token IS NOT NULL;
COMMENT ON TABLE gate_read IS 'each read of the last days, so that a later copy or a better read is the same vehicle; (passage_at, passage_id) is its gate_event';

INSERT INTO gate_read (camera_id, site_id, event_at, event_id, direction, confidence, token, received_at,
                       passage_at, passage_id)
SELECT camera_id, site_id, event_at, event_id, direction, confidence, token, received_at, event_at, event_id
  FROM gate_event WHERE event_at > now() - INTERVAL '40 days';

CREATE TABLE visit (
    visit_id      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    site_id       text COLLATE "C" NOT NULL REFERENCES site,
    entered_at    timestamptz,
    left_at       timestamptz,
    dwell         interval GENERATED ALWAYS AS (left_at - entered_at) STORED,
    outcome       text COLLATE "C" NOT NULL CHECK (outcome IN ('complete', 'inside', 'exit_missed', 'entry_missed')),
    closed_at     timestamptz,
    entry         text COLLATE "C",
    exit          text COLLATE "C",
    CHECK (left_at >= entered_at),
    CHECK ((entered_at IS NULL) = (entry IS NULL) AND (left_at IS NULL) = (exit IS NULL))
);
CREATE INDEX visit_entered ON visit (site_id, entered_at);
CREATE INDEX visit_left ON visit (site_id, left_at);
COMMENT ON TABLE visit IS 'one vehicle''s time at a gate-counted site, paired by tokens that are removed afterwards';
COMMENT ON COLUMN visit.closed_at IS 'when it was known how the visit ended; null while the vehicle is inside';
COMMENT ON COLUMN visit.entry IS 'camera and vendor''s id of the passage by which it came in; exit likewise';

ALTER TABLE count_correction
    DROP CONSTRAINT count_correction_pkey,
    ADD COLUMN correction_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    ADD COLUMN made_at timestamptz NOT NULL DEFAULT now(),
    ADD COLUMN reason text NOT NULL DEFAULT '',
    ADD COLUMN request_id text,
    ADD COLUMN superseded_at timestamptz;
CREATE INDEX count_correction_site ON count_correction (site_id, corrected_at);
CREATE UNIQUE INDEX count_correction_request ON count_correction (site_id, request_id);
COMMENT ON COLUMN count_correction.corrected_at IS 'from when on the count is another';
COMMENT ON COLUMN count_correction.superseded_at IS 'when messages that came later showed that another correction was due; such a row counts no more and is kept';
COMMENT ON COLUMN count_correction.request_id IS 'of a correction by hand: the same request again changes nothing';

ALTER TABLE site_state
    ADD COLUMN inside_sd double precision CHECK (inside_sd >= 0),
    ADD COLUMN missed_share double precision,
    ADD COLUMN redo_from timestamptz;
COMMENT ON COLUMN site_state.inside_sd IS 'how far off the running count may be: the standard deviation of its estimated drift, in vehicles';
COMMENT ON COLUMN site_state.missed_share IS 'the share of exits that no camera sees, as estimated, net of entries';
COMMENT ON COLUMN site_state.redo_from IS 'the earliest passage stored since the books were last kept';

CREATE TABLE gate_books (
    site_id       text COLLATE "C" NOT NULL REFERENCES site,
    kept_to       timestamptz NOT NULL,
    state         jsonb NOT NULL,
    PRIMARY KEY (site_id, kept_to)
);
COMMENT ON TABLE gate_books IS 'where the books of a gate-counted site stood at midnights of the last days, and now: they follow from the passages, and are kept anew from here when one comes late';
