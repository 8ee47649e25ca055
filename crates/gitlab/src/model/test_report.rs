use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// What the tests of a pipeline came to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TestReport {
    /// GitLab's id of the pipeline, which has one report at most.
    pub pipeline_id: i64,
    /// Number of the pipeline within the project.
    pub pipeline_iid: i64,
    /// When the pipeline was made.
    pub created_at: DateTime<Utc>,
    /// When the pipeline changed last.
    pub updated_at: DateTime<Utc>,
    /// When the pipeline ended.
    pub finished_at: Option<DateTime<Utc>>,
    /// All suites together.
    #[serde(flatten)]
    pub total: TestFigures,
    /// The suites, one for each job that reports tests.
    pub suites: Vec<TestSuite>,
    /// Whether there are more suites than came.
    pub truncated: bool,
}

/// How many tests there were, and how they ended.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct TestFigures {
    /// All of them.
    pub count: i64,
    /// Passed.
    pub success: i64,
    /// Did not hold.
    pub failed: i64,
    /// Could not be run to their end.
    pub error: i64,
    /// Not run.
    pub skipped: i64,
    /// How long they took. Seconds.
    pub seconds: f64,
    /// Why GitLab could not read the report.
    pub suite_error: Option<String>,
}

/// A suite of tests.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TestSuite {
    /// Its name, mostly that of a job.
    pub name: Option<String>,
    /// What it came to.
    #[serde(flatten)]
    pub figures: TestFigures,
}
