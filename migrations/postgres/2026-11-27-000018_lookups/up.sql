-- What is the same in nearly every row leads no index but one that is unique: a query that gives it beside other columns
-- may go by that index and read all rows. PostgreSQL did, while it did not know the table.
DROP INDEX resources_by_parent;
CREATE INDEX resources_by_parent ON resources (parent_kind, parent_id, instance_id);
-- And nobody looks for an area by its path.
DROP INDEX areas_by_path;

-- The plan of a trigger's query is kept for as long as nobody analyzes the table. One that was made while it was small, or
-- empty, and reads the whole table would be kept while it is filled.
ALTER FUNCTION resources_have_words() SET enable_seqscan = off;

-- An index of words knows no weights, so that a word which is in no title, but in every text, was looked for in all rows.
-- Words of titles stand there a second time, each behind a sign that no word has. Places within a text are not asked for.
CREATE OR REPLACE FUNCTION resource_words(kind TEXT, title TEXT, payload TEXT) RETURNS TSVECTOR LANGUAGE plpgsql AS $$
DECLARE
    of_title TSVECTOR := strip(to_tsvector('simple', left(title, 10000)));
    object JSON;
BEGIN
    IF kind IN ('group', 'project', 'member', 'pipeline', 'pipeline_job', 'deployment', 'environment', 'pipeline_schedule', 'board') THEN
        RETURN NULL;
    END IF;
    of_title := of_title || array_to_tsvector(ARRAY(SELECT '=' || word FROM unnest(tsvector_to_array(of_title)) AS word));
    object := payload::json;
    IF kind = 'note' AND coalesce((object ->> 'system')::boolean, FALSE) THEN
        RETURN NULL;
    END IF;
    -- Nobody writes more than this to be found by, and an index takes no more than five times as much.
    RETURN of_title || strip(to_tsvector('simple', left(
        coalesce(object ->> 'description', object ->> 'body', object ->> 'message', ''), 200000)));
EXCEPTION WHEN data_exception OR program_limit_exceeded THEN
    RETURN of_title;
END
$$;

-- Written anew as a whole, since an update would leave as much dead space as there are rows.
ALTER TABLE resources ALTER COLUMN words TYPE TSVECTOR USING resource_words(kind, title, payload);
