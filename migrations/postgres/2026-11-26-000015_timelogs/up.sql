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
