//! Optimisers: one step of every trained tensor against its gradient.
//!
//! Each optimiser is a rule of a few lines for one tensor and its state; the common part (the choice of tensors that decay, clipping,
//! the state for checkpoints) is here.

mod rules;

use mnas_space::{ParameterKind, ParameterSpec};
use tch::{TchError, Tensor};

use mnas_engine::training::Recipe;

use crate::network::Network;
use rules::{Rule, Step};

/// An optimiser for all trained tensors of a network.
///
/// Weight decay acts on kernels and matrices, not on biases and batch-norm. In a first part of the training only the classifier may be
/// trained, see [`Optimizer::with_head_steps`].
#[derive(Debug)]
pub struct Optimizer {
    rule: Rule,
    parameters: Vec<Parameter>,
    clip_norm: Option<f64>,
    /// Steps at the start in which only the classifier is trained.
    head_steps: u64,
    /// Factor of the learning rate of all tensors but the classifier's.
    backbone_rate: f64,
    /// Steps made.
    steps: u64,
}

#[derive(Debug)]
struct Parameter {
    name: String,
    tensor: Tensor,
    /// State of the rule: tensors of the parameter's shape.
    state: Vec<Tensor>,
    weight_decay: f64,
    is_classifier: bool,
}

impl Optimizer {
    /// The optimiser of `recipe`, with its initial state.
    pub fn new(network: &Network, recipe: &Recipe) -> Result<Self, TchError> {
        let trained = network.tensors().filter(|(spec, _)| spec.kind.is_trained());
        let trained = trained.map(|(spec, tensor)| {
            let weight_decay = if decays(spec, recipe) { recipe.weight_decay } else { 0.0 };
            (spec.name.clone(), tensor.shallow_clone(), weight_decay)
        });
        let rule = Rule::of(recipe.optimizer, recipe.momentum);
        let mut optimizer = Self::over(rule, recipe.clip_norm, trained)?;
        optimizer.backbone_rate = recipe.backbone_rate;
        for parameter in &mut optimizer.parameters {
            parameter.is_classifier = network.is_of_classifier(&parameter.name);
        }
        Ok(optimizer)
    }

    /// The optimiser with only the classifier trained in the first `steps` steps.
    #[must_use]
    pub fn with_head_steps(self, steps: u64) -> Self {
        Self {
            head_steps: steps,
            ..self
        }
    }

    /// Returns true if the next step trains the classifier alone.
    pub fn trains_classifier_only(&self) -> bool {
        self.steps < self.head_steps
    }

    /// An optimiser of `(name, tensor, weight decay)`.
    fn over(
        rule: Rule,
        clip_norm: Option<f64>,
        tensors: impl Iterator<Item = (String, Tensor, f64)>,
    ) -> Result<Self, TchError> {
        let mut parameters = Vec::new();
        for (name, tensor, weight_decay) in tensors {
            let state = rule.initial_state(&tensor.detach())?;
            parameters.push(Parameter {
                name,
                tensor,
                state,
                weight_decay,
                is_classifier: false,
            });
        }
        Ok(Self {
            rule,
            parameters,
            clip_norm,
            head_steps: 0,
            backbone_rate: 1.0,
            steps: 0,
        })
    }

    /// Gradients of `loss` by every tensor that the next step trains, in their order.
    ///
    /// Gradients do not accumulate over steps, so that none have to be zeroed.
    pub fn gradients(&self, loss: &Tensor) -> Result<Vec<Tensor>, TchError> {
        let is_classifier_only = self.trains_classifier_only();
        let trained = self
            .parameters
            .iter()
            .filter(|parameter| parameter.is_classifier || !is_classifier_only);
        let tensors: Vec<&Tensor> = trained.map(|parameter| &parameter.tensor).collect();
        Tensor::f_run_backward(&[loss], &tensors, false, false)
    }

    /// Moves every parameter of [`Optimizer::gradients`] against its gradient at `learning_rate`; the gradients are consumed.
    pub fn step(&mut self, mut gradients: Vec<Tensor>, learning_rate: f64) -> Result<(), TchError> {
        let is_classifier_only = self.trains_classifier_only();
        self.steps += 1;
        tch::no_grad(|| {
            if let Some(limit) = self.clip_norm {
                clip(&mut gradients, limit)?;
            }
            let Some(first) = self.parameters.first() else {
                return Ok(());
            };
            let of_classifier = Step::new(self.rule, self.steps, learning_rate, &first.tensor)?;
            // Rules that count their steps count those of the other tensors from their own first one.
            let backbone_steps = self.steps.saturating_sub(self.head_steps);
            let backbone_rate = learning_rate * self.backbone_rate;
            let of_backbone = Step::new(self.rule, backbone_steps, backbone_rate, &first.tensor)?;
            let parameters = self.parameters.iter_mut();
            let trained = parameters.filter(|parameter| parameter.is_classifier || !is_classifier_only);
            for (parameter, gradient) in trained.zip(gradients) {
                if gradient.defined() {
                    let step = if parameter.is_classifier {
                        &of_classifier
                    } else {
                        &of_backbone
                    };
                    let Parameter {
                        tensor,
                        state,
                        weight_decay,
                        ..
                    } = parameter;
                    step.apply(tensor, gradient, state, *weight_decay)?;
                }
            }
            Ok(())
        })
    }

    /// Number of steps so far.
    pub fn steps(&self) -> u64 {
        self.steps
    }

    /// Sets the number of steps, for a state that was read from a checkpoint.
    pub(crate) fn set_steps(&mut self, steps: u64) {
        self.steps = steps;
    }

    /// State between steps, with names, in a fixed order.
    pub(crate) fn state(&self) -> impl Iterator<Item = (String, &Tensor)> {
        let names = self.rule.state_names();
        self.parameters.iter().flat_map(move |parameter| {
            let tensors = names.iter().zip(&parameter.state);
            tensors.map(|(name, tensor)| (format!("{name}.{}", parameter.name), tensor))
        })
    }
}

/// Scales all gradients so that their common Euclidean norm is at most `limit`, as `PyTorch`'s `clip_grad_norm_` does.
///
/// The norm stays on the device, so that no step waits for it.
fn clip(gradients: &mut [Tensor], limit: f64) -> Result<(), TchError> {
    let defined = || gradients.iter().filter(|gradient| gradient.defined());
    let norms = defined().map(Tensor::f_norm).collect::<Result<Vec<_>, _>>()?;
    if norms.is_empty() {
        return Ok(());
    }
    let norm = Tensor::f_stack(&norms, 0)?.f_norm()?.f_add_scalar(1e-6)?;
    let factor = norm.f_reciprocal()?.f_mul_scalar(limit)?.f_clamp_max(1.0)?;
    for gradient in gradients.iter_mut().filter(|gradient| gradient.defined()) {
        let factor = factor.f_to_kind(gradient.kind())?;
        drop(gradient.f_mul_(&factor)?);
    }
    Ok(())
}

fn decays(spec: &ParameterSpec, recipe: &Recipe) -> bool {
    let depthwise = spec.kind == ParameterKind::ConvolutionWeight && spec.shape[1] == 1;
    spec.kind.is_decayed() && (recipe.decay_depthwise || !depthwise)
}

#[cfg(test)]
mod tests;
