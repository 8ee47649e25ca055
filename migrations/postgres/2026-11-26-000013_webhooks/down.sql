DROP INDEX sync_states_wanted;
ALTER TABLE sync_states DROP COLUMN wanted_at;
DROP TABLE webhooks;
