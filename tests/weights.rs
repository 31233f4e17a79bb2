//! Weight files that do not fit or are damaged.

use std::fs;

use crate::support::{Workplace, real_data, refused, stdout};

const NETWORK: &str = "in16,conv_k3_s2_c8_nr6,ir_k3_s2_e2_c16_nr6,head_o10";

fn trained() -> Workplace {
    let place = Workplace::new();
    place
        .run(&format!(
            "train {NETWORK} --data demo --images 20 --recipe recipe.toml -o w.safetensors"
        ))
        .success();
    place
}

#[test]
fn weights_of_another_architecture_are_refused_by_tensor() {
    let place = trained();
    let wider = NETWORK.replace("c16", "c24");
    let line = format!("eval {wider} --weights w.safetensors --data demo --images 20");
    refused(
        place.run(&line),
        3,
        &["w.safetensors", "another architecture", "tensor `", "[24"],
    );
    let deeper = NETWORK.replace("ir_", "ir_r2_");
    let line = format!("export {deeper} --weights w.safetensors --format onnx -o m.onnx");
    refused(place.run(&line), 3, &["w.safetensors", "tensor `", "is missing"]);
    assert!(!place.exists("m.onnx"));
}

#[test]
fn damaged_weight_files_are_refused() {
    let place = trained();
    let whole = fs::read(place.path("w.safetensors")).unwrap();
    for length in [0, 5, 200, whole.len() - 4] {
        place.write("w.safetensors", &whole[..length]);
        let texts = ["w.safetensors: not a complete safetensors file"];
        refused(
            place.run("eval --weights w.safetensors --data demo --images 20"),
            3,
            &texts,
        );
    }
    let texts = ["w.safetensors: not a complete safetensors file"];
    refused(
        place.run("export --weights w.safetensors --format onnx -o m.onnx"),
        3,
        &texts,
    );
    assert!(!place.exists("m.onnx"));
    let missing = place.run("eval --weights nowhere.safetensors --data demo --images 20");
    refused(missing, 3, &["nowhere.safetensors: cannot be read"]);
    refused(
        place.run(&format!("export {NETWORK} --format onnx -o m.onnx")),
        2,
        &["need --weights"],
    );
}

#[test]
fn real_weights_of_another_network_are_refused_with_the_matches_before() {
    let Some(path) = real_data("pretrained/efficientnet-lite0.safetensors") else {
        return;
    };
    let place = Workplace::new();
    let line = format!(
        "export mobilenet-v2 --weights {} --format onnx -o m.onnx",
        path.display()
    );
    let texts = [
        "blocks.2.0.conv_dw.weight",
        "[144, 1, 5, 5]",
        "50 tensors matched by timm's names",
    ];
    refused(place.run(&line), 3, &texts);
    let line = format!("train mobilenet-v2 --data demo --init {}", path.display());
    refused(
        place.run(&line),
        3,
        &["blocks.2.0.conv_dw.weight", "[144, 1, 5, 5]", "name it with --parent"],
    );
    let line = format!(
        "export efficientnet-lite0 --weights {} --format safetensors -o m.safetensors --show-matching",
        path.display()
    );
    let table = stdout(&place.run(&line).success());
    assert!(table.contains("247 tensors matched by timm's names"), "{table}");
    assert!(table.contains("blocks.1.0.conv_pwl.weight"), "{table}");
}
