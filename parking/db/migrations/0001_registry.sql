-- What a council owns: sites, bays, devices, gates and signs.

CREATE TABLE site (
    site_id       text COLLATE "C" PRIMARY KEY,
    name          text NOT NULL,
    kind          text COLLATE "C" NOT NULL CHECK (kind IN ('on_street', 'off_street')),
    counting      text COLLATE "C" NOT NULL CHECK (counting IN ('bays', 'gates')),
    capacity      integer CHECK (capacity >= 0),
    timezone      text NOT NULL,
    lon           double precision,
    lat           double precision,
    status        text COLLATE "C" NOT NULL DEFAULT 'open' CHECK (status IN ('open', 'closed')),
    details       jsonb NOT NULL DEFAULT '{}',
    imported_at   timestamptz NOT NULL DEFAULT now(),
    CHECK ((counting = 'gates') = (capacity IS NOT NULL))
);
COMMENT ON COLUMN site.capacity IS 'vehicles, for gate-counted sites; a bay-counted site has as many spaces as bays';

CREATE TABLE bay (
    bay_id        text COLLATE "C" PRIMARY KEY,
    site_id       text COLLATE "C" NOT NULL REFERENCES site,
    category      text COLLATE "C" NOT NULL,
    lon           double precision,
    lat           double precision,
    details       jsonb NOT NULL DEFAULT '{}',
    retired_at    timestamptz
);
CREATE INDEX bay_site ON bay (site_id);

CREATE TABLE device (
    device_id     text COLLATE "C" PRIMARY KEY,
    bay_id        text COLLATE "C" UNIQUE REFERENCES bay,
    codec         text COLLATE "C" NOT NULL,
    heartbeat_s   integer NOT NULL CHECK (heartbeat_s > 0)
);
COMMENT ON COLUMN device.bay_id IS 'the bay it watches now; null when it is in the store room';

CREATE TABLE gate (
    camera_id     text COLLATE "C" PRIMARY KEY,
    site_id       text COLLATE "C" NOT NULL REFERENCES site,
    direction     text COLLATE "C" NOT NULL CHECK (direction IN ('in', 'out'))
);

CREATE TABLE sign (
    sign_id       text COLLATE "C" PRIMARY KEY,
    details       jsonb NOT NULL DEFAULT '{}'
);

CREATE TABLE sign_site (
    sign_id       text COLLATE "C" NOT NULL REFERENCES sign ON DELETE CASCADE,
    site_id       text COLLATE "C" NOT NULL REFERENCES site,
    position      integer NOT NULL,
    PRIMARY KEY (sign_id, site_id)
);
