-- Integers and floating point numbers at their ends, NULL included; copied rows and streamed rows.
-- setup
CREATE TABLE numbers (
  id int PRIMARY KEY, small smallint, medium int, big bigint, single real, dbl double precision);
INSERT INTO numbers VALUES
  (1, 0, 0, 0, 0, 0),
  (2, 32767, 2147483647, 9223372036854775807, 3.4028235e38, 1.7976931348623157e308),
  (3, -32768, -2147483648, -9223372036854775808, -3.4028235e38, -1.7976931348623157e308),
  (4, NULL, NULL, NULL, NULL, NULL),
  (5, 1, 1, 1, 'NaN', 'NaN'),
  (6, 1, 1, 1, 'Infinity', 'Infinity'),
  (7, 1, 1, 1, '-Infinity', '-Infinity'),
  (8, -1, -1, -1, '-0', '-0'),
  (9, 7, 7, 7, 1e-45, 5e-324),
  (10, 7, 7, 7, 0.1, 0.1),
  (11, 7, 7, 7, 1e15, 1e15),
  (12, 7, 7, 7, 123456.79, 123456789.12345679),
  (13, 7, 7, 7, 1e-5, 1e-5),
  (14, 7, 7, 7, 0.0001, 0.0001),
  (15, 7, 7, 7, 1e6, 1e16),
  (16, 7, 7, 7, 16777216, 9007199254740993);
CREATE TABLE numbers_streamed (LIKE numbers INCLUDING ALL);
-- change
INSERT INTO numbers_streamed SELECT * FROM numbers;
UPDATE numbers SET id = id;
-- query: all
SELECT * FROM numbers ORDER BY id;
-- query: streamed as copied
SELECT id FROM numbers_streamed s WHERE (SELECT count(*) FROM numbers n WHERE n.id = s.id) = 1;
-- query: comparisons
SELECT id FROM numbers WHERE dbl > 0 AND dbl < 1e20 ORDER BY id;
-- query: nan equals nan
SELECT id FROM numbers WHERE dbl = 'NaN'::float8 OR single = 'NaN'::float4 ORDER BY id;
-- query: nan is greatest
SELECT id FROM numbers WHERE dbl IS NOT NULL ORDER BY dbl DESC, id LIMIT 3;
-- query: integer division truncates
SELECT id, big / 2, medium % 5, -7 / 2 FROM numbers ORDER BY id;
-- query: sums
SELECT sum(small), sum(medium), sum(big::numeric(38,0)), min(big), max(big) FROM numbers;
-- query: nulls sort last, and first when descending
SELECT id FROM numbers ORDER BY medium DESC, id LIMIT 4;
-- change
UPDATE numbers SET big = NULL, dbl = NULL WHERE id IN (1, 5, 6);
UPDATE numbers SET big = 77, dbl = 7.5 WHERE id IN (4, 5);
DELETE FROM numbers WHERE id = 2;
-- query: after the changes
SELECT * FROM numbers ORDER BY id;
