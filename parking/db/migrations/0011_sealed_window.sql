-- Which counters of sealed frames have been used: stored in the transaction of what the frames told.

CREATE TABLE sealed_window (
    device_id     text COLLATE "C" NOT NULL,
    secret_print  bigint NOT NULL,
    key_number    smallint NOT NULL,
    highest       bigint NOT NULL CHECK (highest BETWEEN 0 AND 4294967295),
    used          bigint NOT NULL,
    PRIMARY KEY (device_id, secret_print)
) WITH (fillfactor = 50);
COMMENT ON TABLE sealed_window IS 'the replay window of each device and key (SPEC A-5); kept when the device or the key goes';
COMMENT ON COLUMN sealed_window.secret_print IS 'tells one secret from another, and nothing of it';
COMMENT ON COLUMN sealed_window.used IS 'bit n: whether the counter highest - n has been used, for n from 0 to 63';
