-- Names that need quotes, words of SQL, many columns, dropped and generated columns, schemas.
-- setup
CREATE SCHEMA "Odd Schema";
CREATE TABLE "Odd Schema"."Mixed Case" ("Select" int PRIMARY KEY, "a b" text, "quo""te" int, "ä" int);
INSERT INTO "Odd Schema"."Mixed Case" VALUES (1, 'x', 2, 3), (2, NULL, NULL, NULL);
CREATE TABLE "group" ("order" int PRIMARY KEY, "from" text);
INSERT INTO "group" VALUES (1, 'x');
CREATE TABLE with_dropped (a int, gone int, id int PRIMARY KEY, also_gone text, z text);
INSERT INTO with_dropped VALUES (1, 2, 3, 'x', 'y');
ALTER TABLE with_dropped DROP COLUMN gone, DROP COLUMN also_gone;
INSERT INTO with_dropped VALUES (4, 5, 'z');
CREATE TABLE with_default (id int PRIMARY KEY, v text);
INSERT INTO with_default VALUES (1, 'before');
ALTER TABLE with_default ADD COLUMN added int DEFAULT 42, ADD COLUMN later timestamptz DEFAULT '2026-01-01Z';
INSERT INTO with_default VALUES (2, 'after', NULL);
CREATE TABLE with_identity (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, v text);
INSERT INTO with_identity (v) SELECT 'v' || i FROM generate_series(1, 100) i;
CREATE TABLE nobody (id int PRIMARY KEY, v text);
DO $$ BEGIN EXECUTE (SELECT 'CREATE TABLE very_wide (id int PRIMARY KEY, '
  || string_agg('c' || i || CASE i % 3 WHEN 0 THEN ' int' WHEN 1 THEN ' text' ELSE ' float8' END, ', ')
  || ')' FROM generate_series(1, 300) i); END $$;
INSERT INTO very_wide (id, c3, c4, c5, c299) SELECT i, i, 'x', i / 3.0, i FROM generate_series(1, 50) i;
-- change
INSERT INTO "Odd Schema"."Mixed Case" VALUES (3, 'new', 7, 8);
UPDATE "Odd Schema"."Mixed Case" SET "quo""te" = 1 WHERE "Select" = 2;
UPDATE "group" SET "from" = 'y';
UPDATE with_dropped SET a = a + 1;
INSERT INTO with_default VALUES (3, 'streamed');
UPDATE with_default SET v = 'touched' WHERE id = 1;
INSERT INTO with_identity (v) VALUES ('one more');
UPDATE very_wide SET c300 = 1, c1 = 'streamed' WHERE id % 2 = 0;
INSERT INTO nobody VALUES (1, 'first');
DELETE FROM nobody;
-- query: quoted names
SELECT "Select", "a b", "quo""te" FROM "Odd Schema"."Mixed Case" ORDER BY "Select";
-- query: words of sql
SELECT "order", "from" FROM "group";
-- query: an empty table
SELECT * FROM nobody;
-- query: nobody to count
SELECT count(*), sum(id), max(v) FROM nobody;
