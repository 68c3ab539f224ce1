-- Since when polls have been noted without a gap: a sign that could not ask is not silent.

ALTER TABLE sign_poll_book ADD COLUMN since timestamptz NOT NULL DEFAULT '-infinity';
COMMENT ON COLUMN sign_poll_book.since IS 'polls have been noted without a gap from then until noted_at';
