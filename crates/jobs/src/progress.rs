//! Progress as weighted sub-operations, which may have sub-operations of their own.

use crate::text::clip;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// More parts than this are not told apart: no person reads them, and each report carries them all.
pub const MAX_PARTS: usize = 500;
/// Parts lie in at most so many others.
const MAX_DEPTH: u8 = 8;
/// Longest name of a part, in bytes.
const MAX_NAME: usize = 200;

/// One named part of a job's work.
#[derive(Debug, Clone, PartialEq)]
pub struct SubOperation {
    /// Name shown to people, unique within the parts around it.
    pub name: String,
    /// Share of the whole, relative to the other parts. Not negative.
    pub weight: f64,
    /// Done so far, 0 to 1, where it has no parts of its own.
    done: f64,
    /// Things done, where they can be counted.
    pub count: Option<u64>,
    /// Things to do in all, where known.
    pub total: Option<u64>,
    /// When something was first heard of it.
    began: Option<DateTime<Utc>>,
    /// When it was first called done.
    ended: Option<DateTime<Utc>>,
    /// What it consists of.
    pub parts: Vec<SubOperation>,
}

impl SubOperation {
    fn new(name: &str, weight: f64) -> Self {
        let weight = if weight.is_finite() { weight.max(0.0) } else { 0.0 };
        let name = name.to_owned();
        Self { name, weight, done: 0.0, count: None, total: None, began: None, ended: None, parts: Vec::new() }
    }

    /// Done so far, 0 to 1. A part that was called done stays so, whatever becomes known of its own parts.
    #[must_use]
    pub fn value(&self) -> f64 {
        mean(&self.parts).unwrap_or_default().max(self.done)
    }

    /// When something was first heard of it, or of one of its parts.
    #[must_use]
    pub fn began(&self) -> Option<DateTime<Utc>> {
        self.parts.iter().filter_map(Self::began).chain(self.began).min()
    }

    /// When it was done, or the last of its parts; none while it is not.
    #[must_use]
    pub fn ended(&self) -> Option<DateTime<Utc>> {
        if self.value() < 1.0 {
            return None;
        }
        self.ended.or_else(|| self.parts.iter().filter_map(Self::ended).max())
    }
}

/// The weighted mean of parts; none where nothing has a weight.
fn mean(parts: &[SubOperation]) -> Option<f64> {
    let weight: f64 = parts.iter().map(|part| part.weight).sum();
    let done: f64 = parts.iter().map(|part| part.weight * part.value()).sum();
    (weight > 0.0).then(|| (done / weight).clamp(0.0, 1.0))
}

fn count(parts: &[SubOperation]) -> usize {
    parts.iter().map(|part| 1 + count(&part.parts)).sum()
}

/// A part as it is sent and stored: in a plain list, each after the part that it lies in. So nothing that comes from
/// outside can nest deeper than there is stack.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct FlatPart {
    name: String,
    weight: f64,
    done: f64,
    count: Option<u64>,
    total: Option<u64>,
    /// How many parts it lies in.
    #[serde(default)]
    depth: u8,
    #[serde(default)]
    began: Option<DateTime<Utc>>,
    #[serde(default)]
    ended: Option<DateTime<Utc>>,
}

fn flatten(parts: Vec<SubOperation>, depth: u8, flat: &mut Vec<FlatPart>) {
    for SubOperation { name, weight, done, count, total, began, ended, parts } in parts {
        flat.push(FlatPart { name, weight, done, count, total, depth, began, ended });
        flatten(parts, depth + 1, flat);
    }
}

impl From<Progress> for Vec<FlatPart> {
    fn from(progress: Progress) -> Self {
        let mut flat = Self::new();
        flatten(progress.parts, 0, &mut flat);
        flat
    }
}

