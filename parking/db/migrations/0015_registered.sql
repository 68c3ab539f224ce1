-- Since when a site has been in the registry, for documents that must say so and never change it.

ALTER TABLE site ADD COLUMN registered_at timestamptz NOT NULL DEFAULT now();
UPDATE site SET registered_at = imported_at;
COMMENT ON COLUMN site.registered_at IS 'when it first came; imported_at is when it last changed';
