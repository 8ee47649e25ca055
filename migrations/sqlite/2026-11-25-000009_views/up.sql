-- When a pass last read everything, and not only what had changed; its number, and the account that read all of it. What is
-- gone is noticed by such passes: each object has the number of the pass that saw it last (resources.seen_generation).
ALTER TABLE sync_states ADD COLUMN full_at TIMESTAMP;
ALTER TABLE sync_states ADD COLUMN full_generation BIGINT;
ALTER TABLE sync_states ADD COLUMN full_reader BIGINT;
UPDATE sync_states SET full_at = completed_at;

-- A view for each kind of object, for whoever asks with SQL. id is the row, area_id the group or project (see the table
-- areas); an object that is gone in GitLab is not in them. Times are UTC.
-- Issues, with the fields that people ask for most; payload has all of them.
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
    json_extract(payload, '$.description') AS description,
    json_extract(payload, '$.due_date') AS due_date,
    json_extract(payload, '$.weight') AS weight,
    json_extract(payload, '$.milestone.title') AS milestone,
    json_extract(payload, '$.labels') AS labels,
    json_extract(payload, '$.assignees') AS assignees,
    payload
FROM resources WHERE kind = 'issue' AND deleted_at IS NULL;

-- Merge requests.
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
    json_extract(payload, '$.description') AS description,
    json_extract(payload, '$.draft') AS draft,
    json_extract(payload, '$.source_branch') AS source_branch,
    json_extract(payload, '$.target_branch') AS target_branch,
    json_extract(payload, '$.milestone.title') AS milestone,
    json_extract(payload, '$.labels') AS labels,
    json_extract(payload, '$.reviewers') AS reviewers,
    payload
FROM resources WHERE kind = 'merge_request' AND deleted_at IS NULL;

-- Comments and system notes; parent_kind and parent_id name the issue or merge request.
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
    json_extract(payload, '$.body') AS body,
    json_extract(payload, '$.system') AS system,
    json_extract(payload, '$.internal') AS internal,
    payload
FROM resources WHERE kind = 'note' AND deleted_at IS NULL;

-- Labels of projects.
CREATE VIEW labels AS SELECT
    id,
    instance_id,
    area_id,
    gitlab_id,
    title AS name,
    json_extract(payload, '$.color') AS color,
    json_extract(payload, '$.description') AS description,
    json_extract(payload, '$.priority') AS priority,
    payload
FROM resources WHERE kind = 'label' AND deleted_at IS NULL;

-- Milestones of projects.
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
    json_extract(payload, '$.description') AS description,
    json_extract(payload, '$.start_date') AS start_date,
    json_extract(payload, '$.due_date') AS due_date,
    payload
FROM resources WHERE kind = 'milestone' AND deleted_at IS NULL;

-- Who is a member of a group or project itself; access_level as GitLab counts it: 10 guest to 50 owner.
CREATE VIEW members AS SELECT
    id,
    instance_id,
    area_id,
    title AS name,
    author AS username,
    state,
    created_at,
    web_url,
    json_extract(payload, '$.id') AS user_id,
    json_extract(payload, '$.access_level') AS access_level,
    json_extract(payload, '$.expires_at') AS expires_at,
    payload
FROM resources WHERE kind = 'member' AND deleted_at IS NULL;

-- Branches, each as of its head.
CREATE VIEW branches AS SELECT
    id,
    instance_id,
    area_id,
    title AS name,
    created_at AS committed_at,
    web_url,
    json_extract(payload, '$.default') AS is_default,
    json_extract(payload, '$.protected') AS protected,
    json_extract(payload, '$.merged') AS merged,
    json_extract(payload, '$.commit.id') AS sha,
    payload
FROM resources WHERE kind = 'branch' AND deleted_at IS NULL;

-- Tags.
CREATE VIEW tags AS SELECT
    id,
    instance_id,
    area_id,
    title AS name,
    created_at,
    json_extract(payload, '$.message') AS message,
    json_extract(payload, '$.commit.id') AS sha,
    json_extract(payload, '$.protected') AS protected,
    payload
FROM resources WHERE kind = 'tag' AND deleted_at IS NULL;

-- Releases; created_at is the time of the release.
CREATE VIEW releases AS SELECT
    id,
    instance_id,
    area_id,
    title AS name,
    author,
    created_at AS released_at,
    web_url,
    json_extract(payload, '$.tag_name') AS tag_name,
    json_extract(payload, '$.description') AS description,
    json_extract(payload, '$.upcoming_release') AS upcoming,
    json_extract(payload, '$.commit.id') AS sha,
    payload
FROM resources WHERE kind = 'release' AND deleted_at IS NULL;

-- Commits; created_at is when it was written, updated_at when it was committed.
CREATE VIEW commits AS SELECT
    id,
    instance_id,
    area_id,
    title,
    author AS author_name,
    created_at AS authored_at,
    updated_at AS committed_at,
    web_url,
    json_extract(payload, '$.id') AS sha,
    json_extract(payload, '$.message') AS message,
    json_extract(payload, '$.author_email') AS author_email,
    json_extract(payload, '$.committer_name') AS committer_name,
    json_extract(payload, '$.parent_ids') AS parent_shas,
    payload
FROM resources WHERE kind = 'commit' AND deleted_at IS NULL;

-- CI pipelines.
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
    json_extract(payload, '$.sha') AS sha,
    json_extract(payload, '$.ref') AS ref,
    json_extract(payload, '$.source') AS source,
    payload
FROM resources WHERE kind = 'pipeline' AND deleted_at IS NULL;
