-- A report on one site over a year reads 35,000 quarters, each on another page: its sums lie in the key itself now.

ALTER TABLE site_usage DROP CONSTRAINT site_usage_pkey;
ALTER TABLE site_usage ADD PRIMARY KEY (site_id, category, quarter_at)
    INCLUDE (occupied_us, unknown_us, arrivals, departures, sessions, dwelt, dwell_us);
