-- Updates of keys, keys of every shape, rows that swap, leave and come back.
-- setup
CREATE TABLE keyed (id int PRIMARY KEY, v text);
INSERT INTO keyed SELECT i, 'v' || i FROM generate_series(1, 2000) i;
CREATE TABLE keyed_by_two (a int, b text, v int, PRIMARY KEY (b, a));
INSERT INTO keyed_by_two SELECT i % 10, 'b' || i / 10, i FROM generate_series(1, 1000) i;
CREATE TABLE keyed_by_text (k text PRIMARY KEY, v int);
INSERT INTO keyed_by_text VALUES ('', 1), (' ', 2), ('a', 3), ('A', 4), ('ä', 5), (repeat('k', 500), 6);
CREATE TABLE keyed_by_uuid (k uuid PRIMARY KEY, v int);
INSERT INTO keyed_by_uuid SELECT md5(i::text)::uuid, i FROM generate_series(1, 300) i;
CREATE TABLE keyed_by_small (k smallint PRIMARY KEY, v int);
INSERT INTO keyed_by_small SELECT i, i FROM generate_series(-5, 5) i;
CREATE TABLE keyed_by_numeric (k numeric(12,2), d date, v int, PRIMARY KEY (k, d));
INSERT INTO keyed_by_numeric SELECT i / 4.0, date '2026-01-01' + i, i FROM generate_series(1, 100) i;
CREATE TABLE keyed_by_any_numeric (k numeric PRIMARY KEY, v int);
INSERT INTO keyed_by_any_numeric VALUES (1.5, 1), (100, 2), ('NaN', 3), (1e30, 4);
CREATE TABLE keyed_by_padded (k char(8) PRIMARY KEY, v int);
INSERT INTO keyed_by_padded VALUES ('a', 1), ('ab', 2), ('', 3);
CREATE TABLE keyed_by_bytes (k bytea PRIMARY KEY, t timestamptz NOT NULL, v int);
INSERT INTO keyed_by_bytes VALUES ('\x', now(), 1), ('\x00', now(), 2), ('\x0000', now(), 3);
CREATE TABLE keyed_by_float (k float8 PRIMARY KEY, v int);
INSERT INTO keyed_by_float VALUES (0, 1), ('NaN', 2), ('Infinity', 3), (0.1, 4);
CREATE TABLE keyed_by_index (a int NOT NULL, b int, v int);
CREATE UNIQUE INDEX keyed_by_index_a ON keyed_by_index (a);
ALTER TABLE keyed_by_index REPLICA IDENTITY USING INDEX keyed_by_index_a;
INSERT INTO keyed_by_index SELECT i, i, i FROM generate_series(1, 50) i;
CREATE TABLE only_a_key (id bigint PRIMARY KEY);
INSERT INTO only_a_key SELECT generate_series(1, 10);
CREATE TABLE key_at_the_end (v text, filler int, id bigint PRIMARY KEY);
INSERT INTO key_at_the_end SELECT 'x', i, i FROM generate_series(1, 100) i;
-- change
UPDATE keyed SET id = id + 100000 WHERE id % 3 = 0;
UPDATE keyed SET id = -id, v = 'turned' WHERE id BETWEEN 1 AND 10;
UPDATE keyed_by_two SET a = a + 100, b = b || 'x' WHERE v % 7 = 0;
UPDATE keyed_by_text SET k = k || '2' WHERE v IN (2, 5, 6);
UPDATE keyed_by_text SET v = v + 10;
UPDATE keyed_by_uuid SET k = md5('new' || v)::uuid WHERE v % 2 = 0;
DELETE FROM keyed_by_uuid WHERE v % 5 = 0;
UPDATE keyed_by_small SET v = -v;
DELETE FROM keyed_by_small WHERE k < -2;
UPDATE keyed_by_numeric SET v = v * 2, k = k + 0.01 WHERE v % 2 = 1;
DELETE FROM keyed_by_numeric WHERE v % 6 = 0;
UPDATE keyed_by_padded SET v = v + 1;
DELETE FROM keyed_by_padded WHERE k = 'ab';
UPDATE keyed_by_bytes SET v = v + 1 WHERE k = '\x00';
DELETE FROM keyed_by_bytes WHERE k = '\x';
UPDATE keyed_by_index SET b = NULL, v = v + 1 WHERE a % 2 = 0;
UPDATE keyed_by_index SET a = a + 1000 WHERE a % 5 = 0;
DELETE FROM keyed_by_index WHERE a = 7;
DELETE FROM only_a_key WHERE id > 5;
UPDATE only_a_key SET id = id + 20;
UPDATE key_at_the_end SET v = 'y' WHERE id > 50;
DELETE FROM key_at_the_end WHERE id <= 10;
-- change
UPDATE keyed_by_any_numeric SET v = v + 1 WHERE k = 1.5;
UPDATE keyed_by_any_numeric SET k = 200.00 WHERE k = 100;
DELETE FROM keyed_by_any_numeric WHERE k = 'NaN';
UPDATE keyed_by_float SET v = v + 1 WHERE k = 'NaN' OR k = 0.1;
DELETE FROM keyed_by_float WHERE k = 'Infinity';
-- change
BEGIN;
INSERT INTO keyed VALUES (500000, 'first');
UPDATE keyed SET v = 'second' WHERE id = 500000;
UPDATE keyed SET id = 500001 WHERE id = 500000;
INSERT INTO keyed VALUES (500000, 'third');
DELETE FROM keyed WHERE id = 500001;
DELETE FROM keyed WHERE id = 500000;
INSERT INTO keyed VALUES (500000, 'fourth');
INSERT INTO keyed VALUES (500002, 'gone before it was seen');
DELETE FROM keyed WHERE id = 500002;
COMMIT;
-- query: after many lives in one transaction
SELECT * FROM keyed WHERE id >= 500000 ORDER BY id;
-- change
BEGIN;
UPDATE keyed SET id = 900000 WHERE id = 11;
UPDATE keyed SET id = 11 WHERE id = 13;
UPDATE keyed SET id = 13 WHERE id = 900000;
COMMIT;
-- query: swapped rows
SELECT * FROM keyed WHERE id IN (11, 13) ORDER BY id;
-- change
BEGIN;
DELETE FROM keyed;
ROLLBACK;
BEGIN;
INSERT INTO keyed VALUES (700001, 'stays');
SAVEPOINT s;
INSERT INTO keyed VALUES (700002, 'rolled back');
UPDATE keyed SET v = 'rolled back';
ROLLBACK TO s;
INSERT INTO keyed VALUES (700003, 'stays too');
COMMIT;
-- query: savepoints
SELECT * FROM keyed WHERE id > 700000 ORDER BY id;
-- query: counts
SELECT count(*), count(DISTINCT v), min(id), max(id) FROM keyed;
-- query: lookup by a text key
SELECT v FROM keyed_by_text WHERE k = 'ä2';
