//! Errors of figures.

/// Reason for which a figure could not be drawn.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FigureError {
    /// Input that contradicts itself, such as a line through a point that does not exist.
    #[error("{place}: {problem}")]
    Input {
        /// The part of the figure, such as a series or a row.
        place: String,
        /// The contradiction.
        problem: String,
    },
    /// A shape that the SVG backend refused.
    #[error("cannot draw the figure: {reason}")]
    Drawing {
        /// The backend's message.
        reason: String,
    },
    /// An SVG document that could not be rendered as a picture.
    #[error("cannot render the figure as PNG: {reason}")]
    Png {
        /// The renderer's message.
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