impl From<Vec<FlatPart>> for Progress {
    fn from(flat: Vec<FlatPart>) -> Self {
        let mut progress = Self::default();
        for FlatPart { name, weight, done, count, total, depth, began, ended } in flat.into_iter().take(MAX_PARTS) {
            let mut parts = &mut progress.parts;
            for _ in 0..depth.min(MAX_DEPTH) {
                if parts.is_empty() {
                    break;
                }
                let last = parts.len() - 1;
                parts = &mut parts[last].parts;
            }
            parts.push(SubOperation { name, weight, done, count, total, began, ended, parts: Vec::new() });
        }
        progress
    }
}

/// How far a job is: the weighted mean of its parts.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(from = "Vec<FlatPart>", into = "Vec<FlatPart>")]
pub struct Progress {
    parts: Vec<SubOperation>,
}

impl Progress {
    /// Progress over these parts, `(name, weight)`.
    #[must_use]
    pub fn new(parts: &[(&str, f64)]) -> Self {
        let mut progress = Self::default();
        for (name, weight) in parts {
            progress.add(&[name], *weight);
        }
        progress
    }

    /// Adds a part that became known later; `path` names the parts that it lies in, outermost first, and then itself.
    /// What exists already stays as it is. Beyond [`MAX_PARTS`] nothing is added.
    pub fn add(&mut self, path: &[&str], weight: f64) {
        let mut room = MAX_PARTS.saturating_sub(count(&self.parts));
        let mut parts = &mut self.parts;
        for (depth, name) in path.iter().take(usize::from(MAX_DEPTH) + 1).enumerate() {
            let name = clip(name, MAX_NAME);
            let index = match parts.iter().position(|part| part.name == name) {
                Some(index) => index,
                None if room == 0 => return,
                None => {
                    room -= 1;
                    let weight = if depth + 1 == path.len() { weight } else { 1.0 };
                    parts.push(SubOperation::new(&name, weight));
                    parts.len() - 1
                }
            };
            parts = &mut parts[index].parts;
        }
    }

    /// Sets how much of a part is done, at this time. Never goes back; an unknown part is added with weight 1.
    pub fn set(&mut self, path: &[&str], done: f64, at: DateTime<Utc>) {
        if let Some(part) = self.part(path)
            && done.is_finite()
        {
            part.done = part.done.max(done.clamp(0.0, 1.0));
            part.began.get_or_insert(at);
            if part.done >= 1.0 {
                part.ended.get_or_insert(at);
            }
        }
    }

    /// Sets a part by counts. An unknown total leaves the fraction as it is.
    pub fn set_counts(&mut self, path: &[&str], count: u64, total: Option<u64>, at: DateTime<Utc>) {
        if let Some(part) = self.part(path) {
            part.began.get_or_insert(at);
            part.count = Some(count);
            part.total = total.map(|total| total.max(count));
        }
        if let Some(total) = total {
            #[expect(clippy::cast_precision_loss, reason = "a share of a count needs no 53 bits")]
            self.set(path, if total == 0 { 1.0 } else { count as f64 / total as f64 }, at);
        }
    }

    /// The outermost parts, in the order in which they were added.
    #[must_use]
    pub fn parts(&self) -> &[SubOperation] {
        &self.parts
    }

    /// The whole, 0 to 1.
    #[must_use]
    pub fn value(&self) -> f64 {
        mean(&self.parts).unwrap_or_default()
    }

