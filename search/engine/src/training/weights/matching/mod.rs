//! Matching of a weight file's tensors to the parameters of an architecture.
//!
//! Files of other programs have other names for the same tensors. Each layer's name is read by the naming rules of the program that wrote it,
//! which gives the layer's place in the network; the layers in order of these places are then matched with those of the architecture one by
//! one, with their shapes checked. The order of the tensors in the file decides only where the names follow no known rules.

mod layers;
mod names;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{self, Write as _};

use mnas_space::{Graph, ParameterKind, ParameterSpec};

use layers::{Layer, Layout};
pub use names::Naming;

/// Shape and values by name.
pub(super) type Tensors = BTreeMap<String, (Vec<usize>, Vec<f32>)>;

/// Returns true if this is a counter of `PyTorch`'s batch-norm, which is not used.
pub(super) fn is_counter(name: &str) -> bool {
    name == "num_batches_tracked" || name.ends_with(".num_batches_tracked")
}

/// Matches listed in the message of a misfit.
const SHOWN_IN_ERRORS: usize = 4;

/// Tensor of a file matched to a parameter.
#[derive(Debug, Clone, PartialEq)]
pub struct Match {
    /// Parameter of the architecture.
    pub parameter: ParameterSpec,
    /// Name in the file.
    pub source: String,
    /// Shape in the file.
    pub source_shape: Vec<usize>,
    /// Order of the values in the file.
    layout: Layout,
}

/// Assignment of a file's tensors to the parameters of an architecture.
#[derive(Debug, Clone, PartialEq)]
pub struct Matching {
    /// Naming rules that the file follows.
    pub naming: Naming,
    /// Matched tensors in order of execution.
    pub matches: Vec<Match>,
    /// Rows of the classifier's weight in the file: the number of classes of the weights.
    pub classes: Option<u32>,
}

/// First difference between a file and an architecture.
#[derive(Debug, Clone, PartialEq)]
pub struct Misfit {
    /// Tensors matched before it.
    pub matching: Matching,
    /// Tensor that differs, and the difference.
    pub problem: String,
}

impl Matching {
    /// Matches tensors, named in the file's `order`, to the parameters of `graph`.
    ///
    /// The classifier may have another number of rows than the graph's.
    pub(super) fn of(tensors: &Tensors, order: &[String], graph: &Graph) -> Result<Self, Box<Misfit>> {
        let mut matching = Self {
            naming: Naming::Own,
            matches: Vec::new(),
            classes: None,
        };
        let specs: Vec<ParameterSpec> = graph.parameters().collect();
        let found = if specs.iter().any(|spec| tensors.contains_key(&spec.name)) {
            matching.match_own(tensors, &specs)
        } else {
            let (naming, theirs) = layers::in_execution_order(tensors, order);
            matching.naming = naming;
            matching.match_layers(&theirs, graph)
        };
        match found {
            Ok(()) => Ok(matching),
            Err(problem) => Err(Box::new(Misfit { matching, problem })),
        }
    }

    /// Matches tensors under this program's names.
    fn match_own(&mut self, tensors: &Tensors, specs: &[ParameterSpec]) -> Result<(), String> {
        for spec in specs {
            let Some((shape, _)) = tensors.get(&spec.name) else {
                return Err(format!("tensor `{}` {:?} is missing", spec.name, spec.shape));
            };
            if Layout::of(shape, spec, false, is_classifier(spec, specs)).is_none() {
                return Err(format!(
                    "tensor `{}` is {shape:?}, the architecture has {:?}",
                    spec.name, spec.shape
                ));
            }
            self.add(spec, specs, (&spec.name, shape, Layout::Same));
        }
        let known: BTreeSet<&str> = specs.iter().map(|spec| spec.name.as_str()).collect();
        match tensors.keys().find(|name| !known.contains(name.as_str())) {
            Some(extra) => Err(format!("tensor `{extra}` is not in the architecture")),
            None => Ok(()),
        }
    }

