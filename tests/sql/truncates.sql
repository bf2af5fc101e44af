-- TRUNCATE: alone, of several tables, inside a transaction with other changes, rolled back.
-- setup
CREATE TABLE emptied (id int PRIMARY KEY, v text);
INSERT INTO emptied SELECT i, 'old' FROM generate_series(1, 1000) i;
CREATE TABLE emptied_parent (id int PRIMARY KEY);
CREATE TABLE emptied_child (id serial PRIMARY KEY, parent int REFERENCES emptied_parent);
INSERT INTO emptied_parent SELECT generate_series(1, 100);
INSERT INTO emptied_child (parent) SELECT i FROM generate_series(1, 100) i;
CREATE TABLE emptied_keyless (v int);
INSERT INTO emptied_keyless VALUES (1), (1), (2);
-- change
TRUNCATE emptied;
-- query: empty
SELECT count(*) FROM emptied;
-- change
INSERT INTO emptied VALUES (1, 'new'), (2000, 'new');
TRUNCATE emptied_parent CASCADE;
TRUNCATE emptied_keyless;
INSERT INTO emptied_keyless VALUES (3);
-- change
BEGIN;
INSERT INTO emptied VALUES (3, 'lost');
UPDATE emptied SET v = 'lost';
TRUNCATE emptied;
INSERT INTO emptied VALUES (4, 'kept'), (1, 'kept');
UPDATE emptied SET v = 'updated' WHERE id = 4;
TRUNCATE emptied_child RESTART IDENTITY;
INSERT INTO emptied_parent VALUES (1);
INSERT INTO emptied_child (parent) VALUES (1);
COMMIT;
-- query: what came after
SELECT * FROM emptied ORDER BY id;
-- change
BEGIN;
TRUNCATE emptied;
ROLLBACK;
INSERT INTO emptied VALUES (5, 'after the rollback');
-- query: rolled back
SELECT * FROM emptied ORDER BY id;
