-- Sites that are no more: out of all lists, their history stays.

ALTER TABLE site ADD COLUMN retired_at timestamptz;
COMMENT ON COLUMN site.retired_at IS 'since when it is no site any more; its history stays, and an import brings it back';
