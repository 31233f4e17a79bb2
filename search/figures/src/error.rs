//! Errors of figures.

/// Error in drawing a figure.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FigureError {
    /// The input is inconsistent, such as a line through a point that does not exist.
    #[error("{place}: {problem}")]
    Input {
        /// Part of the figure, such as a series or a row.
        place: String,
        /// Description of the inconsistency.
        problem: String,
    },
    /// The SVG backend failed.
    #[error("cannot draw the figure: {reason}")]
    Drawing {
        /// Message of the backend.
        reason: String,
    },
    /// The SVG document could not be rendered as PNG.
    #[error("cannot render the figure as PNG: {reason}")]
    Png {
        /// Message of the renderer.
        reason: String,
    },
}

impl FigureError {
    pub(crate) fn input(place: impl Into<String>, problem: impl Into<String>) -> Self {
        Self::Input {
            place: place.into(),
            problem: problem.into(),
        }
    }
}
