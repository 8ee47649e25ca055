CREATE VIEW pipeline_jobs AS SELECT
    id,
    instance_id,
    area_id,
    gitlab_id,
    parent_id AS pipeline_id,
    title AS name,
    state AS status,
    created_at,
    closed_at AS finished_at,
    web_url,
    payload::json ->> 'stage' AS stage,
    payload::json ->> 'ref' AS ref,
    payload::json ->> 'started_at' AS started_at,
    (payload::json ->> 'duration')::double precision AS duration,
    (payload::json ->> 'queued_duration')::double precision AS queued_duration,
    payload::json ->> 'failure_reason' AS failure_reason,
    (payload::json ->> 'allow_failure')::boolean AS allow_failure,
    payload
FROM resources WHERE kind = 'pipeline_job' AND deleted_at IS NULL;
COMMENT ON VIEW pipeline_jobs IS 'Jobs of CI pipelines; parent_id is the pipeline''s gitlab_id, durations are in seconds.';

CREATE VIEW deployments AS SELECT
    id,
    instance_id,
    area_id,
    gitlab_id,
    iid,
    title AS environment,
    state AS status,
    author,
    created_at,
    updated_at,
    payload::json ->> 'sha' AS sha,
    payload::json ->> 'ref' AS ref,
    payload
FROM resources WHERE kind = 'deployment' AND deleted_at IS NULL;
COMMENT ON VIEW deployments IS 'What was brought where; updated_at of one that has ended is when it did.';

CREATE VIEW environments AS SELECT
    id,
    instance_id,
    area_id,
    gitlab_id,
    title AS name,
    state,
    created_at,
    web_url AS external_url,
    payload::json ->> 'tier' AS tier,
    payload::json ->> 'updated_at' AS updated_at,
    payload
FROM resources WHERE kind = 'environment' AND deleted_at IS NULL;
COMMENT ON VIEW environments IS 'Where projects are brought to.';

CREATE VIEW pipeline_schedules AS SELECT
    id,
    instance_id,
    area_id,
    gitlab_id,
    title AS description,
    state,
    author AS owner,
    created_at,
    payload::json ->> 'ref' AS ref,
    payload::json ->> 'cron' AS cron,
    payload::json ->> 'cron_timezone' AS cron_timezone,
    payload::json ->> 'next_run_at' AS next_run_at,
    payload
FROM resources WHERE kind = 'pipeline_schedule' AND deleted_at IS NULL;
COMMENT ON VIEW pipeline_schedules IS 'Pipelines that run by the clock.';

CREATE VIEW snippets AS SELECT
    id,
    instance_id,
    area_id,
    gitlab_id,
    title,
    author,
    created_at,
    updated_at,
    web_url,
    payload::json ->> 'description' AS description,
    payload::json ->> 'visibility' AS visibility,
    payload
FROM resources WHERE kind = 'snippet' AND deleted_at IS NULL;
COMMENT ON VIEW snippets IS 'Snippets of projects, without what is in them.';

CREATE VIEW wiki_pages AS SELECT
    id,
    instance_id,
    area_id,
    title,
    payload::json ->> 'slug' AS slug,
    payload::json ->> 'format' AS format,
    payload
FROM resources WHERE kind = 'wiki_page' AND deleted_at IS NULL;
COMMENT ON VIEW wiki_pages IS 'Pages of projects'' wikis, by name.';

CREATE VIEW packages AS SELECT
    id,
    instance_id,
    area_id,
    gitlab_id,
    state AS status,
    created_at,
    payload::json ->> 'name' AS name,
    payload::json ->> 'version' AS version,
    payload::json ->> 'package_type' AS package_type,
    payload::json ->> 'last_downloaded_at' AS last_downloaded_at,
    payload
FROM resources WHERE kind = 'package' AND deleted_at IS NULL;
COMMENT ON VIEW packages IS 'Versions of packages.';

CREATE VIEW container_repositories AS SELECT
    id,
    instance_id,
    area_id,
    gitlab_id,
    title AS path,
    state AS status,
    created_at,
    payload::json ->> 'name' AS name,
    payload::json ->> 'location' AS location,
    payload
FROM resources WHERE kind = 'container_repository' AND deleted_at IS NULL;
COMMENT ON VIEW container_repositories IS 'Container images of projects.';

CREATE VIEW boards AS SELECT
    id,
    instance_id,
    area_id,
    gitlab_id,
    title AS name,
    payload::json -> 'lists' AS lists,
    payload
FROM resources WHERE kind = 'board' AND deleted_at IS NULL;
COMMENT ON VIEW boards IS 'Issue boards of projects.';

CREATE VIEW iterations AS SELECT
    id,
    instance_id,
    area_id,
    gitlab_id,
    iid,
    title,
    state,
    created_at,
    updated_at,
    web_url,
    payload::json ->> 'start_date' AS start_date,
    payload::json ->> 'due_date' AS due_date,
    payload
FROM resources WHERE kind = 'iteration' AND deleted_at IS NULL;
COMMENT ON VIEW iterations IS 'Iterations of groups.';

CREATE VIEW epics AS SELECT
    id,
    instance_id,
    area_id,
    gitlab_id,
    iid,
    title,
    state,
    author,
    confidential,
    created_at,
    updated_at,
    closed_at,
    web_url,
    payload::json ->> 'description' AS description,
    payload::json ->> 'start_date' AS start_date,
    payload::json ->> 'due_date' AS due_date,
    payload::json -> 'labels' AS labels,
    (payload::json ->> 'parent_iid')::bigint AS parent_iid,
    payload
FROM resources WHERE kind = 'epic' AND deleted_at IS NULL;
COMMENT ON VIEW epics IS 'Epics of groups.';

-- Of the new kinds, what has a name of its own is searched, and not the ten thousandth job called "test".
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
