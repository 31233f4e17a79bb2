//! Networks that inherit their weights from a parent.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use mnas_engine::training::weights::Weights;
use mnas_space::{Architecture, Graph, Node, NodeName, Op, ParameterKind, Scope, align_blocks};

use super::channels::{ChannelGroups, keeps_channels};
use super::cut::Cut;
use super::error::InheritanceError;
use super::importance::{Importance, select};
use super::neutral;

/// Shape and numbers of the tensors of a network, by name.
pub type Values = BTreeMap<String, (Vec<usize>, Vec<f32>)>;

/// Rows of the classifier that a child takes over.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum ClassRows {
    /// Both networks have the same classes.
    #[default]
    Same,
    /// The child's classes are new: its classifier is not inherited.
    New,
    /// Class of the parent for each class of the child; `None` for a new class.
    Of(Vec<Option<usize>>),
}

/// A trained network from which others inherit.
#[derive(Debug, Clone)]
pub struct Parent {
    architecture: Architecture,
    graph: Graph,
    groups: ChannelGroups,
    values: Values,
    /// Importance of each channel of each group.
    importance: Vec<Vec<f64>>,
    /// Index of every node by its name.
    nodes: HashMap<NodeName, usize>,
}

/// A network's initial weights with what it inherits.
#[derive(Debug, Clone, PartialEq)]
pub struct Inherited {
    /// All tensors of the network.
    pub values: Values,
    /// Learnt parameters that were copied from the parent.
    pub copied: usize,
    /// Learnt parameters of the network.
    pub params: usize,
    /// Block of the parent that each block corresponds to; `None` for added blocks.
    pub blocks: Vec<Option<usize>>,
}

impl Inherited {
    /// Share of the learnt parameters that were copied from the parent, 0 to 1.
    pub fn share(&self) -> f64 {
        self.copied as f64 / self.params.max(1) as f64
    }
}

impl Parent {
    /// The parent with these weights, which `path` names where they do not fit `architecture` or are not finite.
    pub fn new(
        architecture: Architecture,
        weights: &Weights,
        path: &Path,
        importance: &Importance,
    ) -> Result<Self, InheritanceError> {
        let graph = architecture.graph();
        let fitted = weights.fitted(&graph, path)?;
        let mut values = Values::new();
        for (name, shape, numbers) in fitted.tensors() {
            if let Some(at) = numbers.iter().position(|number| !number.is_finite()) {
                return Err(InheritanceError::NotFinite {
                    path: path.to_path_buf(),
                    tensor: name.to_owned(),
                    value: numbers[at],
                });
            }
            values.insert(name.to_owned(), (shape.to_vec(), numbers.to_vec()));
        }
        let groups = ChannelGroups::of(&graph);
        let importance = importance.of(&graph, &groups, &values);
        let nodes = graph.nodes.iter().enumerate();
        let nodes = nodes.map(|(index, node)| (common_name(node.name), index)).collect();
        Ok(Self {
            architecture,
            graph,
            groups,
            values,
            importance,
            nodes,
        })
    }

    /// Channel groups of the parent.
    pub fn groups(&self) -> &ChannelGroups {
        &self.groups
    }

    /// The initial weights of `child`: what it inherits, and of the rest the values of `fresh`, which holds all of its tensors.
    ///
    /// Blocks correspond as in [`align_blocks`]. Added blocks with a residual connection start as the identity, an added squeeze-excite
    /// and added channels without effect. Running statistics are those of the parent: they have to be computed anew before the network
    /// is judged.
    pub fn child(
        &self,
        child: &Architecture,
        fresh: Values,
        classes: &ClassRows,
    ) -> Result<Inherited, InheritanceError> {
        self.child_of_channels(child, fresh, classes, &|group, count| {
            select(&self.importance[group], count)
        })
    }

    /// As [`Parent::child`], with the channels of a group that are kept, by their count, from `kept`.
    pub(super) fn child_of_channels(
        &self,
        child: &Architecture,
        fresh: Values,
        classes: &ClassRows,
        kept: &dyn Fn(usize, usize) -> Vec<Option<usize>>,
    ) -> Result<Inherited, InheritanceError> {
        let blocks = align_blocks(&self.architecture, child);
        if blocks.iter().all(Option::is_none) {
            return Err(InheritanceError::NothingInCommon {
                parent: self.architecture.to_string(),
                child: child.to_string(),
            });
        }
        let graph = child.graph();
        let groups = ChannelGroups::of(&graph);
        let mut inherited = Inherited {
            values: fresh,
            copied: 0,
            params: 0,
            blocks,
        };
        for (index, node) in graph.nodes.iter().enumerate() {
            let sizes = [groups.size(groups.input(node)), groups.size(groups.output(index))];
            let counterpart = self.counterpart(node.name, &inherited.blocks);
            self.copy_node(node, sizes, counterpart, classes, kept, &mut inherited);
        }
        neutral::start_without_effect(&graph, &mut inherited, |name, blocks| {
            self.counterpart(name, blocks).is_some()
        });
        Ok(inherited)
    }

