-- timestamptz as a session in another time zone sees it: the setting is the session's own.
-- setup
CREATE TABLE zones (id int PRIMARY KEY, tz timestamptz);
INSERT INTO zones VALUES
  (1, '2026-07-01 12:00:00+00'), (2, '2026-12-01 12:00:00+00'), (3, '2026-03-29 01:30:00+00'),
  (4, NULL), (5, 'infinity');
-- query: in utc
SELECT id, tz FROM zones ORDER BY id;
-- query: at a zone
SELECT id, tz AT TIME ZONE 'Europe/Berlin' FROM zones WHERE id < 4 ORDER BY id;
-- query: equality is of the instant
SELECT id FROM zones WHERE tz = '2026-07-01 14:00:00+02' ORDER BY id;
