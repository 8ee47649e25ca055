DROP VIEW attachments;
DROP VIEW vulnerabilities;
DROP VIEW test_reports;
