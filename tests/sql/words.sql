-- Columns and tables called like words that the engine reserves and PostgreSQL does not.
-- setup
CREATE TABLE words (id int PRIMARY KEY, at timestamptz, qualify int, pivot int, summarize int, describe int,
  show int, anti int, semi int, positional int, lambda int, macro int, map int, struct int);
INSERT INTO words VALUES (1, '2026-11-22Z', 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13);
CREATE TABLE pivot (id int PRIMARY KEY);
INSERT INTO pivot VALUES (7);
-- query: all
SELECT * FROM words;
-- query: quoted
SELECT "at", "qualify", "pivot", "summarize", "describe", "show", "lambda" FROM words;
-- query: at
SELECT id, at FROM words WHERE at > '2026-01-01' ORDER BY at;
-- query: qualify
SELECT qualify FROM words;
-- query: pivot
SELECT pivot FROM words;
-- query: summarize, describe and show
SELECT summarize, describe, show FROM words;
-- query: anti, semi and positional
SELECT anti, semi, positional FROM words;
-- query: lambda, macro, map and struct
SELECT lambda, macro, map, struct FROM words;
-- query: a table called pivot
SELECT id FROM pivot;