    /// Matches layers, sorted by execution, one by one.
    fn match_layers(&mut self, theirs: &[Layer<'_>], graph: &Graph) -> Result<(), String> {
        let specs: Vec<ParameterSpec> = graph.parameters().collect();
        let ours: Vec<Vec<ParameterSpec>> = graph
            .nodes
            .iter()
            .map(|node| node.parameters().collect::<Vec<_>>())
            .filter(|parameters| !parameters.is_empty())
            .collect();
        for (layer, own) in theirs.iter().zip(&ours) {
            self.match_layer(layer, own, &specs)?;
        }
        let counts = format!(
            "the weights have {} layers, the architecture {}",
            theirs.len(),
            ours.len()
        );
        if let Some(extra) = theirs.get(ours.len()) {
            return Err(format!("{counts}: nothing is left for `{}`", extra.name));
        }
        match ours.get(theirs.len()) {
            Some(lacking) => Err(format!("{counts}: nothing is left to fill `{}`", lacking[0].name)),
            None => Ok(()),
        }
    }

    fn match_layer(&mut self, layer: &Layer<'_>, own: &[ParameterSpec], specs: &[ParameterSpec]) -> Result<(), String> {
        if layer.tensors.len() != own.len() {
            return Err(format!(
                "`{}` ({}) stands where the architecture has `{}` ({})",
                layer.name,
                layer.tensors.keys().copied().collect::<Vec<_>>().join(", "),
                own[0].name,
                own.iter().map(|spec| spec.kind.suffix()).collect::<Vec<_>>().join(", "),
            ));
        }
        for spec in own {
            let leaf = spec.kind.suffix();
            let Some(tensor) = layer.tensors.get(leaf) else {
                return Err(format!("`{}` has no {leaf} for `{}`", layer.name, spec.name));
            };
            let Some(layout) = Layout::of(tensor.shape, spec, tensor.is_tensorflow, is_classifier(spec, specs)) else {
                return Err(format!(
                    "tensor `{}` {:?} stands where the architecture has `{}` {:?}",
                    tensor.name, tensor.shape, spec.name, spec.shape
                ));
            };
            self.add(spec, specs, (tensor.name, tensor.shape, layout));
        }
        Ok(())
    }

    fn add(
        &mut self,
        spec: &ParameterSpec,
        specs: &[ParameterSpec],
        (source, shape, layout): (&str, &[usize], Layout),
    ) {
        if is_classifier(spec, specs) {
            self.classes = layout.rows(shape).and_then(|rows| u32::try_from(rows).ok());
        }
        self.matches.push(Match {
            parameter: spec.clone(),
            source: source.to_owned(),
            source_shape: shape.to_vec(),
            layout,
        });
    }

    /// Returns true if names and shapes are those of the architecture.
    pub(super) fn is_identity(&self) -> bool {
        self.matches
            .iter()
            .all(|found| found.source == found.parameter.name && found.source_shape == found.parameter.shape)
    }

    /// The matched tensors under the architecture's names. Shapes are the architecture's, but for the rows of the classifier.
    pub(super) fn renamed(&self, tensors: &Tensors) -> Tensors {
        let renamed = self.matches.iter().filter_map(|found| {
            let (shape, values) = tensors.get(&found.source)?;
            let mut own_shape = found.parameter.shape.clone();
            own_shape[0] = found.layout.rows(shape).unwrap_or(own_shape[0]);
            let values = found.layout.converted(shape, values);
            Some((found.parameter.name.clone(), (own_shape, values)))
        });
        renamed.collect()
    }

    /// Name of the classifier's weight in the file; empty before it is matched.
    pub(super) fn classifier(&self) -> &str {
        let is_matrix = |found: &&Match| found.parameter.kind == ParameterKind::LinearWeight;
        self.matches.iter().rfind(is_matrix).map_or("", |found| &found.source)
    }

    /// Lines that list the last `count` matches.
    fn last(&self, count: usize) -> String {
        let mut text = String::new();
        for found in &self.matches[self.matches.len().saturating_sub(count)..] {
            let Match {
                parameter,
                source,
                source_shape,
                ..
            } = found;
            let _ = write!(
                text,
                "\n  `{}` {:?} = `{source}` {source_shape:?}",
                parameter.name, parameter.shape
            );
        }
        text
    }
}

impl fmt::Display for Misfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { matching, problem } = self;
        f.write_str(problem)?;
        f.write_str("; give the architecture that the weights were trained in (its width, or a file of it)")?;
        if matching.matches.is_empty() {
            return write!(f, "; nothing matched by {}", matching.naming);
        }
        let count = matching.matches.len();
        write!(
            f,
            "; {count} tensors matched by {}, the last of them:{}",
            matching.naming,
            matching.last(SHOWN_IN_ERRORS)
        )
    }
}

/// Returns true if the parameter belongs to the network's last layer, whose rows are the classes.
fn is_classifier(spec: &ParameterSpec, specs: &[ParameterSpec]) -> bool {
    let layer = |spec: &ParameterSpec| spec.name.rsplit_once('.').map(|(layer, _)| layer.to_owned());
    matches!(spec.kind, ParameterKind::LinearWeight | ParameterKind::Bias)
        && specs.last().is_some_and(|last| layer(last) == layer(spec))
}

#[cfg(test)]
mod tests;
