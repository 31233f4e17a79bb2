//! Settings of the model-guided search.

/// Quantity that the search improves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Gain {
    /// Accuracy where every other objective has a bound, otherwise the front.
    #[default]
    Auto,
    /// Accuracy, whatever the other objectives.
    Accuracy,
    /// Hypervolume of all objectives.
    Front,
}

/// Bayesian optimisation: a Gaussian process over the decisions of the space, fitted to `-ln(error)` of the networks tried,
/// proposes the network of the greatest expected improvement of accuracy or of hypervolume.
///
/// The first proposals are the largest network within the constraints and networks far from all others; references count
/// among them. Results are absorbed one by one; hyper-parameters are found again after each of the first results, then after
/// every sixteenth of them. From more than 240 results, the regression uses 120 chosen by non-dominated rank and crowding,
/// which determine the front, and the latest of the others, so that a proposal costs a bounded time.
#[derive(Debug, Clone, Copy)]
pub struct ModelGuided {
    /// Trials before the model proposes, references included, in a space of one family; one more for each further family.
    pub start: usize,
    /// Quantity to improve.
    pub gain: Gain,
}
