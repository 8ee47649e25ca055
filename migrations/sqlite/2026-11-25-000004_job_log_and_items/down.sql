DROP TABLE job_items;
DROP INDEX job_messages_by_nr;
ALTER TABLE job_messages DROP COLUMN nr;
