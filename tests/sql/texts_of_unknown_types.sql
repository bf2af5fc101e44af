-- Types that Freshet does not know arrive as their text, never as an error.
-- setup
CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy');
CREATE TYPE pair AS (x int, y text);
CREATE DOMAIN positive AS int CHECK (VALUE > 0);
CREATE DOMAIN short_text AS varchar(10);
CREATE TABLE unknown_types (
  id int PRIMARY KEY, net inet, block cidr, mac macaddr, feeling mood, r int4range, nr numrange,
  tr tstzrange, mr int4multirange, p point, bx box, pg polygon, couple pair, whole positive,
  small short_text, bits bit(5), vbits bit varying, cash money, tz timetz, x xml, ts tsvector,
  tq tsquery, lsn pg_lsn, o oid, feelings mood[], nets inet[], rc regclass);
INSERT INTO unknown_types VALUES
  (1, '192.168.1.5/24', '10.0.0.0/8', '08:00:2b:01:02:03', 'happy', '[1,5)', '(0.5,]',
   '["2026-01-01 00:00:00+00",infinity)', '{[1,3),[5,7)}', '(1.5,-2)', '(3,4),(1,2)',
   '((0,0),(1,1),(1,0))', '(1,"a b")', 5, 'short', '10101', '1', '12.50', '12:00:00+05:30',
   '<a>b</a>', 'fat:2 cat:3A', 'fat & cat', '0/16B3748', 42, '{sad,happy}', '{10.0.0.1,::1}',
   'pg_class'),
  (2, '::1', '::/0', '00:00:00:00:00:00', 'sad', 'empty', NULL, NULL, '{}', NULL, NULL, NULL, '(,)',
   1, '', '00000', '', '-0.01', '00:00:00-15:59', NULL, '', NULL, '0/0', 0, '{}', '{}', NULL),
  (3, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
   NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
CREATE TABLE unknown_types_streamed (LIKE unknown_types INCLUDING ALL);
-- change
INSERT INTO unknown_types_streamed SELECT * FROM unknown_types;
UPDATE unknown_types SET id = id;
-- query: all
SELECT * FROM unknown_types ORDER BY id;
-- query: by label
SELECT id FROM unknown_types WHERE feeling = 'happy';
-- change
UPDATE unknown_types SET feeling = 'ok', net = '10.1.2.3' WHERE id = 1;
DELETE FROM unknown_types WHERE id = 3;
