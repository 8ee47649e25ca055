//! Titles, descriptions and notes.

use std::{fmt::Write as _, sync::Arc};

use super::{
    dice::Dice,
    model::Kind,
    words::{DEEDS, HOSTILE, PARTS, REMARKS, SENTENCES, SYMPTOMS, SYSTEM, WISHES},
};

/// One text in this many is hostile.
const HOSTILE_ONE_IN: usize = 100;

fn hostile(dice: &mut Dice) -> Option<String> {
    (dice.below(HOSTILE_ONE_IN) == 0)
        .then(|| if dice.chance(0.1) { "w".repeat(240) } else { (*dice.pick(HOSTILE)).to_owned() })
}

pub(crate) fn title(kind: Kind, dice: &mut Dice) -> String {
    if let Some(text) = hostile(dice) {
        return text;
    }
    let part = *dice.pick(PARTS);
    match kind {
        Kind::Issue if dice.chance(0.6) => format!("{part} {}", dice.pick(SYMPTOMS)),
        Kind::Issue => format!("{} {}", dice.pick(WISHES), inside(part)),
        Kind::MergeRequest => format!("{} {}", dice.pick(DEEDS), inside(part)),
    }
}

/// A part's name within a sentence: "TLS handshake" keeps its capitals.
fn inside(part: &str) -> String {
    let first = part.split(' ').next().unwrap_or(part);
    if first.chars().all(char::is_uppercase) { part.to_owned() } else { part.to_lowercase() }
}

pub(crate) fn description(kind: Kind, dice: &mut Dice) -> String {
    if dice.chance(0.06) {
        return String::new();
    }
    if let Some(text) = hostile(dice) {
        return format!("## Summary\n\n{text}\n\n```html\n{text}\n```\n");
    }
    let mut out = sentences(dice, 4);
    match kind {
        Kind::Issue => {
            if dice.chance(0.5) {
                out.push_str("\n\n## Steps to reproduce\n\n");
                for (n, step) in ["Sign in", "Open the page", "Wait"].iter().enumerate() {
                    let _ = writeln!(out, "{}. {step}", n + 1);
                }
                let _ = write!(out, "\n**Expected:** no error\n\n**Seen:** {}\n", dice.pick(SYMPTOMS));
            }
            if dice.chance(0.2) {
                out.push_str("\n- [x] reproduced\n- [ ] test written\n- [ ] fixed\n");
            }
        }
        Kind::MergeRequest => {
            let _ =
                write!(out, "\n\nCloses #{}\n\n### Checklist\n\n- [x] tests\n- [ ] changelog\n", 1 + dice.below(40));
        }
    }
    if dice.chance(0.15) {
        out.push_str("\n```\nERROR worker: connection reset by peer (os error 104)\n```\n");
    }
    if dice.chance(0.1) {
        out.push_str(
            "\n| region | p50 | p99 |\n| --- | --- | --- |\n| eu | 12 ms | 80 ms |\n| us | 14 ms | 310 ms |\n",
        );
    }
    out
}

fn sentences(dice: &mut Dice, most: usize) -> String {
    let n = 1 + dice.below(most);
    let mut out = String::new();
    for at in dice.distinct(n, SENTENCES.len()) {
        if !out.is_empty() {
            out.push(' ');
        }
        out.push_str(SENTENCES[at]);
    }
    out
}

/// Note texts that are the same share one allocation.
pub(crate) struct Remarks {
    plain: Vec<Arc<str>>,
    system: Vec<Arc<str>>,
}

impl Remarks {
    pub(crate) fn new() -> Self {
        let share = |texts: &[&str]| texts.iter().map(|&one| Arc::from(one)).collect();
        Self { plain: share(REMARKS), system: share(SYSTEM) }
    }

    pub(crate) fn system(&self, dice: &mut Dice) -> Arc<str> {
        dice.pick(&self.system).clone()
    }

    pub(crate) fn comment(&self, dice: &mut Dice) -> Arc<str> {
        if let Some(text) = hostile(dice) {
            return Arc::from(text);
        }
        if dice.chance(0.25) {
            return Arc::from(format!("{}\n\n{}", dice.pick(REMARKS), sentences(dice, 3)));
        }
        dice.pick(&self.plain).clone()
    }
}

/// A branch name made from a title: letters, digits and dashes only.
pub(crate) fn branch(iid: u64, title: &str) -> String {
    let mut out = format!("{iid}-");
    for c in title.chars().take(40) {
        if c.is_ascii_alphanumeric() {
            out.push(c.to_ascii_lowercase());
        } else if !out.ends_with('-') {
            out.push('-');
        }
    }
    out.trim_end_matches('-').to_owned()
}
