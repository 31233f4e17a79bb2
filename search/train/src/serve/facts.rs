//! Facts about libtorch for the worker's hello.

use mnas_engine::worker::{LIBTORCH_VERSION, WorkerFacts};
use tch::{Kind, Tensor};

use crate::device::loaded_library;

/// Examines libtorch in this process.
pub(super) fn gather() -> WorkerFacts {
    let sum = Tensor::f_from_slice(&[1.0_f32, 2.0])
        .and_then(|tensor| tensor.f_sum(Kind::Float))
        .and_then(|sum| sum.f_double_value(&[]));
    WorkerFacts {
        libtorch: LIBTORCH_VERSION.to_owned(),
        library: loaded_library(),
        computes: sum.is_ok_and(|sum| (sum - 3.0).abs() < 1e-6),
        threads: usize::try_from(tch::get_num_threads()).unwrap_or(0),
        cuda_devices: if tch::Cuda::is_available() {
            usize::try_from(tch::Cuda::device_count()).unwrap_or(0)
        } else {
            0
        },
    }
}
