-- When a pass last read everything, and not only what had changed; its number, and the account that read all of it. What is
-- gone is noticed by such passes: each object has the number of the pass that saw it last (resources.seen_generation).
ALTER TABLE sync_states ADD COLUMN full_at TIMESTAMP;
ALTER TABLE sync_states ADD COLUMN full_generation BIGINT;
ALTER TABLE sync_states ADD COLUMN full_reader BIGINT;
UPDATE sync_states SET full_at = completed_at;

-- A view for each kind of object, for whoever asks with SQL. id is the row, area_id the group or project (see the table
-- areas); an object that is gone in GitLab is not in them. Times are UTC.
CREATE VIEW issues AS SELECT
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
    payload::json ->> 'due_date' AS due_date,
    (payload::json ->> 'weight')::bigint AS weight,
    payload::json -> 'milestone' ->> 'title' AS milestone,
    payload::json -> 'labels' AS labels,
    payload::json -> 'assignees' AS assignees,
    payload
FROM resources WHERE kind = 'issue' AND deleted_at IS NULL;
COMMENT ON VIEW issues IS 'Issues, with the fields that people ask for most; payload has all of them.';

CREATE VIEW merge_requests AS SELECT
    id,
    instance_id,
    area_id,
    gitlab_id,
    iid,
    title,
    state,
    author,
    created_at,
    updated_at,
    closed_at,
    merged_at,
    web_url,
    payload::json ->> 'description' AS description,
    (payload::json ->> 'draft')::boolean AS draft,
    payload::json ->> 'source_branch' AS source_branch,
    payload::json ->> 'target_branch' AS target_branch,
    payload::json -> 'milestone' ->> 'title' AS milestone,
    payload::json -> 'labels' AS labels,
    payload::json -> 'reviewers' AS reviewers,
    payload
FROM resources WHERE kind = 'merge_request' AND deleted_at IS NULL;
COMMENT ON VIEW merge_requests IS 'Merge requests.';

CREATE VIEW notes AS SELECT
    id,
    instance_id,
    area_id,
    gitlab_id,
    parent_kind,
    parent_id,
    author,
    confidential,
    created_at,
    updated_at,
    web_url,
    payload::json ->> 'body' AS body,
    (payload::json ->> 'system')::boolean AS system,
    (payload::json ->> 'internal')::boolean AS internal,
    payload
FROM resources WHERE kind = 'note' AND deleted_at IS NULL;
COMMENT ON VIEW notes IS 'Comments and system notes; parent_kind and parent_id name the issue or merge request.';

CREATE VIEW labels AS SELECT
    id,
    instance_id,
    area_id,
    gitlab_id,
    title AS name,
    payload::json ->> 'color' AS color,
    payload::json ->> 'description' AS description,
    (payload::json ->> 'priority')::bigint AS priority,
    payload
FROM resources WHERE kind = 'label' AND deleted_at IS NULL;
COMMENT ON VIEW labels IS 'Labels of projects.';

CREATE VIEW milestones AS SELECT
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
    payload::json ->> 'description' AS description,
    payload::json ->> 'start_date' AS start_date,
    payload::json ->> 'due_date' AS due_date,
    payload
FROM resources WHERE kind = 'milestone' AND deleted_at IS NULL;
COMMENT ON VIEW milestones IS 'Milestones of projects.';

CREATE VIEW members AS SELECT
    id,
    instance_id,
    area_id,
    title AS name,
    author AS username,
    state,
    created_at,
    web_url,
    (payload::json ->> 'id')::bigint AS user_id,
    (payload::json ->> 'access_level')::bigint AS access_level,
    payload::json ->> 'expires_at' AS expires_at,
    payload
FROM resources WHERE kind = 'member' AND deleted_at IS NULL;
COMMENT ON VIEW members IS 'Who is a member of a group or project itself; access_level as GitLab counts it: 10 guest to 50 owner.';

CREATE VIEW branches AS SELECT
    id,
    instance_id,
    area_id,
    title AS name,
    created_at AS committed_at,
    web_url,
    (payload::json ->> 'default')::boolean AS is_default,
    (payload::json ->> 'protected')::boolean AS protected,
    (payload::json ->> 'merged')::boolean AS merged,
    payload::json -> 'commit' ->> 'id' AS sha,
    payload
FROM resources WHERE kind = 'branch' AND deleted_at IS NULL;
COMMENT ON VIEW branches IS 'Branches, each as of its head.';

CREATE VIEW tags AS SELECT
    id,
    instance_id,
    area_id,
    title AS name,
    created_at,
    payload::json ->> 'message' AS message,
    payload::json -> 'commit' ->> 'id' AS sha,
    (payload::json ->> 'protected')::boolean AS protected,
    payload
FROM resources WHERE kind = 'tag' AND deleted_at IS NULL;
COMMENT ON VIEW tags IS 'Tags.';

CREATE VIEW releases AS SELECT
    id,
    instance_id,
    area_id,
    title AS name,
    author,
    created_at AS released_at,
    web_url,
    payload::json ->> 'tag_name' AS tag_name,
    payload::json ->> 'description' AS description,
    (payload::json ->> 'upcoming_release')::boolean AS upcoming,
    payload::json -> 'commit' ->> 'id' AS sha,
    payload
FROM resources WHERE kind = 'release' AND deleted_at IS NULL;
COMMENT ON VIEW releases IS 'Releases; created_at is the time of the release.';

CREATE VIEW commits AS SELECT
    id,
    instance_id,
    area_id,
    title,
    author AS author_name,
    created_at AS authored_at,
    updated_at AS committed_at,
    web_url,
    payload::json ->> 'id' AS sha,
    payload::json ->> 'message' AS message,
    payload::json ->> 'author_email' AS author_email,
    payload::json ->> 'committer_name' AS committer_name,
    payload::json -> 'parent_ids' AS parent_shas,
    payload
FROM resources WHERE kind = 'commit' AND deleted_at IS NULL;
COMMENT ON VIEW commits IS 'Commits; created_at is when it was written, updated_at when it was committed.';

CREATE VIEW pipelines AS SELECT
    id,
    instance_id,
    area_id,
    gitlab_id,
    iid,
    state AS status,
    created_at,
    updated_at,
    web_url,
    payload::json ->> 'sha' AS sha,
    payload::json ->> 'ref' AS ref,
    payload::json ->> 'source' AS source,
    payload
FROM resources WHERE kind = 'pipeline' AND deleted_at IS NULL;
COMMENT ON VIEW pipelines IS 'CI pipelines.';
