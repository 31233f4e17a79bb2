//! Stochastic gradient descent with momentum.

use tch::{TchError, Tensor};

use super::Network;

/// SGD with Nesterov momentum as `PyTorch` defines it:
/// `g = gradient + decay * p`, `v = momentum * v + g`, `p -= rate * (g + momentum * v)`.
///
/// Weight decay acts on kernels and matrices, not on biases and batch-norm.
#[derive(Debug)]
pub struct Sgd {
    parameters: Vec<Parameter>,
    momentum: f64,
}

#[derive(Debug)]
struct Parameter {
    tensor: Tensor,
    velocity: Tensor,
    weight_decay: f64,
}

impl Sgd {
    /// An optimiser for all trained tensors of `network`.
    pub fn new(network: &Network, momentum: f64, weight_decay: f64) -> Result<Self, TchError> {
        let parameters = network
            .tensors()
            .filter(|(spec, _)| spec.kind.is_trained())
            .map(|(spec, tensor)| {
                Ok(Parameter {
                    tensor: tensor.shallow_clone(),
                    velocity: tensor.detach().f_zeros_like()?,
                    weight_decay: if spec.kind.is_decayed() { weight_decay } else { 0.0 },
                })
            })
            .collect::<Result<_, TchError>>()?;
        Ok(Self { parameters, momentum })
    }

    /// Forgets all gradients.
    pub fn zero_grad(&mut self) {
        for parameter in &mut self.parameters {
            parameter.tensor.zero_grad();
        }
    }

    /// Moves every parameter against its gradient at `learning_rate`.
    pub fn step(&mut self, learning_rate: f64) -> Result<(), TchError> {
        tch::no_grad(|| {
            self.parameters
                .iter_mut()
                .try_for_each(|one| one.step(learning_rate, self.momentum))
        })
    }
}

impl Parameter {
    fn step(&mut self, learning_rate: f64, momentum: f64) -> Result<(), TchError> {
        let mut gradient = self.tensor.f_grad()?;
        if !gradient.defined() {
            return Ok(());
        }
        if self.weight_decay > 0.0 {
            gradient = gradient.f_add_(&self.tensor.f_mul_scalar(self.weight_decay)?)?;
        }
        let velocity = self.velocity.f_mul_scalar_(momentum)?.f_add_(&gradient)?;
        let mut direction = velocity.f_mul_scalar(momentum)?.f_add_(&gradient)?;
        self.tensor.f_sub_(&direction.f_mul_scalar_(learning_rate)?).map(drop)
    }
}
