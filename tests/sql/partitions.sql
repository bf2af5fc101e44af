-- A partitioned table is one table; rows move between partitions; partitions come and are truncated.
-- setup
CREATE TABLE readings (id int, taken date, v int, PRIMARY KEY (id, taken, v)) PARTITION BY RANGE (taken);
CREATE TABLE readings_2025 PARTITION OF readings FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
CREATE TABLE readings_2026 PARTITION OF readings FOR VALUES FROM ('2026-01-01') TO ('2027-01-01')
  PARTITION BY LIST (v);
CREATE TABLE readings_2026_even PARTITION OF readings_2026 FOR VALUES IN (0, 2, 4);
CREATE TABLE readings_2026_rest PARTITION OF readings_2026 DEFAULT;
INSERT INTO readings SELECT i, date '2025-06-01' + i, i % 6 FROM generate_series(1, 500) i;
CREATE TABLE other_order (a int, b text, c int, PRIMARY KEY (a)) PARTITION BY HASH (a);
CREATE TABLE other_order_1 (c int, dropped int, b text, a int NOT NULL);
ALTER TABLE other_order_1 DROP COLUMN dropped;
ALTER TABLE other_order ATTACH PARTITION other_order_1 FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE other_order_2 PARTITION OF other_order FOR VALUES WITH (MODULUS 2, REMAINDER 1);
INSERT INTO other_order SELECT i, 'b' || i, -i FROM generate_series(1, 200) i;
-- change
UPDATE readings SET v = v + 1 WHERE id % 3 = 0;
UPDATE readings SET taken = taken + 300 WHERE id < 50;
DELETE FROM readings WHERE id % 11 = 0;
INSERT INTO readings_2025 VALUES (9001, '2025-12-31', 3);
UPDATE other_order SET c = a, b = NULL WHERE a % 3 = 0;
UPDATE other_order SET a = a + 1000 WHERE a % 5 = 0;
DELETE FROM other_order WHERE a % 4 = 0;
-- query: by month
SELECT extract(year FROM taken)::int AS y, count(*), sum(v) FROM readings GROUP BY 1 ORDER BY 1;
-- change
CREATE TABLE readings_2027 PARTITION OF readings FOR VALUES FROM ('2027-01-01') TO ('2028-01-01');
INSERT INTO readings SELECT i, '2027-05-05', 1 FROM generate_series(20000, 20100) i;
UPDATE readings SET taken = '2027-06-06' WHERE id = 9001;
-- query: in the new partition
SELECT count(*), min(id), max(id) FROM readings WHERE taken >= '2027-01-01';
-- change
TRUNCATE readings;
INSERT INTO readings VALUES (1, '2026-02-02', 2);
