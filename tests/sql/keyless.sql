-- Tables without a key: what is inserted and truncated arrives; equal rows stay as many as they are.
-- setup
CREATE TABLE keyless (a int, b text);
INSERT INTO keyless VALUES (1, 'x'), (1, 'x'), (NULL, NULL), (2, 'y');
CREATE TABLE keyless_unique (a int, b text);
CREATE UNIQUE INDEX keyless_unique_a ON keyless_unique (a);
INSERT INTO keyless_unique VALUES (1, 'x'), (NULL, 'y'), (NULL, 'y');
CREATE TABLE keyless_deferrable (a int PRIMARY KEY DEFERRABLE, b text);
INSERT INTO keyless_deferrable VALUES (1, 'x');
CREATE TABLE keyless_nothing (a int PRIMARY KEY, b text);
ALTER TABLE keyless_nothing REPLICA IDENTITY NOTHING;
INSERT INTO keyless_nothing VALUES (1, 'x');
-- change
INSERT INTO keyless SELECT i % 3, 'many' FROM generate_series(1, 1000) i;
INSERT INTO keyless VALUES (NULL, NULL), (1, 'x');
INSERT INTO keyless_unique VALUES (2, 'z'), (NULL, 'y');
INSERT INTO keyless_deferrable VALUES (2, 'y');
INSERT INTO keyless_nothing VALUES (2, 'y');
-- query: multiplicities
SELECT a, b, count(*) FROM keyless GROUP BY a, b;
-- change
TRUNCATE keyless, keyless_nothing;
INSERT INTO keyless VALUES (9, 'after');
