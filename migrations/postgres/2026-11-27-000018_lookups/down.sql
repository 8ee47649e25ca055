CREATE INDEX areas_by_path ON areas (instance_id, full_path);
DROP INDEX resources_by_parent;
CREATE INDEX resources_by_parent ON resources (instance_id, parent_kind, parent_id);
ALTER FUNCTION resources_have_words() RESET enable_seqscan;

CREATE OR REPLACE FUNCTION resource_words(kind TEXT, title TEXT, payload TEXT) RETURNS TSVECTOR LANGUAGE plpgsql AS $$
DECLARE
    object JSON;
BEGIN
    IF kind IN ('group', 'project', 'member', 'pipeline', 'pipeline_job', 'deployment', 'environment', 'pipeline_schedule', 'board') THEN
        RETURN NULL;
    END IF;
    object := payload::json;
    IF kind = 'note' AND coalesce((object ->> 'system')::boolean, FALSE) THEN
        RETURN NULL;
    END IF;
    -- Nobody writes more than this to be found by, and an index takes no more than five times as much.
    RETURN setweight(to_tsvector('simple', left(title, 10000)), 'A') || setweight(to_tsvector('simple', left(
        coalesce(object ->> 'description', object ->> 'body', object ->> 'message', ''), 200000)), 'B');
EXCEPTION WHEN data_exception OR program_limit_exceeded THEN
    RETURN to_tsvector('simple', left(title, 10000));
END
$$;

ALTER TABLE resources ALTER COLUMN words TYPE TSVECTOR USING resource_words(kind, title, payload);
