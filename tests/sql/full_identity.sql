-- REPLICA IDENTITY FULL without a key: duplicates are counted, and one of them is changed at a time.
-- setup
CREATE TABLE whole_rows (a int, b text, n numeric, f float8, d date, l int[]);
ALTER TABLE whole_rows REPLICA IDENTITY FULL;
INSERT INTO whole_rows VALUES
  (1, 'twin', 1.50, 0.1, '2026-01-01', '{1,2}'), (1, 'twin', 1.50, 0.1, '2026-01-01', '{1,2}'),
  (1, 'twin', 1.50, 0.1, '2026-01-01', '{1,2}'), (2, NULL, NULL, NULL, NULL, NULL),
  (2, NULL, NULL, NULL, NULL, NULL), (3, 'single', 'NaN', 'NaN', 'infinity', '{}');
CREATE TABLE whole_rows_keyed (id int PRIMARY KEY, v text);
ALTER TABLE whole_rows_keyed REPLICA IDENTITY FULL;
INSERT INTO whole_rows_keyed SELECT i, 'v' || i FROM generate_series(1, 500) i;
-- change
DELETE FROM whole_rows WHERE ctid = (SELECT min(ctid) FROM whole_rows WHERE b = 'twin');
-- query: one twin less
SELECT a, count(*) FROM whole_rows GROUP BY a ORDER BY a;
-- change
UPDATE whole_rows SET a = 10 WHERE ctid = (SELECT min(ctid) FROM whole_rows WHERE b = 'twin');
UPDATE whole_rows SET b = 'was null' WHERE ctid = (SELECT min(ctid) FROM whole_rows WHERE a = 2);
UPDATE whole_rows SET a = 4 WHERE b = 'single';
INSERT INTO whole_rows VALUES (1, 'twin', 1.50, 0.1, '2026-01-01', '{1,2}');
INSERT INTO whole_rows SELECT i % 4, 'many', i % 2, 0, NULL, NULL FROM generate_series(1, 400) i;
-- change
UPDATE whole_rows SET n = n + 1 WHERE b = 'many' AND a = 1;
DELETE FROM whole_rows WHERE b = 'many' AND a = 2 AND n = 0;
UPDATE whole_rows_keyed SET v = v || '!' WHERE id % 2 = 0;
UPDATE whole_rows_keyed SET id = id + 1000 WHERE id % 10 = 0;
DELETE FROM whole_rows_keyed WHERE id % 7 = 0;
-- query: all
SELECT a, b, n, count(*) FROM whole_rows GROUP BY a, b, n;
-- change
BEGIN;
INSERT INTO whole_rows (a, b) VALUES (50, 'brief');
UPDATE whole_rows SET b = 'longer' WHERE a = 50;
DELETE FROM whole_rows WHERE a = 50;
INSERT INTO whole_rows (a, b) VALUES (51, 'stays');
COMMIT;
