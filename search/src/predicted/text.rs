//! A predicted front as text.

use mnas_engine::imagenet::{PredictedMember, Recipe};

use super::outcome::{PredictedOutcome, Reference, thinned};
use super::systems::{PublishedSystem, published_systems};
use crate::report::{Heading, listing, units};

/// Members of the front in the table.
const SHOWN: usize = 12;

/// Complete text of a predicted front: the front, the published networks beside it, the best network, and
/// published results of other systems on the device.
pub fn outcome_text(outcome: &PredictedOutcome, width: Option<u16>) -> String {
    let parts = [
        Some(heading(outcome)),
        Some(front_table(outcome, width)),
        Some(
            "distance: 1 is the published network farthest from their centre; beyond it no error was ever measured"
                .to_owned(),
        ),
        Some(format!(
            "\nPublished MobileNets at their published accuracy; latency on {} as for the front",
            outcome.device
        )),
        Some(references_table(outcome, width)),
        Some(verdict(outcome)),
        comparison(outcome),
        best(outcome),
    ];
    parts.into_iter().flatten().collect::<Vec<_>>().join("\n")
}

fn heading(outcome: &PredictedOutcome) -> String {
    let members = outcome.front.members.len();
    let budget = outcome
        .budget_ms
        .map_or_else(String::new, |budget| format!(" under {}", units::milliseconds(budget)));
    let shown = if members > SHOWN {
        format!(", {SHOWN} of them here")
    } else {
        String::new()
    };
    let below = match outcome.below_published {
        0 => String::new(),
        below if below == members => {
            "; all are predicted below every published accuracy, where nothing was fitted".to_owned()
        }
        below => format!("; {below} more are predicted below every published accuracy and left out"),
    };
    format!(
        "Predicted ImageNet front of space {} on {}{budget}: predicted, nothing was trained\n\
         top-1 if trained {}\n\
         {} candidates in {}; {members} networks on the front{shown}{below}",
        outcome.space,
        outcome.device,
        Recipe::default().description(),
        units::grouped(outcome.front.candidates),
        units::seconds(outcome.seconds),
    )
}

fn front_table(outcome: &PredictedOutcome, width: Option<u16>) -> String {
    let headings = [
        Heading::number("predicted top-1"),
        Heading::number("90 % interval"),
        Heading::number("distance"),
        Heading::number("latency"),
        Heading::number("params").expendable(2),
        Heading::number("MAdds").expendable(1),
        Heading::number("input").expendable(3),
    ];
    let members = thinned(&outcome.front.members, SHOWN);
    let rows: Vec<Vec<String>> = members.into_iter().rev().map(member_cells).collect();
    listing(&headings, &rows, width)
}

fn member_cells(member: &PredictedMember) -> Vec<String> {
    let (predicted, costs) = (&member.predicted, &member.proposal.costs);
    let latency = costs.latency.first().map(|latency| latency.latency.0);
    vec![
        percent(predicted.top1),
        format!("{:.1} to {:.1}", predicted.low, predicted.high),
        format!("{:.2}", predicted.distance),
        latency.map_or_else(String::new, units::milliseconds),
        units::count(costs.params),
        units::count(costs.macs),
        format!("{} px", member.proposal.architecture.resolution),
    ]
}

fn references_table(outcome: &PredictedOutcome, width: Option<u16>) -> String {
    let headings = [
        Heading::text("network"),
        Heading::number("published top-1"),
        Heading::number("predicted").expendable(2),
        Heading::number("latency"),
        Heading::number("front at its latency"),
        Heading::text("dominated"),
    ];
    let rows: Vec<Vec<String>> = outcome.shown_references().into_iter().map(reference_cells).collect();
    listing(&headings, &rows, width)
}

fn reference_cells(reference: &Reference) -> Vec<String> {
    let points = |points: f64| format!("{points:+.1} points predicted");
    let dominated = match (reference.dominated, reference.surely_dominated) {
        (true, true) => "yes, by the interval too",
        (true, false) => "yes, within the interval",
        (false, _) => "no",
    };
    let over = if reference.within_budget { "" } else { "; over budget" };
    vec![
        reference.network.name(),
        percent(reference.network.top1),
        reference
            .predicted
            .as_ref()
            .map_or_else(|_| "–".to_owned(), |predicted| percent(predicted.top1)),
        units::milliseconds(reference.latency_ms()),
        reference.points.map_or_else(|| "none as fast".to_owned(), points),
        format!("{dominated}{over}"),
    ]
}

/// Number of published networks that the front dominates, and the part of it that is owed to structure alone.
fn verdict(outcome: &PredictedOutcome) -> String {
    let within: Vec<&Reference> = outcome
        .references
        .iter()
        .filter(|reference| reference.emphasised().is_some() && reference.within_budget)
        .collect();
    let count = |wanted: &dyn Fn(&Reference) -> bool| within.iter().filter(|reference| wanted(reference)).count();
    if within.is_empty() {
        return "No published MobileNet is within the budget.".to_owned();
    }
    let place = if outcome.budget_ms.is_some() {
        " within the budget"
    } else {
        ""
    };
    format!(
        "Of {} published MobileNets{place}, the predictions dominate {}, {} of them by the lower ends of the intervals too.\n\
         V1 and V2 were trained with a plainer recipe than predictions assume. With the same recipe predicted for all, the front is\n\
         at least as accurate as {} of {} at their latency.",
        within.len(),
        count(&|reference| reference.dominated),
        count(&|reference| reference.surely_dominated),
        count(&|reference| reference.predicted_points.is_some_and(|points| points >= 0.0)),
        count(&|reference| reference.predicted_points.is_some()),
    )
}

/// Accuracy that another system published on this device at a latency within the budget, beside the front at the same latency.
fn comparison(outcome: &PredictedOutcome) -> Option<String> {
    let budget = outcome.budget_ms.unwrap_or(f64::INFINITY);
    let systems = published_systems(&outcome.device);
    let nearest = systems.iter().rfind(|system| system.latency_ms <= budget)?;
    let PublishedSystem {
        system,
        latency_ms,
        top1,
        remark,
        source,
        ..
    } = nearest;
    let latency = |member: &&PredictedMember| {
        let latency = member.proposal.costs.latency.first();
        latency.is_some_and(|latency| latency.latency.0 <= *latency_ms)
    };
    let member = outcome.front.members.iter().rfind(latency)?;
    Some(format!(
        "{system} published {top1:.1} % at {latency_ms} ms on this phone ({remark}; its authors' measurement). Predicted here at that\n\
         latency: {} ({:.1} to {:.1}). The two latencies come from different runtimes and the recipes differ.\n\
         source: {source}",
        percent(member.predicted.top1),
        member.predicted.low,
        member.predicted.high
    ))
}

fn best(outcome: &PredictedOutcome) -> Option<String> {
    let member = outcome.best()?;
    let latency = member.proposal.costs.latency.first()?.latency.0;
    Some(format!(
        "\nhighest predicted top-1: {} ({:.1} to {:.1}) at {}\n{}",
        percent(member.predicted.top1),
        member.predicted.low,
        member.predicted.high,
        units::milliseconds(latency),
        member.proposal.architecture
    ))
}

/// Accuracy in percent with one decimal: predictions are no more precise.
fn percent(value: f64) -> String {
    format!("{value:.1} %")
}
