//! Seeded chance. Everything that the simulator chooses is chosen here, so one seed gives one forge.

use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};

/// A seeded source of choices.
#[derive(Debug)]
pub(crate) struct Dice(StdRng);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(StdRng::seed_from_u64(seed))
    }

    /// A number below `n`; 0 when `n` is 0.
    pub(crate) fn below(&mut self, n: usize) -> usize {
        if n == 0 { 0 } else { self.0.random_range(0..n) }
    }

    /// A number from `from` up to and including `to`.
    pub(crate) fn between(&mut self, from: i64, to: i64) -> i64 {
        self.0.random_range(from..=to)
    }

    pub(crate) fn chance(&mut self, probability: f64) -> bool {
        self.0.random_bool(probability.clamp(0.0, 1.0))
    }

    pub(crate) fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len())]
    }

    /// 0, 1, 2 … with `probability` to go on after each, at most `most`.
    pub(crate) fn run(&mut self, probability: f64, most: usize) -> usize {
        let mut n = 0;
        while n < most && self.chance(probability) {
            n += 1;
        }
        n
    }

    /// Up to `n` different numbers below `of`, in the order in which they came up.
    pub(crate) fn distinct(&mut self, n: usize, of: usize) -> Vec<usize> {
        let mut out = Vec::with_capacity(n);
        for _ in 0..n {
            let one = self.below(of);
            if of > 0 && !out.contains(&one) {
                out.push(one);
            }
        }
        out
    }

    /// A made-up commit id: 40 hexadecimal digits.
    pub(crate) fn sha(&mut self) -> String {
        let (a, b, c) = (self.0.random::<u64>(), self.0.random::<u64>(), self.0.random::<u32>());
        format!("{a:016x}{b:016x}{c:08x}")
    }
}
