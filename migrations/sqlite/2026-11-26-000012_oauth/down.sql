ALTER TABLE accounts DROP COLUMN renewing_until;
ALTER TABLE accounts DROP COLUMN renew_at;
ALTER TABLE accounts DROP COLUMN renewed_at;
ALTER TABLE accounts DROP COLUMN scopes;
ALTER TABLE accounts DROP COLUMN expires_at;
ALTER TABLE accounts DROP COLUMN refresh_cipher;
DROP TABLE oauth_sign_ins;
DROP TABLE master_key;
DROP TABLE oauth_applications;
