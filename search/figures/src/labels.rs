//! Placement of text labels beside their points without overlaps.
//!
//! Finding the best placement is NP-hard (Christensen, Marks and Shieber, "An empirical study of algorithms for
//! point-feature label placement", 1995), so a greedy algorithm is used: labels are placed in order of priority, each at the
//! cheapest of a fixed set of positions on rings around its point. Then each label is placed again a few times with the others
//! fixed. A label without a position may displace others of the same or a lower priority. Hard rules (inside the bounds, no
//! overlap with another label, obstacle or leader line) are never violated; a label without a valid position is left out. The
//! algorithm is deterministic.

use crate::geometry::{Position, Rect, Segment, segments_cross};

/// Size and anchor of a label to place.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct LabelRequest {
    /// Centre of the label's marker.
    pub(crate) anchor: Position,
    /// Radius around the anchor that the label must not cover.
    pub(crate) clearance: f64,
    /// Width of the label's box, padding included.
    pub(crate) width: f64,
    /// Height of the label's box, padding included.
    pub(crate) height: f64,
    /// Priority; lower values are placed earlier, and ties are resolved by position in the list.
    pub(crate) priority: u32,
    /// Largest distance of the box from the clearance.
    pub(crate) reach: f64,
}

/// Shapes that labels avoid.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Obstacles<'a> {
    /// Shapes that labels never cover: markers, other text.
    pub(crate) hard: &'a [Rect],
    /// Shapes that labels cover only if the alternatives are worse: dots of minor points.
    pub(crate) soft: &'a [Rect],
    /// Lines of the plot, which labels cover only if the alternatives are worse.
    pub(crate) lines: &'a [Segment],
}

/// Position of a placed label.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct LabelPlace {
    /// Box of the label.
    pub(crate) rect: Rect,
    /// Line from the marker's edge to the box, if the label is far from its point.
    pub(crate) leader: Option<Segment>,
}

/// Smallest gap between marker and label, in drawing units.
const GAP: f64 = 5.0;
/// Distance from the marker above which a label has a leader line.
const LEADER_FROM: f64 = 17.0;
/// Number of rounds in which every label is placed again with the others fixed.
const ROUNDS: usize = 4;
const DIRECTIONS: usize = 24;
/// Penalty of a label that could not be placed, as a number of displaced labels.
const BLOCKED: u32 = 1000;

/// Places each label inside `bounds`, or returns `None` for it if every position violates a hard rule; in the order of
/// `requests`.
pub(crate) fn place_labels(
    requests: &[LabelRequest],
    obstacles: Obstacles<'_>,
    bounds: Rect,
) -> Vec<Option<LabelPlace>> {
    let search = Placer::new(requests, obstacles, bounds);
    let mut placed = vec![None; requests.len()];
    search.settle(&mut placed);
    if placed.iter().any(Option::is_none) {
        search.make_room(&mut placed);
        search.settle(&mut placed);
    }
    placed
}

struct Placer<'a> {
    requests: &'a [LabelRequest],
    /// Indices of the requests in the order of priority.
    order: Vec<usize>,
    /// For each request, the positions inside the bounds and clear of hard obstacles, with their costs regardless of other labels.
    choices: Vec<Vec<(f64, LabelPlace)>>,
}

impl<'a> Placer<'a> {
    fn new(requests: &'a [LabelRequest], obstacles: Obstacles<'a>, bounds: Rect) -> Self {
        let mut order: Vec<usize> = (0..requests.len()).collect();
        order.sort_by_key(|&index| (requests[index].priority, index));
        let choices = (0..requests.len())
            .map(|index| choices(index, requests, obstacles, bounds))
            .collect();
        Self {
            requests,
            order,
            choices,
        }
    }

    /// Places every label at its cheapest position given the others, several times.
    fn settle(&self, placed: &mut Vec<Option<LabelPlace>>) {
        for _ in 0..=ROUNDS {
            let before = placed.clone();
            for &index in &self.order {
                let previous = placed[index].take();
                placed[index] = self.cheapest(index, placed).or(previous);
            }
            if *placed == before {
                break;
            }
        }
    }

