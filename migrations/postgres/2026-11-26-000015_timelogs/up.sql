CREATE VIEW timelogs AS SELECT
    id,
    instance_id,
    area_id,
    gitlab_id,
    parent_kind,
    parent_id,
    author,
    confidential,
    created_at AS spent_at,
    (payload::json ->> 'time_spent')::bigint AS seconds,
    payload::json ->> 'summary' AS summary,
    payload
FROM resources WHERE kind = 'timelog' AND deleted_at IS NULL;
COMMENT ON VIEW timelogs IS 'Time that people have logged; parent_kind and parent_id name the issue or merge request.';

-- It comes with issues and merge requests, of which those that have not changed would not be read again: so the next pass
-- that is about everything reads everything.
UPDATE sync_states SET incomplete = 'time that was logged before the last upgrade is read with the next pass over everything'
WHERE kind IN ('issues', 'merge_requests') AND full_at IS NOT NULL AND incomplete IS NULL;
