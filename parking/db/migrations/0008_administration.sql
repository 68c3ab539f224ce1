-- The registry can be given back as it came: what a gate's file said, and sites that are no more.

ALTER TABLE gate ADD COLUMN details jsonb NOT NULL DEFAULT '{}';
COMMENT ON COLUMN gate.details IS 'what the registry says of the camera beside its direction, such as whose time counts';

ALTER TABLE site ADD COLUMN retired_at timestamptz;
COMMENT ON COLUMN site.retired_at IS 'since when it is no site any more; its history stays, and an import brings it back';
