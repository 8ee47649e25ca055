DROP TABLE resources_terms;
CREATE INDEX areas_by_path ON areas (instance_id, full_path);
DROP INDEX resources_by_parent;
CREATE INDEX resources_by_parent ON resources (instance_id, parent_kind, parent_id);
