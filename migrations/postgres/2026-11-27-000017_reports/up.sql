CREATE VIEW test_reports AS SELECT
    id,
    instance_id,
    area_id,
    parent_id AS pipeline_id,
    state AS result,
    created_at,
    updated_at,
    closed_at AS finished_at,
    (payload::json ->> 'count')::bigint AS tests,
    (payload::json ->> 'success')::bigint AS passed,
    (payload::json ->> 'failed')::bigint AS failed,
    (payload::json ->> 'error')::bigint AS errors,
    (payload::json ->> 'skipped')::bigint AS skipped,
    (payload::json ->> 'seconds')::double precision AS seconds,
    payload::json ->> 'suite_error' AS suite_error,
    payload::json ->> 'suites' AS suites,
    payload
FROM resources WHERE kind = 'test_report' AND deleted_at IS NULL;
COMMENT ON VIEW test_reports IS 'What the tests of CI pipelines came to; pipeline_id is the pipeline''s gitlab_id, suites is JSON.';

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
    payload::json ->> 'severity' AS severity,
    payload::json ->> 'report_type' AS report_type,
    payload::json -> 'scanner' ->> 'name' AS scanner,
    payload::json ->> 'dismissal_reason' AS dismissal_reason,
    payload::json ->> 'identifiers' AS identifiers,
    payload::json ->> 'description' AS description,
    payload::json ->> 'solution' AS solution,
    payload
FROM resources WHERE kind = 'vulnerability' AND deleted_at IS NULL;
COMMENT ON VIEW vulnerabilities IS 'Weaknesses that scanners have found; closed_at is when one was resolved or dismissed, identifiers is JSON.';

CREATE VIEW attachments AS SELECT
    id,
    instance_id,
    area_id,
    gitlab_id,
    title AS filename,
    author,
    created_at,
    (payload::json ->> 'size')::bigint AS size,
    payload
FROM resources WHERE kind = 'attachment' AND deleted_at IS NULL;
COMMENT ON VIEW attachments IS 'Files that were put into texts, by name; size is in bytes.';
