-- What is the same in nearly every row leads no index but one that is unique: a query that gives it beside other columns
-- may go by that index and read all rows. PostgreSQL did, while it did not know the table.
DROP INDEX resources_by_parent;
CREATE INDEX resources_by_parent ON resources (parent_kind, parent_id, instance_id);
-- And nobody looks for an area by its path.
DROP INDEX areas_by_path;

-- The plan of a trigger's query is kept for as long as nobody analyzes the table. One that was made while it was small, or
-- empty, and reads the whole table would be kept while it is filled.
ALTER FUNCTION resources_have_words() SET enable_seqscan = off;
