-- What is the same in nearly every row leads no index but one that is unique: a query that gives it beside other columns
-- may go by that index and read all rows. PostgreSQL did, while it did not know the table.
DROP INDEX resources_by_parent;
CREATE INDEX resources_by_parent ON resources (parent_kind, parent_id, instance_id);
-- And nobody looks for an area by its path.
DROP INDEX areas_by_path;

-- The words of the index themselves, with a row for each place.
CREATE VIRTUAL TABLE resources_terms USING fts5vocab(resources_words, 'instance');
