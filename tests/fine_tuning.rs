//! `mnas train --init`: trainings that begin with given weights.

use std::fs;
use std::process::Stdio;

use crate::images::write_classes;
use crate::support::{Running, Workplace, contains_all, real_data, refused, stderr, stdout};

const NETWORK: &str = "in16,conv_k3_s2_c8_nr6,ir_k3_s2_e2_c16_nr6,head_o10";
const OTHER: &str = "in16,conv_k3_s2_c8_nr6,ir_k5_s2_e1_c16_nr6,head_f24_nr6_o10";

/// A folder with the images of three classes, and the weights of a network of these.
fn workplace() -> Workplace {
    let place = Workplace::new();
    write_classes(&place, "pets", &["cat", "dog", "fox"]);
    let train = format!(
        "train {NETWORK} --data pets --recipe recipe.toml --threads 1 --mean 0.4 --std 0.3 -o pets.safetensors"
    );
    place.run(&train).success();
    place
}

fn line(flags: &str) -> String {
    format!("train {NETWORK} --data more --epochs 2 --threads 1 -o more.safetensors --init pets.safetensors {flags}")
}

#[test]
fn a_training_begins_with_given_weights() {
    let place = workplace();
    // The same classes: the network is the one of the weights.
    let same = place
        .run(&format!("{} --data pets", line("").replace("--data more ", "")))
        .success();
    let told = stderr(&same);
    contains_all(
        &told,
        &[
            "tensors matched by this program's names, 3 classes",
            "mean 0.400,0.400,0.400, std 0.300",
            "100.0 % of the parameters are inherited; classifier: 3 of 3 classes keep their rows",
        ],
    );
    write_classes(&place, "more", &["ant", "cat", "dog", "yak"]);
    let told = stderr(&place.run(&line("")).success());
    assert!(told.contains("classifier: 2 of 4 classes keep their rows"), "{told}");
    // The new weights tell the classes and the normalisation of their own training.
    write_classes(&place, "birds", &["owl", "tit"]);
    let onwards = "train ARCH --data birds --epochs 1 --init more.safetensors -o birds.safetensors --json"
        .replace("ARCH", NETWORK);
    let done = place.run(&onwards).success();
    let told = stderr(&done);
    assert!(
        told.contains("mean 0.400") && told.contains("new, since none of 2 classes is one of the weights'"),
        "{told}"
    );
    let document: serde_json::Value = serde_json::from_str(&stdout(&done)).unwrap();
    let share = document["inherited"].as_f64().unwrap();
    assert!((0.5..1.0).contains(&share), "{share}");
    // Weights of other classes are refused with this very command.
    let eval = format!("eval {NETWORK} --classes 4 --weights pets.safetensors --data more");
    refused(place.run(&eval), 3, &["mnas train ARCH --init pets.safetensors"]);
}

#[test]
fn another_network_inherits_what_it_can() {
    let place = workplace();
    write_classes(&place, "more", &["ant", "cat"]);
    let told = stderr(&place.run(&line("").replace(NETWORK, OTHER)).success());
    let share: f64 = told
        .split_once(" % of the parameters are inherited")
        .and_then(|(before, _)| before.split_whitespace().last()?.parse().ok())
        .unwrap_or_else(|| panic!("{told}"));
    assert!((20.0..90.0).contains(&share), "{share}");
    // Named by hand, the network of the weights is the same.
    place.run(&line(&format!("--parent {NETWORK}"))).success();
    let wrong = place.run(&line(&format!("--parent {OTHER}")));
    refused(wrong, 3, &["pets.safetensors", "another architecture", "tensor `"]);
    let strided = "in16,conv_k3_s4_c8_nr6,head_o10";
    let nothing = place.run(&line("").replace(NETWORK, strided));
    refused(nothing, 3, &["has no block that can be cut from"]);
}

#[test]
fn unusable_weights_are_refused() {
    let place = workplace();
    write_classes(&place, "more", &["ant", "cat"]);
    refused(
        place.run(&line("").replace("pets.s", "none.s")),
        3,
        &["none.safetensors: cannot be read"],
    );
    let mut bytes = fs::read(place.path("pets.safetensors")).unwrap();
    let last = bytes.len() - 4;
    bytes[last..].copy_from_slice(&f32::NAN.to_le_bytes());
    place.write("pets.safetensors", bytes);
    refused(place.run(&line("")), 3, &["pets.safetensors: tensor `", "holds NaN"]);
    let without = format!("train {NETWORK} --data more --parent {NETWORK}");
    refused(place.run(&without), 2, &["--init"]);
    assert!(!place.exists("more.safetensors"));
}

#[test]
fn an_interrupted_fine_tuning_is_resumed_from_the_same_weights_only() {
    let place = workplace();
    write_classes(&place, "more", &["ant", "cat"]);
    fs::copy(place.path("pets.safetensors"), place.path("other.safetensors")).unwrap();
    let long = line("").replace("--epochs 2", "--epochs 40 --checkpoint-every 0s");
    place.run(&long.replace("more.s", "whole.s")).success();
    let mut command = place.mnas(&long);
    let mut running = Running {
        child: command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap(),
    };
    running.wait_until("a checkpoint is written", || place.exists("more.checkpoint"));
    running.signal("KILL");
    assert_eq!(running.exit_code(), None);
    let resume = format!("{long} --resume");
    let other = place.run(&resume.replace("pets.s", "other.s"));
    refused(other, 3, &["more.checkpoint", "another training", "other.safetensors"]);
    let random = place.run(&resume.replace("--init pets.safetensors", "--recipe finetune --mean 0.4 --std 0.3"));
    refused(random, 3, &["more.checkpoint", "parent was", "now it is not given"]);
    place.run(&resume).success();
    let bytes = |name: &str| fs::read(place.path(name)).unwrap();
    assert!(bytes("more.safetensors") == bytes("whole.safetensors"));
}

#[test]
fn imagenet_weights_are_worth_more_than_random_ones() {
    let (Some(images), Some(weights)) = (
        real_data("imagenette-128.tar"),
        real_data("pretrained/mobilenet_v2-1.0-224.safetensors"),
    ) else {
        return;
    };
    let place = Workplace::new();
    let train = format!(
        "train mobilenet-v2 --resolution 64 --data {} --images 200 --epochs 2 --json -o v2.safetensors",
        images.display()
    );
    let done = place.run(&format!("{train} --init {}", weights.display())).success();
    let told = stderr(&done);
    contains_all(
        &told,
        &[
            "262 tensors matched by torchvision's names, 1000 classes",
            "mean 0.485,0.456,0.406, std 0.229,0.224,0.225",
            "99.4 % of the parameters are inherited; classifier: new for 10 classes, since the weights do not name theirs",
        ],
    );
    let document: serde_json::Value = serde_json::from_str(&stdout(&done)).unwrap();
    let top1 = document["top1"].as_f64().unwrap();
    assert!(top1 > 40.0, "{top1}");
}
