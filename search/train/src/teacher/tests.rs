//! The divergence's numbers are made with `PyTorch` 2.11 by this script:
//!
//! ```python
//! import torch
//! torch.set_default_dtype(torch.float64)
//! wave = lambda n, k: torch.sin(torch.arange(n) ** 2 + k)
//! student = (3 * wave(20, 0.3).view(4, 5)).requires_grad_()
//! teacher = 3 * wave(20, 1.7).view(4, 5)
//! T = 4.0
//! kl = torch.nn.functional.kl_div((student / T).log_softmax(1), (teacher / T).softmax(1), reduction="batchmean") * T * T
//! kl.backward()
//! print(kl.item(), student.grad.flatten()[:5].tolist())
//! ```

#![allow(clippy::unreadable_literal, reason = "printed by another program")]

use tch::{Device, Kind, Tensor};

use super::{Teacher, TeacherError, conversion, softened_divergence};
use crate::testing::{images, network, noise, save, values};
use mnas_engine::training::Distillation;
use mnas_engine::training::Normalization;

const SMALL: &str = "in16,conv_k3_s2_c8_nhs,ir_k3_e2_c8_nre,head_o4";

fn wave(shift: f64) -> Tensor {
    let index = Tensor::arange(20, (Kind::Double, Device::Cpu));
    ((&index * &index + shift).sin() * 3.0).view([4, 5])
}

#[test]
fn the_divergence_and_its_gradient_are_those_of_pytorch() {
    let student = wave(0.3).to_kind(Kind::Float).set_requires_grad(true);
    let divergence = softened_divergence(&student, &wave(1.7), 4.0).unwrap();
    assert!((divergence.double_value(&[]) - 2.8498280738876414).abs() < 1e-5);
    divergence.backward();
    let expected = [
        -0.1854413930419754,
        0.10173748311685121,
        -0.03847547903139063,
        0.10218941851772599,
        0.019989970438788723,
    ];
    for (one, other) in values(&student.grad()).iter().zip(expected) {
        assert!((f64::from(*one) - other).abs() < 1e-5, "{one} {other}");
    }
}

#[test]
fn images_are_turned_into_the_teachers_normalisation() {
    let (student, teacher) = (
        Normalization::IMAGENET,
        Normalization {
            mean: [0.5; 3],
            std: [0.5; 3],
        },
    );
    let (factor, offset) = conversion(student, teacher, Device::Cpu).unwrap().unwrap();
    let pixels = noise(2, 4, 1);
    let normalised = |by: Normalization| {
        let tensor = |values: [f32; 3]| Tensor::from_slice(&values).view([1, 3, 1, 1]);
        (&pixels - tensor(by.mean)) / tensor(by.std)
    };
    let found = normalised(student) * factor + offset;
    assert!((found - normalised(teacher)).abs().max().double_value(&[]) < 1e-5);
    assert!(conversion(student, student, Device::Cpu).unwrap().is_none());
}

#[test]
fn a_teacher_of_other_classes_or_without_a_name_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let set = images(8, 4).train;
    let path = folder.path().join("teacher.safetensors");
    let settings = Distillation {
        weights: path.clone(),
        architecture: None,
        temperature: 4.0,
        weight: 0.5,
    };
    let open =
        |settings: &Distillation, scores| Teacher::open(settings, &set, scores, Normalization::IMAGENET, Device::Cpu);
    let missing = open(&settings, 4).unwrap_err();
    assert!(matches!(&missing, TeacherError::Weights(_)), "{missing}");
    assert!(missing.to_string().contains("teacher.safetensors"), "{missing}");
    save(&network(SMALL, 1), SMALL, set.classes(), &path);
    assert!(open(&settings, 4).is_ok());
    let error = open(&settings, 5).unwrap_err().to_string();
    assert!(error.contains("it scores 4, the student 5"), "{error}");
    let mut classes = set.classes().to_vec();
    classes.swap(1, 2);
    save(&network(SMALL, 1), SMALL, &classes, &path);
    let error = open(&settings, 4).unwrap_err().to_string();
    assert!(error.contains("stands where the images have"), "{error}");
    let wrong = Distillation {
        architecture: Some("in16,conv".to_owned()),
        ..settings
    };
    assert!(matches!(open(&wrong, 4), Err(TeacherError::Architecture { .. })));
}
