//! Guessing passwords is slow.

use crate::token;
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter, clock::Clock as _};
use std::{num::NonZeroU32, sync::Arc, time::Duration};

/// Attempts a minute that one address, and one name, may make.
const PER_MINUTE: NonZeroU32 = NonZeroU32::new(10).expect("ten is not zero");

/// Cheap to clone.
#[derive(Debug, Clone)]
pub struct Throttle(Arc<DefaultKeyedRateLimiter<String>>);

impl Default for Throttle {
    fn default() -> Self {
        Self(Arc::new(RateLimiter::keyed(Quota::per_minute(PER_MINUTE))))
    }
}

/// What a sign-in counts under: its address and its name. The name as a hash, so that neither spaces around it nor its
/// length matter.
#[must_use]
pub fn sign_in_keys(address: &str, name: &str) -> [String; 2] {
    [format!("address {address}"), format!("name {}", token::hash(name.trim()))]
}

impl Throttle {
    /// Counts an attempt under each of these keys.
    ///
    /// # Errors
    /// How long to wait, where one of them has made too many.
    pub fn attempt(&self, keys: &[String]) -> Result<(), Duration> {
        // Keys that have been quiet for a while are as good as new.
        if self.0.len() > 10_000 {
            self.0.retain_recent();
        }
        for key in keys {
            self.0
                .check_key(key)
                .map_err(|denied| denied.wait_time_from(governor::clock::DefaultClock::default().now()))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spaces_make_no_other_name() {
        let throttle = Throttle::default();
        let attempt = |i: u32, name: &str| throttle.attempt(&sign_in_keys(&format!("192.0.2.{i}"), name));
        for i in 0..PER_MINUTE.get() {
            assert_eq!(attempt(i, &format!("maria{}", " ".repeat(usize::try_from(i).unwrap()))), Ok(()));
        }
        assert!(attempt(100, " maria").is_err());
        assert_eq!(attempt(101, "otto"), Ok(()));
        assert_eq!(sign_in_keys("", &"x".repeat(100_000))[1].len(), "name ".len() + 64);
    }
}
