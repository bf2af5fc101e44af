-- Enums sort and compare in their own order, and labels that are added take their places.
-- setup
CREATE TYPE level AS ENUM ('low', 'middle', 'high', 'with space', 'q"uote''s');
CREATE DOMAIN known_level AS level CHECK (VALUE <> 'middle');
CREATE TABLE leveled (id int PRIMARY KEY, l level, k known_level, ls level[], note text);
INSERT INTO leveled VALUES (1, 'high', 'high', '{high,low,NULL}', 'high'), (2, 'low', 'low', '{}', 'low'),
  (3, 'middle', NULL, NULL, 'x'), (4, NULL, NULL, '{NULL}', NULL), (5, 'with space', 'q"uote''s', '{"with space"}', 'a'),
  (6, 'q"uote''s', 'with space', '{"q\"uote''s"}', 'b');
CREATE TABLE level_names (l level PRIMARY KEY, name text);
INSERT INTO level_names VALUES ('low', 'one'), ('middle', 'two'), ('high', 'three');
-- query: sorted
SELECT id, l FROM leveled ORDER BY l, id;
-- query: sorted downwards
SELECT id FROM leveled ORDER BY l DESC NULLS LAST, id;
-- query: smallest and largest
SELECT min(l), max(l), count(DISTINCT l) FROM leveled;
-- query: greater than a label
SELECT id FROM leveled WHERE l > 'low' ORDER BY id;
-- query: between labels
SELECT id FROM leveled WHERE l BETWEEN 'middle' AND 'with space' ORDER BY id;
-- query: in a list
SELECT id FROM leveled WHERE l IN ('high', 'low') ORDER BY id;
-- query: equal
SELECT id FROM leveled WHERE l = 'q"uote''s';
-- query: beside another column
SELECT id, leveled.l::text = k::text, leveled.l > name_of.l FROM leveled CROSS JOIN (SELECT l FROM level_names WHERE name = 'two') AS name_of ORDER BY id;
-- query: groups
SELECT l, count(*) FROM leveled GROUP BY l ORDER BY l;
-- query: joins
SELECT leveled.id, name FROM leveled JOIN level_names USING (l) ORDER BY leveled.id;
-- query: by key
SELECT name FROM level_names WHERE l = 'middle';
-- query: as text
SELECT id, l || '!', upper(l::text), l::text LIKE 'h%', coalesce(l, 'low'), l::text = note FROM leveled ORDER BY id;
-- query: by cases
SELECT id, CASE l WHEN 'low' THEN 1 WHEN 'high' THEN 2 END, CASE WHEN l > 'middle' THEN l ELSE 'low' END
FROM leveled ORDER BY id;
-- query: greatest and least
SELECT id, greatest(l, 'middle'), least(l, 'with space') FROM leveled ORDER BY id;
-- query: elements
SELECT id, ls[1], cardinality(ls) FROM leveled ORDER BY id;
-- query: windows
SELECT id, rank() OVER (ORDER BY l), max(l) OVER (ORDER BY id) FROM leveled ORDER BY id;
-- change
ALTER TYPE level ADD VALUE 'between' BEFORE 'middle';
INSERT INTO leveled VALUES (7, 'between', 'between', '{between}', 'c');
UPDATE leveled SET l = 'between' WHERE id = 3;
-- query: a label in the middle
SELECT id FROM leveled WHERE l < 'middle' ORDER BY l, id;
-- query: all sorted
SELECT id, l FROM leveled ORDER BY l DESC NULLS FIRST, id;
