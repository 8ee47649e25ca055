ALTER TABLE sync_states DROP COLUMN access_level;
ALTER TABLE sync_states DROP COLUMN failure;
