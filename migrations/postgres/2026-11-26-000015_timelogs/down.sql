DROP VIEW timelogs;
