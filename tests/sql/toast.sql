-- Large values that an UPDATE does not touch are not sent by PostgreSQL: they must stay as they were.
-- setup
CREATE TABLE toasted (id int PRIMARY KEY, n int, big text, other text, j jsonb, raw bytea, list text[]);
ALTER TABLE toasted ALTER big SET STORAGE EXTERNAL, ALTER other SET STORAGE EXTERNAL,
  ALTER raw SET STORAGE EXTERNAL, ALTER list SET STORAGE EXTERNAL, ALTER j SET STORAGE EXTERNAL;
INSERT INTO toasted SELECT i, i, repeat(md5(i::text), 200), repeat('o' || i, 2000),
  jsonb_build_object('k', repeat(md5(i::text), 150)), decode(repeat(md5(i::text), 200), 'hex'),
  ARRAY[repeat('e', 5000), NULL, i::text] FROM generate_series(1, 60) i;
CREATE TABLE toasted_full (id int PRIMARY KEY, n int, big text);
ALTER TABLE toasted_full ALTER big SET STORAGE EXTERNAL, REPLICA IDENTITY FULL;
INSERT INTO toasted_full SELECT i, i, repeat('f' || i, 3000) FROM generate_series(1, 20) i;
CREATE TABLE toasted_key (k text PRIMARY KEY, n int);
ALTER TABLE toasted_key ALTER k SET STORAGE EXTERNAL;
INSERT INTO toasted_key SELECT repeat(md5(i::text), 70), i FROM generate_series(1, 10) i;
-- change
UPDATE toasted SET n = n + 1;
-- query: nothing was lost
SELECT id, n, length(big), length(other), octet_length(raw) FROM toasted ORDER BY id;
-- change
UPDATE toasted SET big = 'small now' WHERE id % 2 = 0;
UPDATE toasted SET other = repeat('new', 4000), n = 0 WHERE id % 3 = 0;
UPDATE toasted SET id = id + 1000 WHERE id % 5 = 0;
UPDATE toasted SET raw = NULL WHERE id % 7 = 0;
-- change
BEGIN;
UPDATE toasted SET n = 1 WHERE id = 1;
UPDATE toasted SET n = 2 WHERE id = 1;
UPDATE toasted SET big = repeat('in the same transaction', 500) WHERE id = 1;
UPDATE toasted SET n = 3 WHERE id = 1;
UPDATE toasted SET id = 2001 WHERE id = 1;
UPDATE toasted SET n = 4 WHERE id = 2001;
INSERT INTO toasted VALUES (3001, 1, repeat('fresh', 2000), 'o', '{}', '\x00', '{}');
UPDATE toasted SET n = 2 WHERE id = 3001;
COMMIT;
-- query: twice in a transaction
SELECT id, n, length(big), md5(big) FROM toasted WHERE id > 2000 ORDER BY id;
-- change
UPDATE toasted_full SET n = n * 2;
UPDATE toasted_full SET id = id + 100 WHERE id > 10;
DELETE FROM toasted_full WHERE id = 1;
UPDATE toasted_key SET n = n + 1;
UPDATE toasted_key SET k = 'short' || n WHERE n % 2 = 0;
DELETE FROM toasted_key WHERE n = 3;
-- change
BEGIN;
DELETE FROM toasted WHERE id = 3001;
INSERT INTO toasted (id, n, big) VALUES (3001, 9, 'other');
UPDATE toasted SET n = 10 WHERE id = 3001;
COMMIT;
-- query: deleted and inserted again
SELECT * FROM toasted WHERE id = 3001;
