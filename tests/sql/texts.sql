-- Text of every kind: empty, padded, quoted, of many scripts, longer than a page.
-- setup
CREATE TABLE texts (
  id int PRIMARY KEY, t text, v varchar(20), c char(5), one "char", n name, j json);
INSERT INTO texts VALUES
  (1, '', '', '', '', '', '{}'),
  (2, 'plain', 'plain', 'ab', 'x', 'plain', '{"a": 1,  "a":2}'),
  (3, NULL, NULL, NULL, NULL, NULL, NULL),
  (4, E'line\nbreak\ttab\\backslash''quote"double', 'null', 'NULL', 'N', 'null', 'null'),
  (5, 'straße ÅÄÖ żółć ελληνικά Кириллица', 'ünï', 'é', 'y', 'ü', '"é\u00e9"'),
  (6, '漢字 かな 한국어 ไทย', '漢字', '漢字', 'z', '漢', '["漢字"]'),
  (7, '👩‍👩‍👧‍👦 🇩🇪 e' || U&'\0301' || ' ' || U&'\200F' || 'עברית', '🦆', '🦆', 'z', '🦆', '[]'),
  (8, repeat('0123456789', 1000), 'x', 'x', 'x', 'x', '[1,2]'),
  (9, E'\x01\x02\x7f', 'x  ', 'x  ', 'x', 'x ', ' 1 '),
  (10, ' leading and trailing ', ' x', ' x', ' ', ' x', 'true'),
  (11, '\x41', '{1,2}', '{}', '{', '{}', '"{}"'),
  (12, 'exactly twelve', '12345678901234567890', '12345', 'x', 'x', '1e400');
CREATE TABLE texts_streamed (LIKE texts INCLUDING ALL);
-- change
INSERT INTO texts_streamed SELECT * FROM texts;
UPDATE texts SET id = id;
-- query: all
SELECT * FROM texts ORDER BY id;
-- query: lengths are in characters
SELECT id, length(t), upper(v), lower(v) FROM texts WHERE id NOT IN (5, 7) ORDER BY id;
-- query: like
SELECT id FROM texts WHERE t LIKE '%leading%' OR v LIKE '_n_' ORDER BY id;
-- query: empty is not null
SELECT id FROM texts WHERE t = '' OR t IS NULL ORDER BY id;
-- query: concatenation with null is null
SELECT id, t || 'x' IS NULL FROM texts ORDER BY id;
-- query: regular expressions match parts
SELECT id FROM texts WHERE v ~ 'lai' OR t ~* 'STRASS|LEAD' ORDER BY id;
-- query: byte order
SELECT id FROM texts WHERE t IS NOT NULL ORDER BY t, id;
-- change
UPDATE texts SET t = repeat('ä', 3000), c = 'q' WHERE id = 1;
UPDATE texts SET t = '' WHERE id = 8;
DELETE FROM texts WHERE id = 5;
