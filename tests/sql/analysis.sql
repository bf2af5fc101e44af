-- What people ask of a copy: joins, groups, windows, subqueries, sets; while rows change.
-- setup
CREATE TABLE buyers (id int PRIMARY KEY, name text, country text, joined date);
CREATE TABLE goods (id int PRIMARY KEY, label text, price numeric(10,2));
CREATE TABLE purchases (id bigint PRIMARY KEY, buyer int, good int, amount int, placed timestamptz, note text);
INSERT INTO buyers SELECT i, 'buyer ' || i, (ARRAY['de','fr','jp','us',NULL])[i % 5 + 1],
  date '2020-01-01' + i FROM generate_series(1, 400) i;
INSERT INTO goods SELECT i, 'good ' || i, (i * 37 % 1000) / 8.0 FROM generate_series(1, 50) i;
INSERT INTO purchases SELECT i, i * 7919 % 420 + 1, i * 104729 % 50 + 1, i % 9 + 1,
  timestamptz '2026-01-01 00:00:00+00' + i * interval '7 minutes',
  CASE WHEN i % 10 = 0 THEN 'gift' END FROM generate_series(1, 20000) i;
-- query: group by with having
SELECT country, count(*) FROM buyers GROUP BY country HAVING count(*) > 10 ORDER BY country;
-- query: three tables
SELECT b.country, sum(p.amount * g.price) AS revenue, count(DISTINCT b.id) AS buyers
FROM purchases p JOIN buyers b ON b.id = p.buyer JOIN goods g ON g.id = p.good
GROUP BY b.country ORDER BY revenue DESC, b.country;
-- query: outer join finds who is missing
SELECT p.buyer, count(*) FROM purchases p LEFT JOIN buyers b ON b.id = p.buyer WHERE b.id IS NULL
GROUP BY p.buyer ORDER BY p.buyer;
-- query: full join
SELECT count(*), count(b.id), count(p.buyer) FROM buyers b
FULL JOIN (SELECT DISTINCT buyer FROM purchases) p ON p.buyer = b.id;
-- query: window functions
SELECT id, buyer, row_number() OVER w, sum(amount) OVER w, lag(amount, 1, 0) OVER w
FROM purchases WHERE buyer < 10 WINDOW w AS (PARTITION BY buyer ORDER BY placed, id) ORDER BY id;
-- query: ranks
SELECT label, price, rank() OVER (ORDER BY price DESC), dense_rank() OVER (ORDER BY price DESC)
FROM goods ORDER BY price DESC, label;
-- query: moving frame
SELECT id, sum(amount) OVER (ORDER BY id ROWS BETWEEN 2 PRECEDING AND 1 FOLLOWING) FROM purchases
WHERE id <= 50 ORDER BY id;
-- query: correlated subquery
SELECT g.id, (SELECT max(placed) FROM purchases p WHERE p.good = g.id) FROM goods g ORDER BY g.id;
-- query: exists and in
SELECT count(*) FROM buyers b WHERE EXISTS (SELECT 1 FROM purchases p WHERE p.buyer = b.id
AND p.note = 'gift') AND b.country IN ('de', 'jp');
-- query: with
WITH monthly AS (SELECT date_trunc('month', placed) AS month, sum(amount) AS amount FROM purchases GROUP BY 1)
SELECT month, amount, amount - lag(amount) OVER (ORDER BY month) FROM monthly ORDER BY month;
-- query: recursion
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20) SELECT sum(i) FROM n;
-- query: sets
SELECT country FROM buyers WHERE id < 50 INTERSECT SELECT country FROM buyers WHERE id > 350
EXCEPT SELECT 'us' ORDER BY 1;
-- query: case and coalesce
SELECT coalesce(country, 'nowhere') AS c, sum(CASE WHEN joined < '2020-06-01' THEN 1 ELSE 0 END)
FROM buyers GROUP BY 1 ORDER BY 1;
-- query: filter clause
SELECT count(*) FILTER (WHERE note IS NOT NULL), count(note), count(*) FROM purchases;
-- query: distinct on
SELECT DISTINCT ON (country) country, name FROM buyers ORDER BY country, id;
-- query: limit and offset
SELECT id FROM purchases ORDER BY placed DESC, id LIMIT 5 OFFSET 10;
-- query: grouping sets
SELECT country, joined < '2020-06-01' AS early, count(*) FROM buyers
GROUP BY ROLLUP (country, joined < '2020-06-01');
-- query: text aggregates
SELECT country, string_agg(name, ', ' ORDER BY id) FROM buyers WHERE id <= 20 GROUP BY country
ORDER BY country;
-- query: lateral
SELECT g.id, top.id AS purchase FROM goods g CROSS JOIN LATERAL
(SELECT id FROM purchases p WHERE p.good = g.id ORDER BY amount DESC, id LIMIT 2) top
WHERE g.id <= 5 ORDER BY 1, 2;
-- query: values and a join with them
SELECT b.id, w.weight FROM buyers b JOIN (VALUES (1, 0.5), (2, 1.5)) AS w(id, weight) ON w.id = b.id
ORDER BY b.id;
-- change
UPDATE purchases SET amount = amount + 1 WHERE id % 3 = 0;
DELETE FROM purchases WHERE id % 17 = 0;
UPDATE goods SET price = price * 2 WHERE id % 2 = 0;
INSERT INTO buyers VALUES (401, 'late', 'de', '2026-11-22');
-- query: three tables, changed
SELECT b.country, sum(p.amount * g.price) AS revenue, count(DISTINCT b.id) AS buyers
FROM purchases p JOIN buyers b ON b.id = p.buyer JOIN goods g ON g.id = p.good
GROUP BY b.country ORDER BY revenue DESC, b.country;
-- query: by day, changed
SELECT placed::date AS day, sum(amount), min(id), max(id) FROM purchases GROUP BY 1 ORDER BY 1;
-- query: averages
SELECT buyer, avg(amount)::numeric(10,4) FROM purchases WHERE buyer <= 20 GROUP BY buyer ORDER BY buyer;