    fn cheapest(&self, index: usize, placed: &[Option<LabelPlace>]) -> Option<LabelPlace> {
        let mut best: Option<(f64, &LabelPlace)> = None;
        for (least, placement) in &self.choices[index] {
            if best.is_some_and(|(cost, _)| cost <= *least)
                || placed.iter().flatten().any(|other| clash(placement, other))
            {
                continue;
            }
            let cost = least + crossings(placement, placed);
            if best.is_none_or(|(lowest, _)| cost < lowest) {
                best = Some((cost, placement));
            }
        }
        best.map(|(_, placement)| *placement)
    }

    /// Places labels that were left out by displacing others of the same or a lower priority, and keeps the best state found.
    fn make_room(&self, placed: &mut Vec<Option<LabelPlace>>) {
        let mut state = placed.clone();
        let mut pushed = vec![0_u32; self.requests.len()];
        for _ in 0..16 * self.requests.len() {
            let without = self
                .order
                .iter()
                .filter(|&&index| state[index].is_none() && !self.choices[index].is_empty());
            // Chooses the label that has displaced the fewest others, so that each label has a turn.
            let Some(&index) = without.min_by_key(|&&index| (self.requests[index].priority, pushed[index])) else {
                break;
            };
            pushed[index] += 1;
            let Some(placement) = self.cheapest_push(index, &state, &pushed) else {
                // All labels in the way have a higher priority, but may move later.
                pushed[index] += BLOCKED;
                if pushed[index] > 3 * BLOCKED {
                    break;
                }
                continue;
            };
            let mut out = Vec::new();
            for (other, place) in state.iter_mut().enumerate() {
                if place.as_ref().is_some_and(|place| clash(&placement, place)) {
                    *place = None;
                    out.push(other);
                }
            }
            state[index] = Some(placement);
            for other in out {
                state[other] = self.cheapest(other, &state);
            }
            if self.missing(&state) < self.missing(placed) {
                placed.clone_from(&state);
            }
        }
    }

    fn cheapest_push(&self, index: usize, state: &[Option<LabelPlace>], pushed: &[u32]) -> Option<LabelPlace> {
        let price = |placement: &LabelPlace| -> Option<f64> {
            let mut price = 0.0;
            for (other, place) in state.iter().enumerate() {
                if place.as_ref().is_some_and(|place| clash(placement, place)) {
                    if self.requests[other].priority < self.requests[index].priority {
                        return None;
                    }
                    price += 60.0 * f64::from(1 + pushed[other]);
                }
            }
            Some(price)
        };
        let mut best: Option<(f64, &LabelPlace)> = None;
        for (least, placement) in &self.choices[index] {
            let Some(price) = price(placement) else {
                continue;
            };
            if best.is_none_or(|(lowest, _)| least + price < lowest) {
                best = Some((least + price, placement));
            }
        }
        best.map(|(_, placement)| *placement)
    }

    /// Numbers of labels without a position, per priority, from the most important.
    fn missing(&self, state: &[Option<LabelPlace>]) -> Vec<u32> {
        let mut missing = Vec::new();
        let mut priority = None;
        for &index in &self.order {
            if priority != Some(self.requests[index].priority) {
                priority = Some(self.requests[index].priority);
                missing.push(0);
            }
            if let Some(last) = missing.last_mut() {
                *last += u32::from(state[index].is_none());
            }
        }
        missing
    }
}

/// Positions of a label that violate no hard rule, regardless of other labels, with their costs.
fn choices(index: usize, requests: &[LabelRequest], obstacles: Obstacles<'_>, bounds: Rect) -> Vec<(f64, LabelPlace)> {
    let request = &requests[index];
    positions(request)
        .filter(|(_, placement)| {
            bounds.contains(&placement.rect) && !obstacles.hard.iter().any(|hard| hard.intersects(&placement.rect))
        })
        .map(|(cost, placement)| (cost + clutter(index, &placement, requests, obstacles), placement))
        .collect()
}

