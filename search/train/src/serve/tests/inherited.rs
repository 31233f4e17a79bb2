//! Trainings that inherit from a parent.

use mnas_engine::training::weights::Weights;
use mnas_engine::training::{Normalization, ParentWeights, Proxy};
use mnas_engine::worker::{FailureKind, FromWorker, InheritedWeights, TrainRequest};

use super::{Talk, request, train};

#[test]
fn a_training_inherits_from_a_parent() {
    let folder = tempfile::tempdir().unwrap();
    let mut talk = Talk::start();
    talk.prepare();
    let weights = folder.path().join("parent.safetensors");
    let of_parent = talk.train(request(Some(weights.clone())));
    assert_eq!(of_parent.inherited, None);
    let parent = ParentWeights {
        architecture: request(None).architecture,
        weights: weights.clone(),
    };
    let child = |text: &str, name: &str| TrainRequest {
        architecture: text.to_owned(),
        parent: Some(parent.clone()),
        seed: 11,
        ..request(Some(folder.path().join(name)))
    };
    // The parent itself, and a narrower network with another kernel.
    let same = talk.train(child(&parent.architecture, "same.safetensors"));
    assert_eq!(same.inherited, Some(1.0));
    let text = "in32,conv_k3_s2_c8_nhs,ir_k5_e1_c8_nre,head_o10";
    let narrow = talk.train(child(text, "narrow.safetensors"));
    assert!(
        narrow.inherited.is_some_and(|share| (0.5..1.0).contains(&share)),
        "{:?}",
        narrow.inherited
    );
    let first = std::fs::read(folder.path().join("narrow.safetensors")).unwrap();
    let again = talk.train(child(text, "again.safetensors"));
    assert_eq!((again.accuracy, again.train_loss), (narrow.accuracy, narrow.train_loss));
    assert!(std::fs::read(folder.path().join("again.safetensors")).unwrap() == first);
    // A training that goes on from weights of its own does not inherit.
    let onwards = TrainRequest {
        start_from: Some(folder.path().join("narrow.safetensors")),
        ..child(text, "onwards.safetensors")
    };
    assert_eq!(talk.train(onwards).inherited, None);

    let strange = "in32,conv_k3_s4_c8_nhs,ir_k3_s3_e2_c8_nre,head_o10";
    let strange = TrainRequest {
        proxy: Proxy::DIRECT,
        ..child(strange, "strange.safetensors")
    };
    let (reason, kind) = talk.failure(train(strange));
    assert!(
        reason.contains("has no block that can be cut from") && kind == FailureKind::Input,
        "{reason}"
    );
    let missing = TrainRequest {
        parent: Some(ParentWeights {
            weights: folder.path().join("none.safetensors"),
            ..parent.clone()
        }),
        ..child(text, "missing.safetensors")
    };
    let (reason, _) = talk.failure(train(missing));
    assert!(reason.contains("none.safetensors"), "{reason}");
    talk.end();
}

#[test]
fn images_are_normalised_as_the_parents_weights_expect() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let mut talk = Talk::start();
    talk.prepare();
    let given = Normalization {
        mean: [0.25; 3],
        std: [0.5; 3],
    };
    talk.train(TrainRequest {
        normalization: Some(given),
        ..request(Some(path("parent.safetensors")))
    });
    let child = |name: &str, normalization| TrainRequest {
        parent: Some(ParentWeights {
            architecture: request(None).architecture,
            weights: path("parent.safetensors"),
        }),
        normalization,
        ..request(Some(path(name)))
    };
    let found = |name: &str| Weights::read(&path(name)).unwrap().info.unwrap().normalization;
    assert_eq!(found("parent.safetensors"), given);
    let id = talk.send(&train(child("child.safetensors", None)));
    let (_, progress) = talk.reply_to(id);
    let inherited = InheritedWeights {
        share: 1.0,
        kept_classes: Some(10),
        classes: 10,
    };
    assert!(progress.contains(&FromWorker::Inherited(inherited)), "{progress:?}");
    assert_eq!(found("child.safetensors"), given);
    talk.train(child("other.safetensors", Some(Normalization::IMAGENET)));
    assert_eq!(found("other.safetensors"), Normalization::IMAGENET);
    talk.end();
}
