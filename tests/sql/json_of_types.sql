-- JSON that is made of rows: numbers, labels, addresses and the like are what PostgreSQL writes.
-- setup
CREATE TYPE size AS ENUM ('small', 'large');
CREATE TYPE spot AS (x int, net inet);
CREATE TABLE wares (id int PRIMARY KEY, n numeric, d numeric(10,2), s size, ss size[], ip inet, l pg_lsn, p spot, ns numeric[],
  j json, b jsonb, t text, f float8);
INSERT INTO wares VALUES
  (1, 1.5, 1.50, 'large', '{small,large}', '10.0.0.0/8', '0/A', '(1,10.0.0.1)', '{1.25,NULL}', '{"a" : 1}', '[1, 2]', 'a "b"', 0.5),
  (2, 'NaN', 2, 'small', '{}', '::1', '16/B374D848', NULL, '{}', NULL, NULL, NULL, 'Infinity'),
  (3, 12345678901234567890.125, NULL, NULL, NULL, NULL, NULL, '(,)', NULL, 'null', '{}', '', NULL);
-- query: values
SELECT id, to_json(n)::text, to_json(d)::text, to_json(s)::text, to_json(ip)::text, to_json(l)::text, to_json(t)::text, to_json(f)::text
FROM wares ORDER BY id;
-- query: arrays
SELECT id, to_json(ss)::text, array_to_json(ns)::text FROM wares ORDER BY id;
-- query: fields of whole rows
SELECT id, to_json(wares)->>'s', to_json(wares)->>'ip', row_to_json(wares)->'p'->>'net', to_json(wares)->'j'->>'a' FROM wares ORDER BY id;
-- query: objects
SELECT id, json_build_object('s', s, 'ip', ip)->>'s', json_build_object('s', s, 'ip', ip)->>'ip', jsonb_build_object('t', t)->>'t',
  json_build_array(l, n)->>0 FROM wares ORDER BY id;
-- query: aggregates
SELECT json_agg(s ORDER BY id)->>1, json_agg(ip ORDER BY id)->>0, json_object_agg(id, s)->>'1' FROM wares WHERE id < 3;
-- query: composites
SELECT id, to_json(p)->>'x', to_json(p)->>'net' FROM wares ORDER BY id;
