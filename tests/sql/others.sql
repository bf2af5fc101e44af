-- Truth values, bytes, uuids and JSON.
-- setup
CREATE TABLE others (id int PRIMARY KEY, b bool, raw bytea, u uuid, j jsonb);
INSERT INTO others VALUES
  (1, true, '\x', '00000000-0000-0000-0000-000000000000', '{}'),
  (2, false, '\x00', 'ffffffff-ffff-ffff-ffff-ffffffffffff', '[]'),
  (3, NULL, NULL, NULL, NULL),
  (4, true, '\x00ff80de7f5c27', '7fffffff-ffff-ffff-8000-000000000000', 'null'),
  (5, true, decode(repeat('ab00', 2000), 'hex'), '80000000-0000-0000-0000-000000000000',
   '{"b": 1, "a": {"nested": [1, 2.50, -1e10, true, null, "x"]}, "ä": "漢🦆\n\""}'),
  (6, false, '\x41', '12345678-9abc-def0-1234-56789abcdef0', '12345678901234567890.123456789'),
  (7, false, '\x5c78', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', '"text"');
CREATE TABLE others_streamed (LIKE others INCLUDING ALL);
-- change
INSERT INTO others_streamed SELECT * FROM others;
UPDATE others SET id = id;
-- query: all
SELECT * FROM others ORDER BY id;
-- query: truth
SELECT id FROM others WHERE b ORDER BY id;
-- query: not truth
SELECT id FROM others WHERE NOT b ORDER BY id;
-- query: uuid order
SELECT id FROM others WHERE u IS NOT NULL ORDER BY u;
-- query: uuid lookup
SELECT id FROM others WHERE u = 'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11';
-- query: members of json
SELECT id, j ->> 'b', j -> 'a' -> 'nested' ->> 1 FROM others WHERE id = 5;
-- query: lengths of bytes
SELECT id, octet_length(raw) FROM others ORDER BY id;
-- query: logic of three values
SELECT id, b AND NULL, b OR NULL, b IS NOT TRUE FROM others ORDER BY id;
-- change
UPDATE others SET raw = '\xdeadbeef', b = NOT b WHERE id IN (1, 2);
UPDATE others SET j = jsonb_set(j, '{a,nested}', '[]') WHERE id = 5;
