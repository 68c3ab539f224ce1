-- A state that follows a short one is held back until it has lasted: what is shown meanwhile.

ALTER TABLE bay_state ADD COLUMN held text COLLATE "C" CHECK (held IN ('vacant', 'occupied', 'unknown'));
COMMENT ON COLUMN bay_state.held IS 'what is published until the reported state has lasted for PARKING_DEBOUNCE_S; null: that is, at once';
COMMENT ON COLUMN bay_state.state IS 'what is published: unknown while the device is silent, else what was reported, or held until that has lasted';
