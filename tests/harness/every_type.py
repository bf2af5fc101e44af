"""Tables with every type and every kind of identity, and changes of each kind, for tests of how changes
come."""

TABLES = """
CREATE TYPE mood AS ENUM ('sad', 'fine');
CREATE TABLE everything (id int PRIMARY KEY, b bool, i2 int2, i8 int8, f4 float4, f8 float8,
  n numeric(12,2), exact numeric, t text, c char(5), v varchar(9), u uuid, j json, jb jsonb, d date,
  tm time, ts timestamp, tz timestamptz, iv interval, raw bytea, list int[], words text[], m mood,
  net inet, bits bit(3), place point, span int4range, big text);
ALTER TABLE everything ALTER big SET STORAGE EXTERNAL;
INSERT INTO everything SELECT i, i % 2 = 0, i, i * 10000000000, i / 3.0, i / 7.0, i / 4.0, i / 3.0,
  'text ' || i, 'c' || i % 100, 'v' || i, md5(i::text)::uuid, '{"a": 1, "a":  2}', '{"b": [1, null]}',
  date '2024-02-29' + i, time '23:59:59.5', timestamp '2024-01-01 00:00:00.000001',
  timestamptz '2024-06-01 12:00Z', interval '1 mon -2 days 03:04:05.6', decode(md5(i::text), 'hex'),
  ARRAY[i, NULL, -i], ARRAY['a,b', 'c"d', NULL, ''], 'fine', '10.0.0.1/24', B'101', '(1,2.5)', '[1,5)',
  repeat(md5(i::text), 200) FROM generate_series(1, 300) i;
INSERT INTO everything (id) SELECT 1000 + i FROM generate_series(1, 20) i;
INSERT INTO everything (id, f4, f8, n, exact, d, ts, tz) VALUES
  (2001, 'NaN', 'Infinity', NULL, 'NaN', 'infinity', '-infinity', 'infinity'),
  (2002, '-0', 0.1 + 0.2::float8, -0.01, 12345678901234567890123456789012345678901234567890.5,
   '0044-03-15 BC', '4713-01-01 BC', '294246-12-31Z');

CREATE TABLE twins (word text, n int);  ALTER TABLE twins REPLICA IDENTITY FULL;
INSERT INTO twins VALUES ('x', 1), ('x', 1), (NULL, NULL), ('y', 2);
CREATE TABLE by_index (n int NOT NULL, code text NOT NULL, note text);
CREATE UNIQUE INDEX by_index_code ON by_index (code);
ALTER TABLE by_index REPLICA IDENTITY USING INDEX by_index_code;
INSERT INTO by_index SELECT i, 'code ' || i, 'note' FROM generate_series(1, 50) i;
CREATE TABLE keyless (at int, event text);
INSERT INTO keyless SELECT i, 'event ' || i FROM generate_series(1, 50) i;
CREATE TABLE emptied (id int PRIMARY KEY, word text);
INSERT INTO emptied SELECT i, 'word' FROM generate_series(1, 50) i;
"""

CHANGES = [
    "INSERT INTO everything (id, t, list, exact) VALUES (3001, 'new', '{}', 1e30), (3002, NULL, NULL, 0)",
    # The large value is not sent with this update, and stays.
    "UPDATE everything SET t = 'updated ' || id, n = n + 1, m = 'sad', span = 'empty' WHERE id % 3 = 0",
    "UPDATE everything SET b = NULL, jb = NULL, list = NULL, big = NULL WHERE id % 7 = 0",
    "UPDATE everything SET id = id + 50000 WHERE id % 11 = 0",
    "DELETE FROM everything WHERE id % 5 = 0",
    "BEGIN; INSERT INTO everything (id, t) VALUES (4001, 'a'); SAVEPOINT s;"
    "INSERT INTO everything (id, t) VALUES (4002, 'b'); ROLLBACK TO s;"
    "UPDATE everything SET id = 4003 WHERE id = 4001; COMMIT",
    "BEGIN; DELETE FROM everything; ROLLBACK",
    "DELETE FROM twins WHERE ctid = (SELECT min(ctid) FROM twins WHERE word = 'x')",
    "UPDATE twins SET n = 3 WHERE n IS NULL; INSERT INTO twins VALUES ('y', 2)",
    "UPDATE by_index SET note = NULL WHERE n < 20; UPDATE by_index SET code = 'new ' || n WHERE n < 10;"
    "DELETE FROM by_index WHERE n > 40",
    "INSERT INTO keyless SELECT i, 'more' FROM generate_series(51, 80) i",
]

LIVE = ["public.everything", "public.twins", "public.by_index", "public.keyless", "public.emptied"]
