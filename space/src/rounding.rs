//! Rounding of channel counts after multiplication by a width multiplier or ratio.

/// Rounds `value` to the nearest multiple of `divisor`, never below `divisor` and never more than 10 % below `value`.
///
/// The rule is that of `_make_divisible` in the MobileNet reference implementations: halves round up, and a result that
/// would lose more than a tenth of `value` is raised by one `divisor`.
///
/// ```
/// use mnas_space::make_divisible;
/// assert_eq!(make_divisible(32.0 * 0.75, 8), 24);
/// assert_eq!(make_divisible(24.0 * 0.35, 8), 8);
/// assert_eq!(make_divisible(18.0, 8), 24); // 16 would lose more than 10 %
/// ```
pub fn make_divisible(value: f64, divisor: u32) -> u32 {
    let step = f64::from(divisor.max(1));
    let rounded = (((value + step / 2.0) / step).floor() * step).max(step);
    let result = if rounded < 0.9 * value { rounded + step } else { rounded };
    result as u32
}

/// Effect of a multiplier (of width, or of depth) on a part of a network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Scaling {
    /// Scaled by every multiplier (the default).
    #[default]
    Always,
    /// Scaled only by multipliers above 1, like the last layer of `MobileNetV2`.
    UpOnly,
    /// Never scaled.
    Never,
}

impl Scaling {
    /// Channels at width multiplier `width`, rounded by [`make_divisible`] if they are scaled.
    pub fn apply(self, channels: u32, width: f64, divisor: u32) -> u32 {
        let factor = match self {
            Self::Always => width,
            Self::UpOnly => width.max(1.0),
            Self::Never => return channels,
        };
        if (factor - 1.0).abs() < f64::EPSILON {
            channels
        } else {
            make_divisible(f64::from(channels) * factor, divisor)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn stays_divisible_and_loses_at_most_a_tenth(value in 0.1f64..5000.0, divisor in 1u32..33) {
            let rounded = make_divisible(value, divisor);
            prop_assert_eq!(rounded % divisor, 0);
            prop_assert!(rounded >= divisor);
            prop_assert!(f64::from(rounded) >= 0.9 * value);
            prop_assert!(f64::from(rounded) <= value + f64::from(divisor));
        }
    }

    #[test]
    fn up_only_ignores_multipliers_below_one() {
        assert_eq!(Scaling::UpOnly.apply(1280, 0.5, 8), 1280);
        assert_eq!(Scaling::UpOnly.apply(1280, 1.4, 8), 1792);
        assert_eq!(Scaling::Never.apply(1280, 1.4, 8), 1280);
    }
}
