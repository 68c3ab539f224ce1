-- What drivers say is told wrongly. Nothing here says who they are.

CREATE TABLE driver_note (
    note_id        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    site_id        text COLLATE "C" NOT NULL REFERENCES site,
    bay_id         text COLLATE "C",
    wrong          text COLLATE "C" NOT NULL,
    text           text NOT NULL CHECK (length(text) <= 500),
    made_at        timestamptz NOT NULL DEFAULT now(),
    closed_at      timestamptz,
    closed_by      text,
    CHECK ((closed_at IS NULL) = (closed_by IS NULL))
);
CREATE INDEX driver_note_open ON driver_note (site_id, made_at) WHERE closed_at IS NULL;
COMMENT ON TABLE driver_note IS 'notes of drivers that a space is told wrongly, without anything about who wrote them';
COMMENT ON COLUMN driver_note.text IS 'their words, without what looks like an address, a telephone number or a plate';
