-- Numbers without a precision compare, sort, group and compute as in PostgreSQL.
-- setup
CREATE TABLE loose (id int PRIMARY KEY, n numeric, m numeric, d numeric(12,2), list numeric[]);
INSERT INTO loose VALUES
  (1, 1.49, 1.490, 1.49, '{1.5,NULL}'), (2, 1.5, 1.51, 1.50, '{1.50}'), (3, 1.50, 1.4, 7, '{}'),
  (4, 100, 1e2, 100, NULL), (5, 20, 3, 20, '{20,3}'), (6, -3.25, -3.2500, -3.25, '{-1}'),
  (7, NULL, NULL, NULL, NULL), (8, 0, -0.00, 0, '{0}'), (9, 1e30, 1e-20, 1, '{1e30}'),
  (10, 12345678901234567890.12345, 12345678901234567890.12344, 5, '{2}'), (11, -0.001, -0.01, -1, '{1}');
CREATE TABLE loose_specials (id int PRIMARY KEY, n numeric);
INSERT INTO loose_specials VALUES (1, 'NaN'), (2, 'Infinity'), (3, '-Infinity'), (4, 1e400), (5, -1e400), (6, 0);
-- query: beside decimals
SELECT id FROM loose WHERE n > 1.4 ORDER BY id;
-- query: equal to a decimal
SELECT id FROM loose WHERE n = 1.5 ORDER BY id;
-- query: beside integers
SELECT id FROM loose WHERE n < 1 OR n >= 20 ORDER BY id;
-- query: in a list
SELECT id FROM loose WHERE n IN (1.49, 100, 1.500) ORDER BY id;
-- query: between
SELECT id FROM loose WHERE n BETWEEN -3.25 AND 1.495 ORDER BY id;
-- query: beside a text
SELECT id FROM loose WHERE n < '1.495' ORDER BY id;
-- query: beside a column
SELECT id, n > m, n = d, n <= id FROM loose ORDER BY id;
-- query: sorted
SELECT id FROM loose ORDER BY n, id;
-- query: sorted downwards
SELECT id FROM loose ORDER BY n DESC NULLS LAST, id;
-- query: specials sorted
SELECT id FROM loose_specials ORDER BY n;
-- query: least and largest
SELECT min(n), max(n) FROM loose;
-- query: distinct
SELECT count(DISTINCT n), count(n) FROM loose;
-- query: grouped
SELECT n, count(*) FROM loose WHERE id IN (2, 4, 5) GROUP BY n ORDER BY n;
-- query: joined
SELECT a.id, b.id FROM loose a JOIN loose b ON a.n = b.n AND a.id < b.id ORDER BY 1, 2;
-- query: joined by other types
SELECT a.id, b.id FROM loose a JOIN loose b ON a.n = b.d ORDER BY 1, 2;
-- query: ranked
SELECT id, rank() OVER (ORDER BY n) FROM loose ORDER BY id;
-- query: sum
SELECT sum(n) = 1000000000012345678901234568010.86245 FROM loose;
-- query: sum of a group
SELECT id % 2, sum(n) > 100, avg(n) > 10 FROM loose WHERE id < 9 GROUP BY 1 ORDER BY 1;
-- query: sum in a having
SELECT id % 3 FROM loose WHERE id < 7 GROUP BY 1 HAVING sum(n) > 1.5 ORDER BY 1;
-- query: average
SELECT avg(n) = 1.4966666666666667, sum(m) / 3 < avg(n) FROM loose WHERE id <= 3;
-- query: of nothing
SELECT sum(n), avg(n), min(n) FROM loose WHERE id = 7;
-- query: arithmetic
SELECT id, n + 1 = 2.49, n * 2.5 = 3.725, 10 - n > 8.5, -n < 0, n % 1 = 0.49, n / 4 = 0.3725 FROM loose WHERE id = 1;
-- query: quotient
SELECT n / 3 > 0.4966666666, n / 3 < 0.4966666667, 1 / n > 0.67 FROM loose WHERE id = 1;
-- query: rounded
SELECT id, round(n) = round(d), floor(n) = floor(d), ceil(n) = ceil(d), trunc(n) = trunc(d), abs(n) = abs(d)
  FROM loose WHERE id IN (1, 2, 4, 5, 6, 8) ORDER BY id;
-- query: cast
SELECT id, n::int, n::numeric(12,1), n::float8 FROM loose WHERE id IN (1, 4, 6) ORDER BY id;
-- query: conditional
SELECT id, coalesce(n, 0) > 1, nullif(n, 1.5) IS NULL, greatest(n, m) = n, CASE WHEN n > 1 THEN n ELSE 0 END > 1
  FROM loose ORDER BY id;
-- query: elements
SELECT id, list[1] > 1.4, list[1] = 1.5 FROM loose ORDER BY id;
-- query: as text
SELECT n || 'x', n::text FROM loose WHERE id IN (1, 4, 11) ORDER BY id;
-- change
UPDATE loose SET n = n + 0.10 WHERE id IN (1, 2);
INSERT INTO loose VALUES (12, 1.590, 0, 0, '{1}');
-- query: after changes
SELECT id FROM loose WHERE n = 1.59 ORDER BY id;
