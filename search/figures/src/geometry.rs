//! Rectangles and straight lines in drawing units, y growing downwards.

/// Position in drawing units, y growing downwards.
pub(crate) type Position = (f64, f64);

/// Straight line between two positions.
pub(crate) type Segment = (Position, Position);

/// Axis-parallel rectangle.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Rect {
    /// Left edge.
    pub(crate) left: f64,
    /// Top edge.
    pub(crate) top: f64,
    /// Right edge, at least `left`.
    pub(crate) right: f64,
    /// Bottom edge, at least `top`.
    pub(crate) bottom: f64,
}

impl Rect {
    /// Creates the rectangle of this size around a centre.
    pub(crate) fn around(center: Position, width: f64, height: f64) -> Self {
        Self {
            left: center.0 - width / 2.0,
            top: center.1 - height / 2.0,
            right: center.0 + width / 2.0,
            bottom: center.1 + height / 2.0,
        }
    }

    /// Same rectangle, enlarged by `by` on every side.
    #[must_use]
    pub(crate) fn grown(self, by: f64) -> Self {
        Self {
            left: self.left - by,
            top: self.top - by,
            right: self.right + by,
            bottom: self.bottom + by,
        }
    }

    /// Width.
    pub(crate) fn width(&self) -> f64 {
        self.right - self.left
    }

    /// Height.
    pub(crate) fn height(&self) -> f64 {
        self.bottom - self.top
    }

    /// Middle of the rectangle.
    pub(crate) fn center(&self) -> Position {
        (
            f64::midpoint(self.left, self.right),
            f64::midpoint(self.top, self.bottom),
        )
    }

    /// Tests that two rectangles overlap; touching edges do not count.
    pub(crate) fn intersects(&self, other: &Self) -> bool {
        self.left < other.right && other.left < self.right && self.top < other.bottom && other.top < self.bottom
    }

    /// Tests that `other` lies completely inside.
    pub(crate) fn contains(&self, other: &Self) -> bool {
        self.left <= other.left && self.top <= other.top && self.right >= other.right && self.bottom >= other.bottom
    }

    /// Position in the rectangle nearest to `to`; `to` itself if it lies inside.
    pub(crate) fn nearest(&self, to: Position) -> Position {
        (to.0.clamp(self.left, self.right), to.1.clamp(self.top, self.bottom))
    }

    /// Tests that some part of the segment's interior lies strictly inside (Liang and Barsky's clipping).
    pub(crate) fn crossed_by(&self, segment: Segment) -> bool {
        let ((x, y), (to_x, to_y)) = segment;
        let (dx, dy) = (to_x - x, to_y - y);
        let (mut enter, mut leave) = (0.0_f64, 1.0_f64);
        for (delta, low, high) in [(dx, self.left - x, self.right - x), (dy, self.top - y, self.bottom - y)] {
            if delta == 0.0 {
                if low >= 0.0 || high <= 0.0 {
                    return false;
                }
            } else {
                let (first, second) = (low / delta, high / delta);
                enter = enter.max(first.min(second));
                leave = leave.min(first.max(second));
            }
        }
        leave - enter > 1e-9
    }
}

/// Tests that the interiors of two segments cross.
pub(crate) fn segments_cross(left: Segment, right: Segment) -> bool {
    let side = |line: Segment, point: Position| {
        let ((x, y), (to_x, to_y)) = line;
        (to_x - x) * (point.1 - y) - (to_y - y) * (point.0 - x)
    };
    side(left, right.0) * side(left, right.1) < 0.0 && side(right, left.0) * side(right, left.1) < 0.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn crossing_is_about_the_inside() {
        let rect = Rect {
            left: 0.0,
            top: 0.0,
            right: 10.0,
            bottom: 10.0,
        };
        assert!(rect.crossed_by(((-5.0, 5.0), (15.0, 5.0))));
        assert!(rect.crossed_by(((4.0, 4.0), (5.0, 5.0))));
        assert!(!rect.crossed_by(((-5.0, 0.0), (15.0, 0.0))));
        assert!(!rect.crossed_by(((-5.0, 5.0), (0.0, 5.0))));
    }

    #[test]
    fn segments_cross_only_inside_both() {
        let line = ((0.0, 0.0), (10.0, 10.0));
        assert!(segments_cross(line, ((0.0, 10.0), (10.0, 0.0))));
        assert!(!segments_cross(line, ((0.0, 10.0), (4.0, 6.0))));
        assert!(!segments_cross(line, ((10.0, 10.0), (20.0, 0.0))));
    }
}
