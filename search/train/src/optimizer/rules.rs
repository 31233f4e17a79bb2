//! Update of one tensor in one step.

use tch::{TchError, Tensor};

use mnas_engine::training::OptimizerKind;

/// Rule of an update, see [`OptimizerKind`].
#[derive(Debug, Clone, Copy)]
pub(super) enum Rule {
    Sgd { momentum: f64 },
    Rmsprop { momentum: f64, decay: f64, epsilon: f64 },
    Adamw { beta1: f64, beta2: f64, epsilon: f64 },
}

impl Rule {
    pub(super) fn of(kind: OptimizerKind, momentum: f64) -> Self {
        match kind {
            OptimizerKind::Sgd => Self::Sgd { momentum },
            OptimizerKind::Rmsprop { decay, epsilon } => Self::Rmsprop {
                momentum,
                decay,
                epsilon,
            },
            OptimizerKind::Adamw { beta1, beta2, epsilon } => Self::Adamw { beta1, beta2, epsilon },
        }
    }

    /// Names of the tensors of a parameter's state.
    pub(super) fn state_names(self) -> &'static [&'static str] {
        match self {
            Self::Sgd { .. } => &["velocity"],
            Self::Rmsprop { .. } => &["mean-square", "velocity"],
            Self::Adamw { .. } => &["mean", "mean-square"],
        }
    }

    /// State before the first step.
    pub(super) fn initial_state(self, parameter: &Tensor) -> Result<Vec<Tensor>, TchError> {
        let values: &[f64] = match self {
            Self::Sgd { .. } => &[0.0],
            // TensorFlow's optimiser initialises the mean square to one, so that the first steps are small.
            Self::Rmsprop { .. } => &[1.0, 0.0],
            Self::Adamw { .. } => &[0.0, 0.0],
        };
        values.iter().map(|&value| filled(parameter, value)).collect()
    }
}

/// One step of a rule, the same for all tensors.
///
/// Scalars are tensors of one value: libtorch adds the product with such a tensor in one pass over the parameter, where a separate
/// multiplication takes two passes and memory for the product.
#[derive(Debug)]
pub(super) struct Step {
    rule: Rule,
    /// From 1.
    number: u64,
    rate: f64,
    /// `-rate`.
    back: Tensor,
    /// `-rate * momentum`.
    back_with_momentum: Tensor,
}

impl Step {
    /// Step `number` at learning rate `rate`, of tensors of the kind and on the device of `like`.
    pub(super) fn new(rule: Rule, number: u64, rate: f64, like: &Tensor) -> Result<Self, TchError> {
        let momentum = match rule {
            Rule::Sgd { momentum } => momentum,
            Rule::Rmsprop { .. } | Rule::Adamw { .. } => 0.0,
        };
        Ok(Self {
            rule,
            number,
            rate,
            back: scalar(-rate, like)?,
            back_with_momentum: scalar(-rate * momentum, like)?,
        })
    }

    /// Applies the step; the gradient is consumed.
    pub(super) fn apply(
        &self,
        parameter: &mut Tensor,
        mut gradient: Tensor,
        state: &mut [Tensor],
        weight_decay: f64,
    ) -> Result<(), TchError> {
        if weight_decay > 0.0 && !matches!(self.rule, Rule::Adamw { .. }) {
            gradient = gradient.f_addcmul_(parameter, &scalar(weight_decay, parameter)?)?;
        }
        let rate = self.rate;
        match (self.rule, state) {
            // v = momentum * v + g; p -= rate * (g + momentum * v)
            (Rule::Sgd { momentum }, [velocity]) => {
                let velocity = velocity.f_mul_scalar_(momentum)?.f_add_(&gradient)?;
                drop(parameter.f_addcmul_(&gradient, &self.back)?);
                drop(parameter.f_addcmul_(&velocity, &self.back_with_momentum)?);
            }
            // s = decay * s + (1 - decay) * g²; v = momentum * v + rate * g / sqrt(s + epsilon); p -= v
            (
                Rule::Rmsprop {
                    momentum,
                    decay,
                    epsilon,
                },
                [mean_square, velocity],
            ) => {
                let squared = gradient.f_square()?.f_mul_scalar_(1.0 - decay)?;
                let mean_square = mean_square.f_mul_scalar_(decay)?.f_add_(&squared)?;
                let root = mean_square.f_add_scalar(epsilon)?.f_sqrt_()?;
                let change = gradient.f_mul_scalar_(rate)?.f_div_(&root)?;
                let velocity = velocity.f_mul_scalar_(momentum)?.f_add_(&change)?;
                drop(parameter.f_sub_(&velocity)?);
            }
            // p -= rate * decay * p; m, s: running means of g and g², both corrected for their start at zero;
            // p -= rate * m / (sqrt(s) + epsilon)
            (Rule::Adamw { beta1, beta2, epsilon }, [mean, mean_square]) => {
                if weight_decay > 0.0 {
                    drop(parameter.f_mul_scalar_(1.0 - rate * weight_decay)?);
                }
                let squared = gradient.f_square()?.f_mul_scalar_(1.0 - beta2)?;
                let mean = mean
                    .f_mul_scalar_(beta1)?
                    .f_add_(&gradient.f_mul_scalar_(1.0 - beta1)?)?;
                let mean_square = mean_square.f_mul_scalar_(beta2)?.f_add_(&squared)?;
                let correction = |beta: f64| 1.0 - beta.powf(self.number as f64);
                let root = mean_square
                    .f_div_scalar(correction(beta2))?
                    .f_sqrt_()?
                    .f_add_scalar_(epsilon)?;
                let change = mean.f_div(&root)?.f_mul_scalar_(rate / correction(beta1))?;
                drop(parameter.f_sub_(&change)?);
            }
            _ => unreachable!("a rule's state has as many tensors as the rule names"),
        }
        Ok(())
    }
}

/// A tensor of one value.
fn scalar(value: f64, like: &Tensor) -> Result<Tensor, TchError> {
    Tensor::f_full([1], value, (like.kind(), like.device()))
}

/// A tensor of the same shape, memory order and device, filled with `value`.
fn filled(like: &Tensor, value: f64) -> Result<Tensor, TchError> {
    like.f_zeros_like()?.f_fill_(value)
}
