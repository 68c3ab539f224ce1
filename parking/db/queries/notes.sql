-- add: a driver's note, unless so many of the site wait already
INSERT INTO driver_note (site_id, bay_id, wrong, text)
SELECT %(site_id)s, %(bay_id)s, %(wrong)s, %(text)s
 WHERE (SELECT count(*) FROM driver_note WHERE site_id = %(site_id)s AND closed_at IS NULL) < %(most)s
RETURNING note_id;

-- waiting: notes that nobody has dealt with, the newest first
SELECT n.note_id, n.site_id, s.name, n.bay_id, n.wrong, n.text, n.made_at, n.closed_at, n.closed_by
  FROM driver_note n JOIN site s USING (site_id)
 WHERE n.closed_at IS NULL
 ORDER BY n.made_at DESC, n.note_id DESC
 LIMIT %(limit)s;

-- hold: one note, until this transaction ends
SELECT n.note_id, n.site_id, s.name, n.bay_id, n.wrong, n.text, n.made_at, n.closed_at, n.closed_by
  FROM driver_note n JOIN site s USING (site_id)
 WHERE n.note_id = %(note_id)s FOR UPDATE OF n;

-- close: somebody has dealt with it
UPDATE driver_note SET closed_at = now(), closed_by = %(closed_by)s WHERE note_id = %(note_id)s;
