-- Addresses, positions and the like sort as in PostgreSQL; composites and ranges have their fields.
-- setup
CREATE TYPE place AS (street text, number int, since date, "Is Home" bool);
CREATE TABLE composed (id int PRIMARY KEY, ip inet, net cidr, mac macaddr, lsn pg_lsn, o oid, x xid8, price money,
  tz timetz, p place, ps place[], r int4range, t tstzrange, m int4multirange, ips inet[], u uuid, bits bit varying);
INSERT INTO composed VALUES
  (1, '10.0.0.2', '10.0.0.0/8', '08:00:2b:01:02:03', '0/A', 26, '9', 1.5, '12:00+02', '("Main St",5,2024-01-01,t)',
   array['(a,1,,f)'::place, NULL], '[1,5)', '[2024-01-01 00:00+00,)', '{[1,3),[5,9)}', '{10.0.0.1,::1}',
   '550e8400-e29b-41d4-a716-446655440000', '101'),
  (2, '10.0.0.10', '9.0.0.0/8', '08:00:2b:01:02:04', '0/10', 4294967295, '10', -1234.56, '11:00+00', '(,,,)', '{}',
   'empty', 'empty', '{}', '{}', '650e8400-e29b-41d4-a716-446655440000', '1'),
  (3, '10.0.0.0/8', '10.0.0.0/16', NULL, '1/0', 0, '18446744073709551615', 0, '24:00+00', '("a ""b""\\",-1,0044-03-15 BC,)',
   NULL, '(,10)', '(,2024-01-01 00:00+00]', '{(,)}', '{NULL}', NULL, '11'),
  (4, '2001:db8::1', '::/0', 'ff:00:2b:01:02:03', 'FF/0', NULL, NULL, 10, '00:00-12', NULL, NULL, '[6,7)', NULL, NULL, NULL,
   '050e8400-e29b-41d4-a716-446655440000', '0'),
  (5, NULL, NULL, NULL, NULL, 7, '7', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
-- query: addresses sorted
SELECT id, ip FROM composed ORDER BY ip, id;
-- query: networks sorted
SELECT id, net FROM composed ORDER BY net DESC NULLS LAST, id;
-- query: addresses compared
SELECT id FROM composed WHERE ip > '10.0.0.2' AND ip <> '10.0.0.10/32' ORDER BY id;
-- query: equal address
SELECT id FROM composed WHERE ip = '2001:DB8:0::1';
-- query: greatest addresses
SELECT min(net), max(net), count(DISTINCT ip) FROM composed;
-- query: positions sorted
SELECT id, lsn FROM composed WHERE lsn >= '0/B' ORDER BY lsn;
-- query: oids sorted
SELECT id, o FROM composed ORDER BY o NULLS FIRST;
-- query: oids compared
SELECT id FROM composed WHERE o > 26 ORDER BY id;
-- query: transaction numbers sorted
SELECT id, x FROM composed WHERE x > '8' ORDER BY x;
-- query: money sorted
SELECT id, price FROM composed ORDER BY price, id;
-- query: money compared
SELECT id FROM composed WHERE price > '$1.00' ORDER BY id;
-- query: times with zones sorted
SELECT id, tz FROM composed ORDER BY tz, id;
-- query: hardware addresses sorted
SELECT id, mac FROM composed ORDER BY mac NULLS FIRST, id;
-- query: bits sorted
SELECT id, bits FROM composed ORDER BY bits, id;
-- query: uuids sorted
SELECT id, u FROM composed ORDER BY u, id;
-- query: fields of composites
SELECT id, (p).street, (p).number, (p).since, (p)."Is Home" FROM composed ORDER BY id;
-- query: composites sorted
SELECT id, p FROM composed ORDER BY (p).number NULLS FIRST, id;
-- query: fields of elements
SELECT id, (ps[1]).street, (ps[1]).number FROM composed ORDER BY id;
-- query: composites by fields
SELECT id FROM composed WHERE (p).number > 0 ORDER BY id;
-- query: composites and ranges whole
SELECT id, p, ps, r, t, m, ips FROM composed ORDER BY id;
-- query: ranges compared
SELECT id FROM composed WHERE r = '[1,4]' OR r = 'empty' ORDER BY id;
-- query: ranges as text
SELECT id, r::text, m::text FROM composed ORDER BY id;
-- query: bounds of ranges
SELECT id, lower(r), upper(r), isempty(r), lower_inc(r), upper_inc(r), lower_inf(r), upper_inf(t), lower(t) FROM composed ORDER BY id;
-- query: ranges and values
SELECT id, r @> 3, 4 <@ r, t @> '2024-06-01 00:00:00+00'::timestamptz FROM composed ORDER BY id;
-- query: ranges and ranges
SELECT id, r && '[2,3)'::int4range, r @> '[1,2]'::int4range, r <@ '[0,8)'::int4range, r @> 'empty'::int4range
FROM composed ORDER BY id;
-- query: all pairs of ranges
SELECT a.id, b.id AS other, a.r && b.r, a.r @> b.r, a.r <@ b.r, a.r = b.r FROM composed a CROSS JOIN composed b ORDER BY 1, 2;
-- query: lower of a text is still a text
SELECT id, lower((p).street), upper(mac::text) FROM composed ORDER BY id;
-- query: elements of arrays
SELECT id, ips[1], ips[2] > ips[1] FROM composed ORDER BY id;
-- change
UPDATE composed SET p = '("Other St",6,infinity,f)', r = '[2,3]', ip = '192.168.0.1/24' WHERE id = 2;
UPDATE composed SET p.number = 9, ips = ips || '10.9.8.7'::inet WHERE id = 1;
INSERT INTO composed (id, p, m) VALUES (6, row('', 0, '-infinity', true), '{[1,2)}');
-- query: fields later
SELECT id, (p).street, (p).number, (p).since FROM composed ORDER BY id;
