-- What the tests of CI pipelines came to; pipeline_id is the pipeline's gitlab_id, suites is JSON.
CREATE VIEW test_reports AS SELECT
    id,
    instance_id,
    area_id,
    parent_id AS pipeline_id,
    state AS result,
    created_at,
    updated_at,
    closed_at AS finished_at,
    json_extract(payload, '$.count') AS tests,
    json_extract(payload, '$.success') AS passed,
    json_extract(payload, '$.failed') AS failed,
    json_extract(payload, '$.error') AS errors,
    json_extract(payload, '$.skipped') AS skipped,
    json_extract(payload, '$.seconds') AS seconds,
    json_extract(payload, '$.suite_error') AS suite_error,
    json_extract(payload, '$.suites') AS suites,
    payload
FROM resources WHERE kind = 'test_report' AND deleted_at IS NULL;

-- Weaknesses that scanners have found; closed_at is when one was resolved or dismissed, identifiers is JSON.
CREATE VIEW vulnerabilities AS SELECT
    id,
    instance_id,
    area_id,
    gitlab_id,
    title,
    state,
    created_at AS detected_at,
    updated_at,
    closed_at,
    web_url,
    json_extract(payload, '$.severity') AS severity,
    json_extract(payload, '$.report_type') AS report_type,
    json_extract(payload, '$.scanner.name') AS scanner,
    json_extract(payload, '$.dismissal_reason') AS dismissal_reason,
    json_extract(payload, '$.identifiers') AS identifiers,
    json_extract(payload, '$.description') AS description,
    json_extract(payload, '$.solution') AS solution,
    payload
FROM resources WHERE kind = 'vulnerability' AND deleted_at IS NULL;

-- Files that were put into texts, by name; size is in bytes.
CREATE VIEW attachments AS SELECT
    id,
    instance_id,
    area_id,
    gitlab_id,
    title AS filename,
    author,
    created_at,
    json_extract(payload, '$.size') AS size,
    payload
FROM resources WHERE kind = 'attachment' AND deleted_at IS NULL;
