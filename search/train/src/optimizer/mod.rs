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
/// Weight decay acts on kernels and matrices, not on biases and batch-norm.
#[derive(Debug)]
pub struct Optimizer {
    rule: Rule,
    parameters: Vec<Parameter>,
    clip_norm: Option<f64>,
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
}

impl Optimizer {
    /// The optimiser of `recipe`, with its initial state.
    pub fn new(network: &Network, recipe: &Recipe) -> Result<Self, TchError> {
        let trained = network.tensors().filter(|(spec, _)| spec.kind.is_trained());
        let trained = trained.map(|(spec, tensor)| {
            let weight_decay = if decays(spec, recipe) { recipe.weight_decay } else { 0.0 };
            (spec.name.clone(), tensor.shallow_clone(), weight_decay)
        });
        Self::over(Rule::of(recipe.optimizer, recipe.momentum), recipe.clip_norm, trained)
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
            });
        }
        Ok(Self {
            rule,
            parameters,
            clip_norm,
            steps: 0,
        })
    }

    /// Gradients of `loss` by every trained tensor, in their order.
    ///
    /// Gradients do not accumulate over steps, so that none have to be zeroed.
    pub fn gradients(&self, loss: &Tensor) -> Result<Vec<Tensor>, TchError> {
        let tensors: Vec<&Tensor> = self.parameters.iter().map(|parameter| &parameter.tensor).collect();
        Tensor::f_run_backward(&[loss], &tensors, false, false)
    }

    /// Moves every parameter against its gradient at `learning_rate`; the gradients are consumed.
    pub fn step(&mut self, mut gradients: Vec<Tensor>, learning_rate: f64) -> Result<(), TchError> {
        self.steps += 1;
        tch::no_grad(|| {
            if let Some(limit) = self.clip_norm {
                clip(&mut gradients, limit)?;
            }
            let Some(first) = self.parameters.first() else {
                return Ok(());
            };
            let step = Step::new(self.rule, self.steps, learning_rate, &first.tensor)?;
            for (parameter, gradient) in self.parameters.iter_mut().zip(gradients) {
                if gradient.defined() {
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
