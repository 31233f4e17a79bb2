//! Names of tensors in torchvision and timm, for the networks that these packages have: the inverse of [`Matching`](super::Matching).

mod networks;
mod timm;
mod torchvision;

use std::collections::BTreeMap;
use std::fmt;

use mnas_space::{Architecture, Block, Graph, Scope};

use super::matching::Naming;
use super::{Matching, Weights};

/// `PyTorch` package of networks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Package {
    /// torchvision.
    Torchvision,
    /// timm (PyTorch Image Models).
    Timm,
}

impl fmt::Display for Package {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Torchvision => "torchvision",
            Self::Timm => "timm",
        })
    }
}

/// Network of a package.
#[derive(Debug, Clone, PartialEq)]
pub struct PackageNetwork {
    /// The package.
    pub package: Package,
    /// Python expression that builds the network.
    pub constructor: String,
    /// Epsilon to set in its batch-norm layers, where the package's is another and the constructor has no argument for it.
    pub epsilon: Option<f64>,
    /// Name and shape in the package of each tensor, by this program's name.
    tensors: BTreeMap<String, (String, Vec<usize>)>,
}

/// An architecture that a package does not have.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{package} has no network with these layers; it has {known}")]
pub struct NotInPackage {
    /// The package.
    pub package: Package,
    /// The references that it has, with their width multipliers.
    pub known: String,
}

impl Package {
    /// Naming rules of the package's weight files.
    pub fn naming(self) -> Naming {
        match self {
            Self::Torchvision => Naming::Torchvision,
            Self::Timm => Naming::Timm,
        }
    }

    /// The references that the package has, with their width multipliers where there are several.
    fn known(self) -> String {
        let mut widths: Vec<(&str, Vec<String>)> = Vec::new();
        for entry in networks::of(self) {
            match widths.last_mut() {
                Some((reference, widths)) if *reference == entry.reference => widths.push(entry.width.to_string()),
                _ => widths.push((entry.reference, vec![entry.width.to_string()])),
            }
        }
        let names = widths.into_iter().map(|(reference, widths)| match &widths[..] {
            [_] => reference.to_owned(),
            widths => format!("{reference} (widths {})", widths.join(", ")),
        });
        names.collect::<Vec<_>>().join(", ")
    }
}

impl PackageNetwork {
    /// The network of `package` with the layers of `architecture`, at any resolution and number of classes.
    pub fn of(package: Package, architecture: &Architecture) -> Result<Self, NotInPackage> {
        let Some(entry) = networks::find(package, architecture) else {
            return Err(NotInPackage {
                package,
                known: package.known(),
            });
        };
        let graph = architecture.graph();
        let blocks = BlockNames::all(architecture, &graph);
        let stages = entry.stages();
        let tensors = graph.nodes.iter().flat_map(|node| {
            let layer = match node.name.scope {
                Scope::Block(index) => {
                    let block = &blocks[usize::from(index)];
                    let place = stages.place(usize::from(index));
                    match package {
                        Package::Torchvision => torchvision::layer(entry.style, block, place, node.name),
                        Package::Timm => timm::layer(block, place, node.name),
                    }
                }
                Scope::Head => match package {
                    Package::Torchvision => torchvision::head(architecture.head, node.name),
                    Package::Timm => timm::head(node.name),
                },
            };
            let is_convolution = package == Package::Timm && layer == timm::HIDDEN;
            node.parameters().map(move |spec| {
                let mut shape = spec.shape.clone();
                if is_convolution && shape.len() == 2 {
                    shape.extend([1, 1]);
                }
                (spec.name, (format!("{layer}.{}", spec.kind.suffix()), shape))
            })
        });
        let tensors = tensors.collect();
        let epsilon = architecture.batch_norm.epsilon();
        let (constructor, epsilon) = entry.constructor(package, architecture.head.classes, epsilon);
        Ok(Self {
            package,
            constructor,
            epsilon,
            tensors,
        })
    }

    /// Weights under this program's names, with the names and shapes of the package.
    pub fn renamed(&self, weights: &Weights) -> Weights {
        let values = weights.tensors().map(|(name, shape, values)| {
            let (name, shape) = match self.tensors.get(name) {
                Some((name, shape)) => (name.clone(), shape.clone()),
                None => (name.to_owned(), shape.to_vec()),
            };
            (name, (shape, values.to_vec()))
        });
        Weights::new(values.collect(), weights.info.clone())
    }

    /// Checks whether a matching, read from a file, is the inverse of this network's names.
    pub fn is_inverse_of(&self, matching: &Matching) -> bool {
        matching.naming == self.package.naming()
            && matching.matches.len() == self.tensors.len()
            && matching.matches.iter().all(|found| {
                let expected = self.tensors.get(&found.parameter.name);
                expected == Some(&(found.source.clone(), found.source_shape.clone()))
            })
    }
}

/// Position of a block in the stages of a package.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// First convolution of the network.
    Stem,
    /// Block of a stage.
    Stage {
        /// Index of the block in the network; the stem is 0.
        index: usize,
        /// Index of the stage after the stem.
        stage: usize,
        /// Index of the block in the stage.
        layer: usize,
    },
    /// Last convolution before pooling, outside of the stages.
    Last {
        /// Index of the block in the network.
        index: usize,
        /// Number of stages.
        stages: usize,
    },
}

/// Numbers of blocks in the stages of a network, without stem and last convolution.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Stages(Vec<usize>);

impl Stages {
    fn place(&self, index: usize) -> Place {
        let Some(mut layer) = index.checked_sub(1) else {
            return Place::Stem;
        };
        for (stage, depth) in self.0.iter().enumerate() {
            if layer < *depth {
                return Place::Stage { index, stage, layer };
            }
            layer -= depth;
        }
        Place::Last {
            index,
            stages: self.0.len(),
        }
    }
}

/// Block with the names of its layers.
struct BlockNames {
    block: Block,
    /// Parts with weights in order of execution; squeeze-excite is `squeeze` and `excite`.
    parts: Vec<&'static str>,
}

impl BlockNames {
    fn all(architecture: &Architecture, graph: &Graph) -> Vec<Self> {
        let blocks = architecture.blocks.iter().enumerate();
        let names = blocks.map(|(index, block)| {
            let scope = Scope::Block(u16::try_from(index).unwrap_or(u16::MAX));
            let weighted = |leaf: &str| matches!(leaf, "conv" | "linear");
            let parts = graph.nodes.iter().map(|node| node.name);
            let parts = parts.filter(|name| name.scope == scope && weighted(name.leaf));
            Self {
                block: *block,
                parts: parts.map(|name| name.part).collect(),
            }
        });
        names.collect()
    }

    fn has(&self, part: &str) -> bool {
        self.parts.contains(&part)
    }

    /// Index of a part among the block's modules; squeeze-excite is one module.
    fn position(&self, part: &str) -> usize {
        let modules = self.parts.iter().filter(|part| **part != "excite");
        let wanted = if part == "excite" { "squeeze" } else { part };
        modules.take_while(|part| **part != wanted).count()
    }
}

#[cfg(test)]
mod tests;