    fn part(&mut self, path: &[&str]) -> Option<&mut SubOperation> {
        self.add(path, 1.0);
        let (last, parents) = path.get(..path.len().min(usize::from(MAX_DEPTH) + 1))?.split_last()?;
        let mut parts = &mut self.parts;
        for name in parents {
            let name = clip(name, MAX_NAME);
            parts = &mut parts.iter_mut().find(|part| part.name == name)?.parts;
        }
        let name = clip(last, MAX_NAME);
        parts.iter_mut().find(|part| part.name == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(second: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(second, 0).unwrap()
    }

    #[test]
    fn a_part_lasts_from_the_first_word_to_the_last() {
        let mut progress = Progress::new(&[("projects", 1.0), ("people", 1.0)]);
        progress.set_counts(&["projects", "infra"], 0, Some(2), at(3));
        progress.set(&["projects", "shop"], 1.0, at(5));
        let span = |progress: &Progress, i: usize| (progress.parts()[i].began(), progress.parts()[i].ended());
        assert_eq!((span(&progress, 0), span(&progress, 1)), ((Some(at(3)), None), (None, None)));
        progress.set_counts(&["projects", "infra"], 2, Some(2), at(8));
        progress.set(&["projects", "infra"], 1.0, at(9));
        progress.set(&["projects", "shop"], 1.0, at(9));
        assert_eq!(span(&progress, 0), (Some(at(3)), Some(at(8))));
    }

    #[test]
    fn weights_count() {
        let mut progress = Progress::new(&[("fetch", 0.7), ("check", 0.3)]);
        progress.set(&["fetch"], 0.5, at(0));
        assert!((progress.value() - 0.35).abs() < 1e-9);
        progress.set(&["fetch"], 0.2, at(0));
        assert!((progress.value() - 0.35).abs() < 1e-9, "never back");
        progress.set_counts(&["check"], 3, Some(4), at(0));
        assert!((progress.value() - 0.575).abs() < 1e-9);
    }

    #[test]
    fn a_part_is_as_far_as_its_own_parts() {
        let mut progress = Progress::new(&[("projects", 3.0), ("people", 1.0)]);
        progress.add(&["projects", "infra/gateway"], 2.0);
        progress.add(&["projects", "infra/router"], 2.0);
        progress.set(&["projects", "infra/gateway"], 1.0, at(0));
        assert!((progress.value() - 0.375).abs() < 1e-9);
        progress.set(&["projects"], 1.0, at(0));
        assert!((progress.value() - 0.75).abs() < 1e-9);
    }

    #[test]
    fn the_number_of_parts_is_bounded() {
        let mut progress = Progress::default();
        for number in 0..2 * MAX_PARTS {
            progress.set(&["all", &number.to_string()], 1.0, at(0));
        }
        assert_eq!(count(progress.parts()), MAX_PARTS);
    }

    #[test]
    fn parts_are_read_back_in_their_places() {
        let mut progress = Progress::new(&[("a", 1.0), ("b", 2.0)]);
        progress.set(&["a", "inner", "innermost"], 0.5, at(0));
        progress.set_counts(&["b", "inner"], 3, Some(4), at(0));
        let text = serde_json::to_string(&progress).unwrap();
        assert_eq!(serde_json::from_str::<Progress>(&text).unwrap(), progress);
        let deep: Vec<_> = (0..300)
            .map(|depth| {
                format!(r#"{{"name":"x","weight":1.0,"done":0.0,"count":null,"total":null,"depth":{}}}"#, depth % 256)
            })
            .collect();
        assert!(serde_json::from_str::<Progress>(&format!("[{}]", deep.join(","))).is_ok());
    }

    #[test]
    fn progress_of_an_older_version_is_read() {
        let old = r#"[{"name":"issues","weight":1.0,"done":0.25,"count":3,"total":12}]"#;
        let progress: Progress = serde_json::from_str(old).unwrap();
        assert!((progress.value() - 0.25).abs() < 1e-9);
    }

    proptest! {
        #[test]
        fn any_numbers_stay_between_nothing_and_all(
            sets in proptest::collection::vec((0..4_usize, 0..3_usize, any::<f64>()), 0..30),
            weights in proptest::collection::vec(any::<f64>(), 4),
        ) {
            let names = ["a", "b", "c", "d"];
            let parts: Vec<_> = names.into_iter().zip(weights.into_iter().map(|w| w % 1e6)).collect();
            let mut progress = Progress::new(&parts);
            for name in names {
                progress.add(&[name, "a"], 1.0);
                progress.add(&[name, "b"], 2.0);
            }
            let mut last = 0.0;
            for (i, inner, done) in sets {
                match inner {
                    0 => progress.set(&[names[i]], done, at(0)),
                    inner => progress.set(&[names[i], names[inner - 1]], done, at(0)),
                }
                let value = progress.value();
                prop_assert!((0.0..=1.0).contains(&value) && value >= last - 1e-9, "{value} after {last}");
                last = value;
            }
        }
    }
}
