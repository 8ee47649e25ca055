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
WHERE deleted_at IS NULL AND kind NOT IN ('group', 'project', 'member', 'pipeline')
    AND NOT (kind = 'note' AND json_valid(payload) AND coalesce(json_extract(payload, '$.system'), 0));

DROP VIEW epics;
DROP VIEW iterations;
DROP VIEW boards;
DROP VIEW container_repositories;
DROP VIEW packages;
DROP VIEW wiki_pages;
DROP VIEW snippets;
DROP VIEW pipeline_schedules;
DROP VIEW environments;
DROP VIEW deployments;
DROP VIEW pipeline_jobs;
