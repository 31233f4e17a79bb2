//! Convolutions in the form that libtorch computes fastest.
//!
//! libtorch's convolution on a CPU is made for large images. On images of one or two pixels, the input of half of the layers of a
//! `MobileNet` for small images, the gradient of a depthwise kernel takes up to a hundred times the time of its arithmetic. On such
//! images the same sum is computed without the products with padding.

use tch::{TchError, Tensor};

/// Attributes of a convolution.
#[derive(Debug, Clone, Copy)]
pub(super) struct Convolution {
    /// Side of the square kernel, odd; the padding is half of it.
    pub kernel: i64,
    pub stride: i64,
    pub groups: i64,
}

impl Convolution {
    /// Applies the convolution to `x`, `[batch, channels, height, width]`; operand and result are in channels-last memory order.
    pub(super) fn apply(self, x: &Tensor, weight: &Tensor, bias: Option<&Tensor>) -> Result<Tensor, TchError> {
        let Self { kernel, stride, groups } = self;
        let (_, channels, height, width) = x.size4()?;
        let depthwise = groups == channels && weight.size()[0] == channels;
        if (height, width) == (1, 1) && groups == 1 {
            return self.of_one_pixel(x, weight, bias);
        }
        if (height, width) == (1, 1) && depthwise && bias.is_none() {
            return x.f_mul(&self.centre(weight)?.f_view([1, channels, 1, 1])?);
        }
        let small = height.max(width) < kernel && kernel == 3;
        if small && depthwise && !x.device().is_cuda() {
            let padded = x.f_constant_pad_nd([1; 4])?;
            return padded.f_conv2d(weight, bias, [stride; 2], [0; 2], [1; 2], groups);
        }
        x.f_conv2d(weight, bias, [stride; 2], [kernel / 2; 2], [1; 2], groups)
    }

    /// A matrix product: on an image of one pixel, only the centre of the kernel is multiplied with a pixel.
    fn of_one_pixel(self, x: &Tensor, weight: &Tensor, bias: Option<&Tensor>) -> Result<Tensor, TchError> {
        let (images, channels, ..) = x.size4()?;
        let y = x.f_reshape([images, channels])?.f_linear(&self.centre(weight)?, bias)?;
        y.f_view([images, 1, 1, -1])?.f_permute([0, 3, 1, 2])
    }

    /// Centre of every kernel: `[outputs, inputs per group, kernel, kernel]` -> `[outputs, inputs per group]`.
    fn centre(self, weight: &Tensor) -> Result<Tensor, TchError> {
        if self.kernel == 1 {
            return weight.f_flatten(1, -1);
        }
        weight.f_select(3, self.kernel / 2)?.f_select(2, self.kernel / 2)
    }
}

/// Mean of every channel, `[batch, channels, 1, 1]`.
///
/// Computed over the rows of a matrix, so that the gradient is in channels-last order too; a mean over the dimensions of the image has a
/// gradient in another order.
pub(super) fn global_average(x: &Tensor) -> Result<Tensor, TchError> {
    let (images, channels, height, width) = x.size4()?;
    let rows = x
        .f_permute([0, 2, 3, 1])?
        .f_reshape([images, height * width, channels])?;
    let mean = rows.f_mean_dim([1i64].as_slice(), true, None)?;
    mean.f_view([images, 1, 1, channels])?.f_permute([0, 3, 1, 2])
}
