//! Rounds of a test that plays dice, each of which can be played again.

use super::{System, eventually};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use std::env;

/// A round's seed. Says how to see a failure again.
pub(crate) struct Round {
    pub(crate) seed: u64,
    test: &'static str,
}

impl Round {
    /// `TRAWL_TEST_ROUNDS` says how many, instead of `usual`; `TRAWL_TEST_SEED` plays one again.
    pub(crate) fn all(test: &'static str, usual: u64) -> Vec<Self> {
        let seeds = match number("TRAWL_TEST_SEED") {
            Some(seed) => vec![seed],
            None => (0..number("TRAWL_TEST_ROUNDS").unwrap_or(usual)).map(|_| rand::random()).collect(),
        };
        seeds.into_iter().map(|seed| Self { seed, test }).collect()
    }
}

impl Drop for Round {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let Self { seed, test } = self;
            eprintln!("this round again: TRAWL_TEST_SEED={seed} scripts/test -- -p trawl-tests {test}");
        }
    }
}

fn number(variable: &str) -> Option<u64> {
    env::var(variable).ok().map(|text| text.parse().unwrap_or_else(|error| panic!("{variable}={text}: {error}")))
}

/// Kills these processes at once, as soon as each of them lives.
pub(crate) async fn strike(system: &System, names: &[&str]) {
    let mut pids = Vec::new();
    for name in names {
        let look = async || system.process(name)?["pid"].as_i64();
        pids.push(i32::try_from(eventually(&format!("{name} lives"), look).await).unwrap());
    }
    for pid in pids {
        // It may have ended by itself because the other one was killed.
        kill(Pid::from_raw(pid), Signal::SIGKILL).ok();
    }
}