    /// Node of the parent that corresponds to a node of a child, whose blocks correspond to `blocks`.
    fn counterpart(&self, name: NodeName, blocks: &[Option<usize>]) -> Option<usize> {
        let scope = match name.scope {
            Scope::Head => Scope::Head,
            Scope::Block(block) => Scope::Block(blocks[block as usize]? as u16),
        };
        self.nodes.get(&common_name(NodeName { scope, ..name })).copied()
    }

    /// Copies the tensors of a node from its counterpart; `sizes` are its input and output channels.
    fn copy_node(
        &self,
        node: &Node,
        sizes: [usize; 2],
        counterpart: Option<usize>,
        classes: &ClassRows,
        kept: &dyn Fn(usize, usize) -> Vec<Option<usize>>,
        inherited: &mut Inherited,
    ) {
        let counterpart = counterpart.filter(|&parent| can_cut(&self.graph.nodes[parent].op, &node.op));
        let cuts = counterpart.and_then(|parent| {
            let of_parent = &self.graph.nodes[parent];
            let inputs = kept(self.groups.input(of_parent), sizes[0]);
            let outputs = if is_classifier(node) {
                self.class_rows(classes, sizes[1])?
            } else {
                kept(self.groups.output(parent), sizes[1])
            };
            Some((of_parent, inputs, outputs))
        });
        for spec in node.parameters() {
            let is_param = spec.kind.is_trained();
            inherited.params += if is_param { spec.elements() } else { 0 };
            let Some((of_parent, inputs, outputs)) = &cuts else {
                continue;
            };
            let source = of_parent.parameters().find(|other| other.kind == spec.kind);
            let (Some(source), Some((_, child))) = (source, inherited.values.get_mut(&spec.name)) else {
                continue;
            };
            let parent = &self.values[&source.name].1;
            // Kernels of a grouped convolution have the inputs of their group only, all of which are kept.
            let own = spec.shape.get(1).copied().unwrap_or_default();
            let of_group: Vec<_> = (0..own).map(Some).collect();
            let inputs = if own == inputs.len() { inputs } else { &of_group };
            let cut = Cut { outputs, inputs };
            let copied = match spec.kind {
                ParameterKind::ConvolutionWeight | ParameterKind::LinearWeight => {
                    cut.kernel(parent, &source.shape, child, &spec.shape)
                }
                _ => cut.vector(parent, child),
            };
            inherited.copied += if is_param { copied } else { 0 };
        }
    }

    /// Rows of the classifier by the child's classes; `None` if none is taken over.
    fn class_rows(&self, classes: &ClassRows, count: usize) -> Option<Vec<Option<usize>>> {
        let own = self.architecture.head.classes as usize;
        match classes {
            ClassRows::New => None,
            ClassRows::Same => (own == count).then(|| (0..count).map(Some).collect()),
            ClassRows::Of(rows) => (rows.len() == count).then(|| {
                let known = |row: &Option<usize>| row.filter(|&row| row < own);
                rows.iter().map(known).collect()
            }),
        }
    }
}

/// Name under which nodes of different block types correspond: the last convolution of a separable block is its projection.
fn common_name(name: NodeName) -> NodeName {
    let part = if name.part == "pointwise" { "project" } else { name.part };
    NodeName { part, ..name }
}

fn is_classifier(node: &Node) -> bool {
    node.name.scope == Scope::Head && node.name.part == "classifier"
}

/// Returns true if a child's operation can take over tensors of the parent's. A grouped convolution ties input to output channels, so
/// that only all of them can be taken over; other than that it has to be of the same kind.
fn can_cut(parent: &Op, child: &Op) -> bool {
    match (parent, child) {
        (Op::Convolution { groups: one, .. }, Op::Convolution { groups: other, .. }) => {
            let is_grouped = |op: &Op, groups: u32| groups > 1 && !keeps_channels(op);
            if is_grouped(parent, *one) || is_grouped(child, *other) {
                return channels(parent) == channels(child) && one == other;
            }
            keeps_channels(parent) == keeps_channels(child)
        }
        (Op::Linear { .. }, Op::Linear { .. })
        | (Op::BatchNorm { .. }, Op::BatchNorm { .. })
        | (Op::LayerScale { .. }, Op::LayerScale { .. }) => true,
        _ => false,
    }
}

fn channels(op: &Op) -> Option<(u32, u32)> {
    match op {
        Op::Convolution {
            in_channels,
            out_channels,
            ..
        } => Some((*in_channels, *out_channels)),
        _ => None,
    }
}
