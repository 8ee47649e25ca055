CREATE VIEW people AS SELECT
    instance_id,
    username,
    max(user_id) AS user_id,
    max(name) AS name,
    min(at) AS first_seen_at,
    max(at) AS last_seen_at,
    sum(CASE WHEN kind = 'issue' THEN 1 ELSE 0 END) AS issues,
    sum(CASE WHEN kind = 'merge_request' THEN 1 ELSE 0 END) AS merge_requests,
    sum(CASE WHEN kind = 'note' THEN 1 ELSE 0 END) AS notes,
    sum(CASE WHEN kind = 'member' THEN 1 ELSE 0 END) AS memberships
FROM (
    SELECT
        instance_id,
        kind,
        author AS username,
        created_at AS at,
        (payload::json #>> '{author,id}')::bigint AS user_id,
        payload::json #>> '{author,name}' AS name
    FROM resources
    WHERE kind IN ('issue', 'merge_request', 'note') AND author IS NOT NULL AND deleted_at IS NULL
    UNION ALL
    SELECT instance_id, kind, author, created_at, (payload::json ->> 'id')::bigint, title
    FROM resources
    WHERE kind = 'member' AND author IS NOT NULL AND deleted_at IS NULL
) AS seen
GROUP BY instance_id, username;
COMMENT ON VIEW people IS 'Whoever has opened, written or is a member of something, by username; first and last seen are times of what they made.';
