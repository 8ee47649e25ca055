//! Small charts as inline SVG: geometry here, colours in the style sheet.

/// Bars over equal spans of time, newest at the right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bars {
    /// From left to right.
    pub bars: Vec<Bar>,
    /// Width of the drawing in its own units.
    pub width: usize,
}

/// One bar; the drawing is [`Bars::HEIGHT`] high, with y downwards.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bar {
    /// Left edge.
    pub x: usize,
    /// Upper edge.
    pub y: i64,
    /// Height.
    pub height: i64,
    /// What it stands for.
    pub value: i64,
    /// How many spans before the newest.
    pub back: usize,
}

impl Bars {
    /// Height of the drawing in its own units.
    pub const HEIGHT: i64 = 60;
    /// From one bar to the next; a bar is two less.
    const STEP: usize = 10;

    /// Lays the values out; the largest fills the height, and what is not zero can be seen.
    #[must_use]
    pub fn new(values: &[i64]) -> Self {
        let largest = values.iter().copied().max().unwrap_or(0).max(1);
        let bars = values.iter().enumerate().map(|(i, &value)| {
            let scaled = i128::from(value.max(0)) * i128::from(Self::HEIGHT) / i128::from(largest);
            let height = i64::try_from(scaled).unwrap_or(Self::HEIGHT).max(if value > 0 { 2 } else { 0 });
            Bar { x: i * Self::STEP, y: Self::HEIGHT - height, height, value, back: values.len() - 1 - i }
        });
        Self { bars: bars.collect(), width: values.len() * Self::STEP }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_fills_the_height_and_the_smallest_is_seen() {
        let chart = Bars::new(&[0, 1, 10_000]);
        assert_eq!(chart.width, 30);
        assert_eq!(chart.bars.iter().map(|bar| bar.height).collect::<Vec<_>>(), [0, 2, 60]);
        assert_eq!(chart.bars[1].y, 58);
        assert_eq!(chart.bars[0].back, 2);
        assert_eq!(Bars::new(&[]).bars, []);
        assert_eq!(Bars::new(&[0, -5]).bars[1].height, 0);
    }
}