/// Tests that two labels, or a label and the other's leader, touch.
fn clash(left: &LabelPlace, right: &LabelPlace) -> bool {
    left.rect.intersects(&right.rect)
        || left.leader.is_some_and(|line| right.rect.crossed_by(line))
        || right.leader.is_some_and(|line| left.rect.crossed_by(line))
}

/// Cost of leader lines that cross each other.
fn crossings(placement: &LabelPlace, placed: &[Option<LabelPlace>]) -> f64 {
    let Some(line) = placement.leader else {
        return 0.0;
    };
    let crossed = |other: &&LabelPlace| other.leader.is_some_and(|other| segments_cross(line, other));
    60.0 * placed.iter().flatten().filter(crossed).count() as f64
}

/// Candidate positions, with the cost of their distance and direction.
fn positions(request: &LabelRequest) -> impl Iterator<Item = (f64, LabelPlace)> {
    let mut distances = vec![GAP];
    while let Some(&last) = distances.last() {
        let next = last + 6.0 + last * 0.12;
        if next > request.reach {
            break;
        }
        distances.push(next);
    }
    distances.into_iter().flat_map(move |distance| {
        (0..DIRECTIONS).map(move |step| {
            let angle = std::f64::consts::TAU * step as f64 / DIRECTIONS as f64;
            let (x, y) = (angle.cos(), -angle.sin());
            let away = request.clearance + distance;
            // The box touches the ring with a corner on diagonals and with the middle of an edge on the axes.
            let stretch = |value: f64| (value * std::f64::consts::SQRT_2).clamp(-1.0, 1.0);
            let center = (
                request.anchor.0 + x * away + stretch(x) * request.width / 2.0,
                request.anchor.1 + y * away + stretch(y) * request.height / 2.0,
            );
            let rect = Rect::around(center, request.width, request.height);
            // Labels right of the point are the most readable, then left, then above and below (Imhof 1975).
            let direction_cost =
                3.0 * (1.0 - x) + if y.abs() > 0.9 { 3.0 } else { 0.0 } + if y > 0.0 { 1.0 } else { 0.0 };
            let leader = (distance > LEADER_FROM).then(|| leader(request, &rect));
            (distance + direction_cost, LabelPlace { rect, leader })
        })
    })
}

fn leader(request: &LabelRequest, rect: &Rect) -> Segment {
    let end = rect.nearest(request.anchor);
    let (dx, dy) = (end.0 - request.anchor.0, end.1 - request.anchor.1);
    let length = dx.hypot(dy).max(f64::MIN_POSITIVE);
    let start = request.clearance.min(length) / length;
    ((request.anchor.0 + dx * start, request.anchor.1 + dy * start), end)
}

