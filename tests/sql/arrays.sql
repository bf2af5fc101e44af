-- One-dimensional arrays of the types there are: empty, NULL, with NULLs inside, with what needs quotes.
-- setup
CREATE TABLE braces (id int PRIMARY KEY, a int[], t text, ts text[]);
INSERT INTO braces VALUES (1, '{1,2}', 'x', '{}'), (2, '{1}', '{1,2}', '{a,"b c"}'), (3, NULL, '{a,"b c"}', NULL),
  (4, '{2,1}', NULL, '{b}');
CREATE TABLE arrays (
  id int PRIMARY KEY, i2 smallint[], i4 int[], i8 bigint[], f4 real[], f8 float8[], n numeric(10,2)[],
  un numeric[], t text[], v varchar(5)[], b bool[], d date[], tm time[], ts timestamp[],
  tz timestamptz[], iv interval[], u uuid[], j jsonb[], raw bytea[]);
INSERT INTO arrays VALUES
  (1, '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}',
   '{}', '{}'),
  (2, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
   NULL, NULL),
  (3, '{NULL}', '{NULL}', '{NULL}', '{NULL}', '{NULL}', '{NULL}', '{NULL}', '{NULL}', '{NULL}',
   '{NULL}', '{NULL}', '{NULL}', '{NULL}', '{NULL}', '{NULL}', '{NULL}', '{NULL}', '{NULL}'),
  (4, '{1,NULL,-32768}', '{1,NULL,-2147483648}', '{1,NULL,-9223372036854775808}', '{1.5,NaN,NULL}',
   '{0.1,Infinity,-0}', '{1.10,NULL,-99999999.99}', '{1.10,NaN,1e50}',
   ARRAY['a', NULL, 'NULL', '', 'with space', 'with,comma', 'with"quote', 'with\backslash', '{brace}',
         '漢🦆', E'new\nline'],
   '{ab,"",NULL}', '{t,f,NULL}', '{2026-11-22,infinity,NULL,0044-03-15 BC}', '{24:00:00,12:00:00.5}',
   '{2026-11-22 01:02:03,-infinity,NULL}', '{2026-11-22 01:02:03+00,infinity}',
   '{1 year -3 days,NULL,00:00:00.1}', '{a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11,NULL}',
   ARRAY['{"a": [1, 2]}', 'null', '"x"']::jsonb[], ARRAY['\x', '\x00ff', NULL]::bytea[]);
INSERT INTO arrays (id, i4, t) SELECT 5, array_agg(i), array_agg('item ' || i)
FROM generate_series(1, 5000) i;
CREATE TABLE arrays_streamed (LIKE arrays INCLUDING ALL);
-- change
INSERT INTO arrays_streamed SELECT * FROM arrays;
UPDATE arrays SET id = id;
-- query: small ones
SELECT * FROM arrays WHERE id < 5 ORDER BY id;
-- query: elements
SELECT id, t[1], t[5], i4[2] FROM arrays ORDER BY id;
-- query: unnested
SELECT id, unnest(i4) AS element FROM arrays WHERE id < 5;
-- query: membership
SELECT id FROM arrays WHERE 4999 = ANY (i4) ORDER BY id;
-- change
UPDATE arrays SET t = array_append(t, 'more'), i4 = NULL WHERE id = 4;
UPDATE arrays SET i4 = '{7}' WHERE id = 1;
-- query: literals of arrays, and texts that look so
SELECT id FROM braces WHERE a = '{1,2}' OR t = '{1,2}' OR ts = '{a,"b c"}' OR t <> '{a,"b c"}' ORDER BY id;
-- query: one of them alone
SELECT id, a = '{1,2}', t = '{1,2}', ts <> '{a,"b c"}', braces.t = '{x}' FROM braces ORDER BY id;
