-- When the public may park: by the opening hours of a site, and not while it is closed for a reason.

ALTER TABLE site
    ADD COLUMN within_hours boolean NOT NULL DEFAULT true,
    ADD COLUMN closed_now boolean NOT NULL DEFAULT false,
    ADD COLUMN status_now text COLLATE "C" NOT NULL
        GENERATED ALWAYS AS (CASE WHEN status = 'closed' OR closed_now OR NOT within_hours THEN 'closed'
                                  ELSE 'open' END) STORED;
COMMENT ON COLUMN site.status IS 'as the registry has it; closed for good, or until the registry says otherwise';
COMMENT ON COLUMN site.within_hours IS 'whether its opening hours (details) say open now; the ingestor keeps it';
COMMENT ON COLUMN site.closed_now IS 'whether a closure holds now; the ingestor keeps it';
COMMENT ON COLUMN site.status_now IS 'whether the public may park now, which is what is published';

CREATE TABLE closure (
    closure_id    bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    site_id       text COLLATE "C" NOT NULL REFERENCES site,
    from_at       timestamptz NOT NULL,
    until_at      timestamptz CHECK (until_at > from_at),
    reason        text NOT NULL,
    made_by       text NOT NULL,
    made_at       timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX closure_site ON closure (site_id, from_at);
COMMENT ON TABLE closure IS 'when a site is closed although its hours say open; kept, since reports take closed time out';
COMMENT ON COLUMN closure.until_at IS 'null until somebody ends it';
