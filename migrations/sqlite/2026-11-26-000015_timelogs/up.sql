-- Time that people have logged; parent_kind and parent_id name the issue or merge request.
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
    json_extract(payload, '$.time_spent') AS seconds,
    json_extract(payload, '$.summary') AS summary,
    payload
FROM resources WHERE kind = 'timelog' AND deleted_at IS NULL;
