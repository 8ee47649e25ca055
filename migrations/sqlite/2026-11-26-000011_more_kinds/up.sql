-- Jobs of CI pipelines; parent_id is the pipeline's gitlab_id, durations are in seconds.
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
    json_extract(payload, '$.stage') AS stage,
    json_extract(payload, '$.ref') AS ref,
    json_extract(payload, '$.started_at') AS started_at,
    json_extract(payload, '$.duration') AS duration,
    json_extract(payload, '$.queued_duration') AS queued_duration,
    json_extract(payload, '$.failure_reason') AS failure_reason,
    json_extract(payload, '$.allow_failure') AS allow_failure,
    payload
FROM resources WHERE kind = 'pipeline_job' AND deleted_at IS NULL;

-- What was brought where; updated_at of one that has ended is when it did.
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
    json_extract(payload, '$.sha') AS sha,
    json_extract(payload, '$.ref') AS ref,
    payload
FROM resources WHERE kind = 'deployment' AND deleted_at IS NULL;

-- Where projects are brought to.
CREATE VIEW environments AS SELECT
    id,
    instance_id,
    area_id,
    gitlab_id,
    title AS name,
    state,
    created_at,
    web_url AS external_url,
    json_extract(payload, '$.tier') AS tier,
    json_extract(payload, '$.updated_at') AS updated_at,
    payload
FROM resources WHERE kind = 'environment' AND deleted_at IS NULL;

-- Pipelines that run by the clock.
CREATE VIEW pipeline_schedules AS SELECT
    id,
    instance_id,
    area_id,
    gitlab_id,
    title AS description,
    state,
    author AS owner,
    created_at,
    json_extract(payload, '$.ref') AS ref,
    json_extract(payload, '$.cron') AS cron,
    json_extract(payload, '$.cron_timezone') AS cron_timezone,
    json_extract(payload, '$.next_run_at') AS next_run_at,
    payload
FROM resources WHERE kind = 'pipeline_schedule' AND deleted_at IS NULL;

-- Snippets of projects, without what is in them.
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
    json_extract(payload, '$.description') AS description,
    json_extract(payload, '$.visibility') AS visibility,
    payload
FROM resources WHERE kind = 'snippet' AND deleted_at IS NULL;

-- Pages of projects' wikis, by name.
CREATE VIEW wiki_pages AS SELECT
    id,
    instance_id,
    area_id,
    title,
    json_extract(payload, '$.slug') AS slug,
    json_extract(payload, '$.format') AS format,
    payload
FROM resources WHERE kind = 'wiki_page' AND deleted_at IS NULL;

-- Versions of packages.
CREATE VIEW packages AS SELECT
    id,
    instance_id,
    area_id,
    gitlab_id,
    state AS status,
    created_at,
    json_extract(payload, '$.name') AS name,
    json_extract(payload, '$.version') AS version,
    json_extract(payload, '$.package_type') AS package_type,
    json_extract(payload, '$.last_downloaded_at') AS last_downloaded_at,
    payload
FROM resources WHERE kind = 'package' AND deleted_at IS NULL;

-- Container images of projects.
CREATE VIEW container_repositories AS SELECT
    id,
    instance_id,
    area_id,
    gitlab_id,
    title AS path,
    state AS status,
    created_at,
    json_extract(payload, '$.name') AS name,
    json_extract(payload, '$.location') AS location,
    payload
FROM resources WHERE kind = 'container_repository' AND deleted_at IS NULL;

-- Issue boards of projects.
CREATE VIEW boards AS SELECT
    id,
    instance_id,
    area_id,
    gitlab_id,
    title AS name,
    json_extract(payload, '$.lists') AS lists,
    payload
FROM resources WHERE kind = 'board' AND deleted_at IS NULL;

-- Iterations of groups.
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
    json_extract(payload, '$.start_date') AS start_date,
    json_extract(payload, '$.due_date') AS due_date,
    payload
FROM resources WHERE kind = 'iteration' AND deleted_at IS NULL;

-- Epics of groups.
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
    json_extract(payload, '$.description') AS description,
    json_extract(payload, '$.start_date') AS start_date,
    json_extract(payload, '$.due_date') AS due_date,
    json_extract(payload, '$.labels') AS labels,
    json_extract(payload, '$.parent_iid') AS parent_iid,
    payload
FROM resources WHERE kind = 'epic' AND deleted_at IS NULL;

-- Of the new kinds, what has a name of its own is searched, and not the ten thousandth job called "test".
DROP VIEW resources_texts;
CREATE VIEW resources_texts AS
SELECT
    id,
    title,
    -- Nobody writes more than this to be found by.
    CASE WHEN json_valid(payload) THEN substr(coalesce(
        json_extract(payload, '$.description'), json_extract(payload, '$.body'), json_extract(payload, '$.message'), ''
    ), 1, 200000) ELSE '' END AS body
FROM resources
WHERE deleted_at IS NULL AND kind NOT IN ('group', 'project', 'member', 'pipeline', 'pipeline_job', 'deployment', 'environment', 'pipeline_schedule', 'board')
    AND NOT (kind = 'note' AND json_valid(payload) AND coalesce(json_extract(payload, '$.system'), 0));
