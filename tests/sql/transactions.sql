-- Many small transactions and one large one, side by side with changes of other tables.
-- setup
CREATE TABLE busy (id int PRIMARY KEY, v int NOT NULL);
INSERT INTO busy SELECT i, 0 FROM generate_series(1, 5000) i;
-- change
DO $$ BEGIN FOR i IN 1..500 LOOP UPDATE busy SET v = v + 1 WHERE id = i; COMMIT; END LOOP; END $$;
-- query: small transactions
SELECT sum(v), count(*) FROM busy;
-- change
UPDATE busy SET v = v + 1;
UPDATE busy SET v = v + 1, id = id + 100000;
INSERT INTO busy SELECT i, -1 FROM generate_series(1, 100000) i;
DELETE FROM busy WHERE id % 2 = 0;
-- query: large transactions
SELECT sum(v), count(*), min(id), max(id) FROM busy;
-- change
DO $$ BEGIN FOR i IN 1..200 LOOP
  BEGIN INSERT INTO busy VALUES (500000 + i, i); IF i % 3 = 0 THEN RAISE EXCEPTION 'no'; END IF;
  EXCEPTION WHEN OTHERS THEN NULL; END;
END LOOP; END $$;
-- query: inner transactions that failed
SELECT sum(v), count(*) FROM busy WHERE id > 500000;
