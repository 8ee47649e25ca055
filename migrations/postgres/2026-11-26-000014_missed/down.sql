DROP TABLE missed;