/// Cost of a position for the shapes that it covers, and for being closer to another point than to its own.
fn clutter(index: usize, placement: &LabelPlace, requests: &[LabelRequest], obstacles: Obstacles<'_>) -> f64 {
    let rect = &placement.rect;
    let request = &requests[index];
    let mut cost = 0.0;
    cost += 7.0 * obstacles.soft.iter().filter(|dot| dot.intersects(rect)).count() as f64;
    cost += 15.0 * obstacles.lines.iter().filter(|&&line| rect.crossed_by(line)).count() as f64;
    if let Some(line) = placement.leader {
        cost += 6.0;
        let over = obstacles.hard.iter().filter(|marker| marker.crossed_by(line));
        cost += 40.0
            * over
                .filter(|marker| !marker.grown(1.0).contains(&Rect::around(request.anchor, 0.0, 0.0)))
                .count() as f64;
        cost += 2.0 * obstacles.soft.iter().filter(|dot| dot.crossed_by(line)).count() as f64;
    }
    // A label closer to another labelled point than to its own would be misread as that point's label.
    let gap = |anchor: Position| {
        let near = rect.nearest(anchor);
        (near.0 - anchor.0).hypot(near.1 - anchor.1)
    };
    let own = gap(request.anchor);
    for (other_index, other) in requests.iter().enumerate() {
        if other_index != index && other.anchor != request.anchor {
            let margin = gap(other.anchor) - own;
            if margin < 12.0 {
                cost += if placement.leader.is_some() {
                    4.0
                } else {
                    8.0 + (12.0 - margin).min(24.0)
                };
            }
        }
    }
    cost
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    const BOUNDS: Rect = Rect {
        left: 0.0,
        top: 0.0,
        right: 600.0,
        bottom: 400.0,
    };

    fn request(anchor: Position, width: f64, priority: u32) -> LabelRequest {
        LabelRequest {
            anchor,
            clearance: 8.0,
            width,
            height: 24.0,
            priority,
            reach: 200.0,
        }
    }

    fn assert_rules_hold(
        requests: &[LabelRequest],
        hard: &[Rect],
        placed: &[Option<LabelPlace>],
    ) -> Result<(), TestCaseError> {
        prop_assert_eq!(placed.len(), requests.len());
        let present: Vec<(usize, &LabelPlace)> = placed
            .iter()
            .enumerate()
            .filter_map(|(index, placement)| Some((index, placement.as_ref()?)))
            .collect();
        for &(index, placement) in &present {
            prop_assert!(BOUNDS.contains(&placement.rect));
            prop_assert!((placement.rect.width() - requests[index].width).abs() < 1e-9);
            prop_assert!(!hard.iter().any(|marker| marker.intersects(&placement.rect)));
            for &(other_index, other) in &present {
                if other_index != index {
                    prop_assert!(!placement.rect.intersects(&other.rect));
                    prop_assert!(!other.leader.is_some_and(|line| placement.rect.crossed_by(line)));
                }
            }
        }
        Ok(())
    }

    #[test]
    fn a_lone_label_stands_to_the_right_without_a_leader() {
        let placed = place_labels(&[request((300.0, 200.0), 80.0, 0)], Obstacles::default(), BOUNDS);
        let placement = placed[0].expect("there is room");
        assert!(placement.leader.is_none());
        assert!(placement.rect.left > 300.0 && (placement.rect.center().1 - 200.0).abs() < 1e-9);
    }

    #[test]
    fn a_label_at_the_right_border_goes_left() {
        let placed = place_labels(&[request((598.0, 200.0), 80.0, 0)], Obstacles::default(), BOUNDS);
        assert!(placed[0].is_some_and(|placement| placement.rect.right < 598.0));
    }

    #[test]
    fn a_label_without_room_is_left_out() {
        let wide = request((300.0, 200.0), 700.0, 0);
        assert_eq!(place_labels(&[wide], Obstacles::default(), BOUNDS), [None]);
    }

    #[test]
    fn five_labels_on_one_point_all_find_a_place() {
        let requests: Vec<_> = (0..5).map(|_| request((300.0, 200.0), 110.0, 0)).collect();
        let placed = place_labels(&requests, Obstacles::default(), BOUNDS);
        assert!(placed.iter().all(Option::is_some));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn placed_labels_never_touch(
            raw in vec((0.0..600.0_f64, 0.0..400.0_f64, 10.0..140.0_f64, 0_u32..3), 0..24),
            dots in vec((0.0..600.0_f64, 0.0..400.0_f64), 0..40),
        ) {
            let requests: Vec<_> =
                raw.iter().map(|&(x, y, width, priority)| request((x, y), width, priority)).collect();
            let hard: Vec<_> = requests.iter().map(|request| Rect::around(request.anchor, 16.0, 16.0)).collect();
            let soft: Vec<_> = dots.iter().map(|&dot| Rect::around(dot, 6.0, 6.0)).collect();
            let lines: Vec<_> = dots.windows(2).map(|pair| (pair[0], pair[1])).collect();
            let obstacles = Obstacles { hard: &hard, soft: &soft, lines: &lines };
            let placed = place_labels(&requests, obstacles, BOUNDS);
            assert_rules_hold(&requests, &hard, &placed)?;
            prop_assert_eq!(placed, place_labels(&requests, obstacles, BOUNDS));
        }
    }
}
