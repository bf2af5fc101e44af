-- Dates, times and intervals: far away, infinite, before Christ, at the end of the day.
-- setup
CREATE TABLE times (
  id int PRIMARY KEY, d date, t time, ts timestamp, tz timestamptz, i interval, ts0 timestamp(0));
INSERT INTO times VALUES
  (1, '2026-11-22', '12:34:56.789012', '2026-11-22 12:34:56.789012', '2026-11-22 12:34:56.789012+02',
   '1 year 2 months 3 days 04:05:06.789', '2026-11-22 12:34:56.5'),
  (2, 'infinity', '24:00:00', 'infinity', 'infinity', '0', 'infinity'),
  (3, '-infinity', '00:00:00', '-infinity', '-infinity', '-1 day', '-infinity'),
  (4, NULL, NULL, NULL, NULL, NULL, NULL),
  (5, '0044-03-15 BC', '23:59:59.999999', '0044-03-15 12:00:00 BC', '0044-03-15 12:00:00+00 BC',
   '-1 year 1 day', '0001-01-01 00:00:00 BC'),
  (6, '4713-01-01 BC', '00:00:00.000001', '4713-01-01 00:00:00 BC', '4713-01-01 00:00:00+00 BC',
   '178000000 years', '1970-01-01'),
  (7, '5874897-12-31', '00:00:01', '294246-12-31 23:59:59.999999', '294246-12-31 23:59:59.999999+00',
   '-178000000 years', '1969-12-31 23:59:59'),
  (8, '1970-01-01', '12:00:00', '1970-01-01', '1970-01-01 00:00:00+00', '1 mon -1 day +00:00:00.000001',
   '2000-01-01'),
  (9, '1969-12-31', '12:00:00.1', '1969-12-31 23:59:59.999999', '1969-12-31 23:59:59.999999+00',
   '-00:00:00.5', '1999-12-31 23:59:59'),
  (10, '2000-02-29', '12:00:00.12', '2000-02-29 01:02:03.1', '2000-02-29 01:02:03.12-08',
   '2562047788 hours', '10000-01-01'),
  (11, '0001-01-01', '01:00', '0001-01-01', '0001-01-01 00:00:00+00', '-1 mon 40 days -25:00:00',
   '0001-12-31'),
  (12, '9999-12-31', '01:00', '9999-12-31 23:59:59', '9999-12-31 23:59:59+00', '1 day -00:00:01',
   '9999-12-31');
CREATE TABLE times_streamed (LIKE times INCLUDING ALL);
-- change
INSERT INTO times_streamed SELECT * FROM times;
UPDATE times SET id = id;
-- query: all
SELECT * FROM times ORDER BY id;
-- query: order puts the infinities at the ends
SELECT id FROM times WHERE ts IS NOT NULL ORDER BY ts, id;
-- query: ranges
SELECT id FROM times WHERE d >= '1970-01-01' AND d < '2026-12-01' ORDER BY id;
-- query: parts
SELECT id, extract(year FROM ts)::int, extract(month FROM d)::int, extract(hour FROM t)::int
FROM times WHERE id IN (1, 8, 10) ORDER BY id;
-- query: truncation
SELECT id, date_trunc('month', ts) FROM times WHERE id IN (1, 8, 9, 10) ORDER BY id;
-- query: difference and sum
SELECT id, ts + interval '1 day', d + 1, d - date '1970-01-01' FROM times WHERE id IN (1, 8, 10)
ORDER BY id;
-- change
UPDATE times SET d = '-infinity', tz = NULL WHERE id = 1;
UPDATE times SET tz = tz + interval '1 hour' WHERE id = 10;
