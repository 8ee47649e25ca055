//! Progress as weighted sub-operations.

use serde::{Deserialize, Serialize};

/// One named part of a job's work.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SubOperation {
    /// Name shown to people, unique within the job.
    pub name: String,
    /// Share of the whole, relative to the other parts. Not negative.
    pub weight: f64,
    /// Done so far, 0 to 1.
    pub done: f64,
    /// Things done, where they can be counted.
    pub count: Option<u64>,
    /// Things to do in all, where known.
    pub total: Option<u64>,
}

/// How far a job is: the weighted mean of its parts.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Progress {
    parts: Vec<SubOperation>,
}

impl Progress {
    /// Progress over these parts, `(name, weight)`.
    #[must_use]
    pub fn new(parts: &[(&str, f64)]) -> Self {
        let mut progress = Self::default();
        for (name, weight) in parts {
            progress.add(name, *weight);
        }
        progress
    }

    /// Adds a part that became known later. A part of that name that exists already stays as it is.
    pub fn add(&mut self, name: &str, weight: f64) {
        if !self.parts.iter().any(|part| part.name == name) {
            let weight = if weight.is_finite() { weight.max(0.0) } else { 0.0 };
            self.parts.push(SubOperation { name: name.to_owned(), weight, done: 0.0, count: None, total: None });
        }
    }

    /// Sets how much of a part is done. Never goes back; an unknown part is added with weight 1.
    pub fn set(&mut self, name: &str, done: f64) {
        self.add(name, 1.0);
        if let Some(part) = self.parts.iter_mut().find(|part| part.name == name)
            && done.is_finite()
        {
            part.done = part.done.max(done.clamp(0.0, 1.0));
        }
    }

    /// Sets a part by counts. An unknown total leaves the fraction as it is.
    pub fn set_counts(&mut self, name: &str, count: u64, total: Option<u64>) {
        self.add(name, 1.0);
        if let Some(part) = self.parts.iter_mut().find(|part| part.name == name) {
            part.count = Some(count);
            part.total = total.map(|total| total.max(count));
        }
        if let Some(total) = total {
            #[expect(clippy::cast_precision_loss, reason = "a share of a count needs no 53 bits")]
            self.set(name, if total == 0 { 1.0 } else { count as f64 / total as f64 });
        }
    }

    /// The parts, in the order in which they were added.
    #[must_use]
    pub fn parts(&self) -> &[SubOperation] {
        &self.parts
    }

    /// The whole, 0 to 1.
    #[must_use]
    pub fn value(&self) -> f64 {
        let weight: f64 = self.parts.iter().map(|part| part.weight).sum();
        if weight <= 0.0 {
            return 0.0;
        }
        let done: f64 = self.parts.iter().map(|part| part.weight * part.done).sum();
        (done / weight).clamp(0.0, 1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn weights_count() {
        let mut progress = Progress::new(&[("fetch", 0.7), ("check", 0.3)]);
        progress.set("fetch", 0.5);
        assert!((progress.value() - 0.35).abs() < 1e-9);
        progress.set("fetch", 0.2);
        assert!((progress.value() - 0.35).abs() < 1e-9, "never back");
        progress.set_counts("check", 3, Some(4));
        assert!((progress.value() - 0.575).abs() < 1e-9);
    }

    proptest! {
        #[test]
        fn any_numbers_stay_between_nothing_and_all(sets in proptest::collection::vec((0..4_usize, any::<f64>()), 0..30), weights in proptest::collection::vec(any::<f64>(), 4)) {
            let names = ["a", "b", "c", "d"];
            let parts: Vec<_> = names.into_iter().zip(weights.into_iter().map(|w| w % 1e6)).collect();
            let mut progress = Progress::new(&parts);
            let mut last = 0.0;
            for (i, done) in sets {
                progress.set(names[i], done);
                let value = progress.value();
                prop_assert!((0.0..=1.0).contains(&value) && value >= last - 1e-9, "{value} after {last}");
                last = value;
            }
        }
    }
}
