use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use mnas_space::Architecture;
use mnas_space::onnx::{RandomWeights, WeightSource};
use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};

use super::{Weights, WeightsError, WeightsInfo};
use crate::training::Normalization;

const SMALL: &str = "in16,conv_k3_s2_c8_nhs,ir_k3_e2_c8_se0.25_nre,head_f16_nhs_o4";

fn graph(text: &str) -> mnas_space::Graph {
    text.parse::<Architecture>().unwrap().graph()
}

/// Random weights of [`SMALL`].
fn weights() -> Weights {
    let source = RandomWeights { seed: 1 };
    let values: BTreeMap<_, _> = graph(SMALL)
        .parameters()
        .map(|spec| {
            let values = source.values(&spec).unwrap().into_owned();
            (spec.name, (spec.shape, values))
        })
        .collect();
    let info = WeightsInfo {
        architecture: SMALL.to_owned(),
        train_resolution: 16,
        image_size: None,
        normalization: Normalization::IMAGENET,
        classes: ["cat", "dog", "Käse", "a\nb"].map(str::to_owned).to_vec(),
        early_strides_removed: 1,
        data: None,
    };
    Weights::new(values, Some(info))
}

#[test]
fn a_file_gives_back_every_bit_and_its_metadata() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("deep/er/weights.safetensors");
    let written = weights();
    written.write(&path).unwrap();
    let read = Weights::read(&path).unwrap();
    assert_eq!(read.info, written.info);
    assert_eq!(read.values, written.values);
}

#[test]
fn weights_of_another_architecture_name_the_tensor_and_both_shapes() {
    let path = Path::new("some/weights.safetensors");
    let mismatch = |text: &str| weights().fitted(&graph(text), path).map(drop).unwrap_err().to_string();
    let text = mismatch("in16,conv_k3_s2_c8_nhs,ir_k5_e2_c8_se0.25_nre,head_f16_nhs_o4");
    assert!(
        text.contains("some/weights.safetensors") && text.contains("`blocks.1.depthwise.conv.weight`"),
        "{text}"
    );
    assert!(
        text.contains("[16, 1, 3, 3]") && text.contains("[16, 1, 5, 5]"),
        "{text}"
    );
    let text = mismatch("in16,conv_k3_s2_c8_nhs,ir_k3_e2_c8_se0.25_nre,conv_k1_c8_nre,head_f16_nhs_o4");
    assert!(
        text.contains("`blocks.2.main.conv.weight` [8, 8, 1, 1] is missing"),
        "{text}"
    );
    let text = mismatch("in16,conv_k3_s2_c8_nhs,ir_k3_e2_c8_nre,head_f16_nhs_o4");
    assert!(
        text.contains("`blocks.1.excite.conv.bias` is not in the architecture"),
        "{text}"
    );
    // Weights do not depend on the resolution.
    weights().fitted(&graph(&SMALL.replace("in16", "in97")), path).unwrap();
}

#[test]
fn broken_files_are_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("weights.safetensors");
    weights().write(&path).unwrap();
    let whole = std::fs::read(&path).unwrap();
    for cut in [0, 4, 8, 100, whole.len() / 2, whole.len() - 1] {
        std::fs::write(&path, &whole[..cut]).unwrap();
        let error = Weights::read(&path).unwrap_err();
        assert!(matches!(error, WeightsError::Format { .. }), "{cut}: {error}");
        assert!(
            error
                .to_string()
                .contains("weights.safetensors: not a complete safetensors file"),
            "{error}"
        );
    }
    for bytes in [&b"<!DOCTYPE html><html>not found</html>"[..], &[0; 64], &[255; 64]] {
        std::fs::write(&path, bytes).unwrap();
        assert!(matches!(Weights::read(&path), Err(WeightsError::Format { .. })));
    }
    let missing = Weights::read(&folder.path().join("nothing")).unwrap_err();
    assert!(matches!(missing, WeightsError::File(_)), "{missing}");
}

#[test]
fn files_of_other_programs_are_read_where_they_can_be() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("weights.safetensors");
    let write = |dtype, data: &[u8], metadata: Option<HashMap<String, String>>| {
        let view = TensorView::new(dtype, vec![2], data).unwrap();
        std::fs::write(&path, safetensors::serialize([("scale", view)], metadata).unwrap()).unwrap();
    };
    write(Dtype::F32, &[0, 0, 128, 63, 0, 0, 0, 192], None);
    let read = Weights::read(&path).unwrap();
    assert!(read.info.is_none());
    assert_eq!(read.values["scale"], (vec![2], vec![1.0, -2.0]));
    write(Dtype::F16, &[0, 0x3c, 0, 0xc0], None);
    assert_eq!(Weights::read(&path).unwrap().values["scale"].1, [1.0, -2.0]);
    write(Dtype::I16, &[0; 4], None);
    let text = Weights::read(&path).unwrap_err().to_string();
    assert!(text.contains("`scale` holds I16; expected floats"), "{text}");
    write(Dtype::F32, &[0, 0, 128, 63, 0, 0, 192, 127], None);
    let text = Weights::read(&path).unwrap_err().to_string();
    assert!(text.contains("tensor `scale` holds NaN at position 1"), "{text}");
    let strange = HashMap::from([("mnas".to_owned(), "{\"architecture\":3}".to_owned())]);
    write(Dtype::F32, &[0; 8], Some(strange));
    let text = Weights::read(&path).unwrap_err().to_string();
    assert!(text.contains("metadata `mnas`"), "{text}");
}

#[test]
fn other_programs_can_read_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("weights.safetensors");
    weights().write(&path).unwrap();
    let bytes = std::fs::read(&path).unwrap();
    let file = SafeTensors::deserialize(&bytes).unwrap();
    let names: Vec<String> = graph(SMALL).parameters().map(|spec| spec.name).collect();
    assert_eq!(file.len(), names.len());
    assert!(names.iter().all(|name| file.tensor(name).is_ok()));
}
