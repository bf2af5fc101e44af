-- Exact numbers: with a precision, at their ends, and without any limit.
-- setup
CREATE TABLE exact (
  id int PRIMARY KEY, d4 numeric(4,2), d9 numeric(9,0), d18 numeric(18,6), d38 numeric(38,10),
  d38_0 numeric(38,0), tiny numeric(2,2));
INSERT INTO exact VALUES
  (1, 0, 0, 0, 0, 0, 0),
  (2, 99.99, 999999999, 999999999999.999999, 9999999999999999999999999999.9999999999,
   99999999999999999999999999999999999999, 0.99),
  (3, -99.99, -999999999, -999999999999.999999, -9999999999999999999999999999.9999999999,
   -99999999999999999999999999999999999999, -0.99),
  (4, NULL, NULL, NULL, NULL, NULL, NULL),
  (5, 0.01, 1, 0.000001, 0.0000000001, 1, 0.01),
  (6, -0.01, -1, -0.000001, -0.0000000001, -1, -0.01),
  (7, 12.3, 10000, 10000.0001, 100000000.00000001, 100000000000000000000, 0.5);
CREATE TABLE exact_streamed (LIKE exact INCLUDING ALL);
CREATE TABLE unlimited (id int PRIMARY KEY, n numeric, wide numeric(60,20), coarse numeric(6,-2));
INSERT INTO unlimited VALUES
  (1, 0, 0, 0),
  (2, 12345678901234567890123456789012345678901234567890.123456789012345678901234567890,
   1234567890123456789012345678901234567890.12345678901234567890, 123456),
  (3, -0.00000000000000000000000000000000000000000000000000000000001, -0.00000000000000000001, -99),
  (4, 'NaN', 'NaN', 'NaN'), (5, 'Infinity', NULL, NULL), (6, '-Infinity', NULL, NULL),
  (7, NULL, NULL, NULL), (8, 1.500, 1.5, 150), (9, 1e400, 5, 0), (10, 100, 100, 100);
CREATE TABLE unlimited_streamed (LIKE unlimited INCLUDING ALL);
-- change
INSERT INTO exact_streamed SELECT * FROM exact;
INSERT INTO unlimited_streamed SELECT * FROM unlimited;
UPDATE exact SET id = id;
UPDATE unlimited SET id = id;
-- query: all with a precision
SELECT * FROM exact ORDER BY id;
-- query: all without
SELECT * FROM unlimited ORDER BY id;
-- query: sum keeps the scale
SELECT sum(d4), sum(d9), sum(d18) FROM exact;
-- query: filters
SELECT id FROM exact WHERE d18 > 0 AND d4 <= 12.30 ORDER BY id;
-- query: money
SELECT sum(d4 * 3) FROM exact WHERE id IN (5, 7);
-- query: no digit is lost
SELECT n::text FROM unlimited WHERE id IN (2, 3, 8, 9) ORDER BY id;
-- change
UPDATE unlimited SET n = 3.14 WHERE id = 4;
UPDATE exact SET d38 = -d38 WHERE id = 2;
