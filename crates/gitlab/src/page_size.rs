/// How many items to ask for: halved when the instance cannot keep up, grown back slowly.
///
/// Shrink when [`Error::wants_smaller_page`](crate::Error::wants_smaller_page) says so, grow after each page that came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PageSize {
    current: u32,
    max: u32,
}

impl PageSize {
    /// Starts at `max` items (at least one, at most GitLab's 100).
    #[must_use]
    pub fn new(max: u32) -> Self {
        let max = max.clamp(1, 100);
        Self { current: max, max }
    }

    /// Items to ask for now.
    #[must_use]
    pub fn current(self) -> u32 {
        self.current
    }

    /// Items to ask for at best.
    #[must_use]
    pub fn max(self) -> u32 {
        self.max
    }

    /// Halves the page. `false` when it was one item already: a smaller page cannot help.
    pub fn shrink(&mut self) -> bool {
        let smaller = (self.current / 2).max(1);
        let shrunk = smaller < self.current;
        self.current = smaller;
        shrunk
    }

    /// Grows the page by a tenth of the maximum, at least by one item.
    pub fn grow(&mut self) {
        let step = (self.max / 10).max(1);
        self.current = self.max.min(self.current + step);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::PageSize;

    #[test]
    fn halves_down_to_one_and_says_when_it_cannot() {
        let mut size = PageSize::new(100);
        let mut seen = Vec::new();
        while size.shrink() {
            seen.push(size.current());
        }
        assert_eq!(seen, [50, 25, 12, 6, 3, 1]);
    }

    #[test]
    fn grows_back_slowly_to_the_maximum() {
        let mut size = PageSize::new(50);
        size.shrink();
        size.grow();
        assert_eq!(size.current(), 30);
        for _ in 0..10 {
            size.grow();
        }
        assert_eq!(size.current(), 50);
    }

    proptest! {
        #[test]
        fn stays_within_its_bounds(max in 0_u32..1000, steps in prop::collection::vec(any::<bool>(), 0..64)) {
            let mut size = PageSize::new(max);
            for up in steps {
                if up { size.grow() } else { size.shrink(); }
                prop_assert!((1..=size.max()).contains(&size.current()));
                prop_assert!(size.max() <= 100);
            }
        }
    }
}
