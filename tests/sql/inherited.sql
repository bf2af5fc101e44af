-- Children of a table by inheritance are tables of their own; the parent keeps its own rows only.
-- setup
CREATE TABLE ancestor (id int PRIMARY KEY, v text);
CREATE TABLE descendant (extra int, PRIMARY KEY (id)) INHERITS (ancestor);
INSERT INTO ancestor VALUES (1, 'parent');
INSERT INTO descendant VALUES (2, 'child', 7);
-- change
INSERT INTO ancestor VALUES (3, 'parent, later');
INSERT INTO descendant VALUES (4, 'child, later', 8);
UPDATE ancestor SET v = v || '!';
-- query: the parent
SELECT id, v FROM ancestor ORDER BY id;
-- query: the child
SELECT id, v, extra FROM descendant ORDER BY id;
