//! Search spaces around a network: every member can be cut from it, or differs by parts that start as nothing.
//!
//! A stage of the space is a run of the network's blocks at one output width. Its choices are the blocks of the network with
//! other kernels, smaller expansions and with or without squeeze-excite; it can have fewer blocks and fewer output channels.
//! Constraints on parameters and multiply-adds make the network itself the largest member.

mod choice;
mod stage;

use std::fmt::Write as _;

use crate::architecture::Architecture;
use crate::batch_norm::BatchNorm;
use crate::block::{Head, HiddenNorm};
use stage::StageChoices;

/// TOML text of the search space around `parent`, for [`SearchSpace::from_toml`](crate::SearchSpace::from_toml); `name` is the
/// name of the space.
///
/// No member has more parameters or more multiply-adds than `parent`, counted for a single class as
/// [`Constraints`](crate::Constraints) are. Channels below the parent's are multiples of 8.
///
/// ```
/// use mnas_space::{Reference, SearchSpace, space_around};
/// let parent = Reference::named("mobilenet-v2")?.architecture(1.0, 224, 10)?;
/// let space = SearchSpace::from_toml(&space_around(&parent, "around mobilenet-v2"))?;
/// assert!(space.contains(&parent));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn space_around(parent: &Architecture, name: &str) -> String {
    let quoted = |text: &str| toml::Value::String(text.to_owned()).to_string();
    let cost = parent.clone().with_classes(1).cost();
    let mut text = format!(
        "# The network of this space with the most parameters and multiply-adds is\n# {parent}\nname = {}\n\
         description = \"Networks that inherit from one: its kernels, expansions, channels, depths, squeeze-excite and \
         resolutions\"\n",
        quoted(name)
    );
    // Writing to a string cannot fail.
    let _ = writeln!(
        text,
        "constraints = {{ max-params = {}, max-macs = {} }}\n\n[[family]]\nname = \"parent\"\nresolution = {}",
        cost.params,
        cost.macs,
        list(&resolutions(parent.resolution))
    );
    if parent.batch_norm != BatchNorm::default() {
        let (epsilon, momentum) = (parent.batch_norm.epsilon(), parent.batch_norm.momentum());
        let _ = writeln!(
            text,
            "batch-norm = {{ epsilon = {epsilon:?}, momentum = {momentum:?} }}"
        );
    }
    text.push_str(&hidden_layer(&parent.head));
    for stage in StageChoices::all(parent) {
        let _ = write!(text, "\n{stage}");
    }
    text
}

/// Sides from half of `side` up to `side`, in pixels, in steps that keep the feature maps whole.
fn resolutions(side: u32) -> Vec<u32> {
    let step = match side {
        160.. => 32,
        64.. => 16,
        _ => 8,
    };
    let first = (side / 2).div_ceil(step).max(1) * step;
    let mut sides: Vec<u32> = (first..side).step_by(step as usize).collect();
    sides.push(side);
    sides
}

/// Line of the head's hidden layer, which is the same in all members.
fn hidden_layer(head: &Head) -> String {
    let Some(hidden) = head.hidden else {
        return String::new();
    };
    let norm = match hidden.norm {
        HiddenNorm::Bias => "bias",
        HiddenNorm::BatchNorm => "batch-norm",
        HiddenNorm::None => "none",
    };
    format!(
        "hidden = {{ features = {}, norm = \"{norm}\", activation = \"{}\", scaling = \"never\" }}\n",
        hidden.features,
        hidden.activation.name()
    )
}

/// TOML list of numbers.
fn list(numbers: &[u32]) -> String {
    let numbers: Vec<String> = numbers.iter().map(u32::to_string).collect();
    format!("[{}]", numbers.join(", "))
}

#[cfg(test)]
mod tests;
