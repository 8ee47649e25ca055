//! What benchmarks have in common: how often they run, and how they tell.

use serde_json::json;

/// What a figure is compared with: its name, and its value in the same unit.
pub(crate) type Baseline<'a> = (&'a str, f64);

/// Runs that are counted, unless `TRAWL_BENCH_RUNS` says otherwise; the figures are medians.
pub(crate) fn runs() -> usize {
    std::env::var("TRAWL_BENCH_RUNS").ok().and_then(|runs| runs.parse().ok()).unwrap_or(5)
}

pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// The value that a hundredth of these exceed.
pub(crate) fn p99(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() * 99 / 100]
}

/// One line on standard output, about so many runs.
pub(crate) fn print(bench: &str, metric: &str, unit: &str, value: f64, runs: usize, baseline: Option<Baseline<'_>>) {
    let mut line = json!({"bench": bench, "metric": metric, "value": round(value), "unit": unit, "runs": runs});
    if let Some((name, value_of)) = baseline {
        line["baseline"] = name.into();
        line["baseline_value"] = round(value_of).into();
        line["ratio"] = round(value / value_of).into();
    }
    println!("{line}");
}

/// Four digits are more than the machine can promise.
fn round(value: f64) -> f64 {
    (value * 10_000.0).round() / 10_000.0
}
