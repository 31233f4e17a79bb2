//! `mnas export` and `mnas predict`: every format, read back, and bad input.

use std::fs;

use serde_json::Value;

use crate::support::{Workplace, has_litert, names, refused, stderr, stdout};

const NETWORK: &str = "in16,conv_k3_s2_c8_nhs,ir_k3_s2_e2_c16_se0.25_nhs,head_o10";

/// A folder with the weights of a trained network.
fn trained() -> Workplace {
    let place = Workplace::new();
    place
        .run(&format!(
            "train {NETWORK} --data demo --images 60 --recipe recipe.toml -o w.safetensors"
        ))
        .success();
    place
}

fn export(place: &Workplace, arguments: &str) -> Value {
    let done = place.run(&format!("export --weights w.safetensors --json {arguments}"));
    serde_json::from_str(&stdout(&done.success())).unwrap()
}

/// An image file: a BMP of one colour.
fn picture(place: &Workplace, name: &str, [red, green, blue]: [u8; 3]) {
    const SIDE: u32 = 20;
    let mut bytes = b"BM".to_vec();
    for word in [54 + SIDE * SIDE * 3, 0, 54, 40, SIDE, SIDE] {
        bytes.extend(word.to_le_bytes());
    }
    bytes.extend([1, 0, 24, 0]);
    bytes.extend([0; 24]);
    bytes.extend([blue, green, red].repeat((SIDE * SIDE) as usize));
    place.write(name, bytes);
}

#[test]
fn every_format_is_written_and_agrees() {
    if !has_litert() {
        return;
    }
    let place = trained();
    for (arguments, file, most) in [
        ("--format onnx", "m.onnx", 1e-4),
        ("--format onnx --fold=false", "plain.onnx", 1e-4),
        ("--format torchscript", "m.pt", 1e-4),
        ("--format tflite", "m.tflite", 1e-4),
        ("--format tflite --precision fp16", "half.tflite", 2e-2),
        (
            "--format tflite --precision int8 --data demo --images 40",
            "int8.tflite",
            0.5,
        ),
        ("--format safetensors", "m.safetensors", 0.0),
        ("--format toml", "m.toml", 0.0),
    ] {
        let found = export(&place, &format!("{arguments} -o out/{file}"));
        let size = fs::metadata(place.path("out").join(file)).unwrap().len();
        assert_eq!(found["path"], format!("out/{file}"));
        assert_eq!(found["bytes"].as_u64(), Some(size));
        let difference = found["largest_difference"].as_f64();
        assert!(difference.is_some_and(|difference| difference <= most), "{found}");
    }
    assert_eq!(names(&place.path("out")).len(), 8);
}

#[test]
fn a_python_module_has_its_weights_beside_it() {
    let place = trained();
    let found = export(&place, "--format pytorch -o out/net.py");
    assert_eq!(names(&place.path("out")), ["net.py", "net.safetensors"]);
    let text = place.read("out/net.py");
    assert!(text.contains("WEIGHTS = \"net.safetensors\"") && text.contains("class Network(nn.Module):"));
    // The difference is absent where there is no Python with PyTorch.
    assert!(found["largest_difference"].is_null() || found["largest_difference"].as_f64() < Some(1e-4));
    let whole = fs::read(place.path("out/net.safetensors")).unwrap();
    assert_eq!(found["bytes"].as_u64(), Some((whole.len() + text.len()) as u64));
}

#[test]
fn files_predict_the_classes_that_they_name() {
    if !has_litert() {
        return;
    }
    let place = trained();
    picture(&place, "red.bmp", [220, 20, 20]);
    picture(&place, "blue.bmp", [20, 20, 220]);
    export(&place, "--format onnx -o m.onnx");
    export(&place, "--format tflite -o m.tflite");
    export(
        &place,
        "--format tflite --precision int8 --data demo --images 40 -o int8.tflite",
    );
    let predict = |model: &str| -> Value {
        let done = place
            .run(&format!("predict red.bmp blue.bmp --model {model} --json"))
            .success();
        serde_json::from_str(&stdout(&done)).unwrap()
    };
    let (onnx, tflite, int8) = (predict("m.onnx"), predict("m.tflite"), predict("int8.tflite"));
    for number in 0..2 {
        let classes = |found: &Value| found["images"][number]["classes"].as_array().unwrap().clone();
        let (one, other) = (classes(&onnx), classes(&tflite));
        assert_eq!((one.len(), other.len(), classes(&int8).len()), (5, 5, 5));
        for (one, other) in one.iter().zip(&other) {
            assert_eq!(one["class"], other["class"]);
            let difference = one["percent"].as_f64().unwrap() - other["percent"].as_f64().unwrap();
            assert!(difference.abs() < 0.01, "{one} {other}");
        }
        // Names, not numbers.
        assert!(one[0]["class"].as_str().unwrap().parse::<u32>().is_err(), "{one:?}");
        assert!(onnx["images"][number]["ms"].as_f64() > Some(0.0));
    }
    let shown = place.run("predict red.bmp --model m.tflite").success();
    assert!(!stderr(&shown).contains("INFO"), "{}", stderr(&shown));
    let table = stdout(&shown);
    assert!(table.contains("red.bmp") && table.lines().count() >= 6, "{table}");
}

#[test]
fn a_study_exports_and_predicts_with_its_best_network() {
    if !has_litert() {
        return;
    }
    let place = Workplace::new();
    place.search("--trials 3").success();
    picture(&place, "red.bmp", [220, 20, 20]);
    let done = place
        .run("export study --format tflite -o best.tflite --json")
        .success();
    let found: Value = serde_json::from_str(&stdout(&done)).unwrap();
    assert!(found["largest_difference"].as_f64() < Some(1e-4), "{found}");
    place.run("predict red.bmp --model study").success();
    place.run("predict red.bmp --model best.tflite").success();
    place.write("empty/file", "");
    refused(
        place.run("export empty --format toml -o a.toml"),
        3,
        &["empty holds no study"],
    );
    refused(place.run("predict red.bmp --model empty"), 3, &["empty holds no study"]);
}

#[test]
fn an_existing_file_is_kept_unless_told_otherwise() {
    let place = trained();
    place.write("m.onnx", "precious");
    let line = "export --weights w.safetensors --format onnx -o m.onnx";
    refused(place.run(line), 2, &["m.onnx exists already", "--overwrite"]);
    assert_eq!(place.read("m.onnx"), "precious");
    place.run(&format!("{line} --overwrite")).success();
    assert!(fs::read(place.path("m.onnx")).unwrap().len() > 100);
}

#[test]
fn exports_without_what_they_need_leave_no_file() {
    if !has_litert() {
        return;
    }
    let place = trained();
    place.write("file", "");
    place.write("labels.txt", "one\ntwo\n");
    let wider = NETWORK.replace("c16", "c24");
    for (line, code, texts) in [
        (
            "--weights w.safetensors --format tflite -o file/m.tflite",
            1,
            vec!["file: cannot be written"],
        ),
        ("--format tflite -o m.tflite", 2, vec!["give ARCH, or --weights"]),
        ("mobilenet-v2 --format tflite -o m.tflite", 2, vec!["need --weights"]),
        (
            "--weights w.safetensors --format onnx --precision int8 -o m.onnx",
            2,
            vec!["--precision is for --format tflite"],
        ),
        (
            "--weights w.safetensors --format tflite --precision int8 --data nowhere -o m.tflite",
            3,
            vec!["nowhere does not exist"],
        ),
        (
            "--weights w.safetensors --format onnx --labels labels.txt -o m.onnx",
            3,
            vec!["labels.txt names 2 classes", "10"],
        ),
    ] {
        refused(place.run(&format!("export {line}")), code, &texts);
    }
    let line = format!("export {wider} --weights w.safetensors --format tflite -o m.tflite");
    refused(place.run(&line), 3, &["w.safetensors", "another architecture", "[24"]);
    assert!(!place.exists("m.tflite") && !place.exists("m.onnx"));
    let left = names(&place.path("."));
    assert!(!left.iter().any(|name| name.starts_with(".mnas-")), "{left:?}");
}

#[test]
fn int8_of_weights_that_name_no_images_asks_for_them() {
    if !has_litert() {
        return;
    }
    let place = trained();
    // Weights of another program: the same tensors without this program's notes.
    let bytes = fs::read(place.path("w.safetensors")).unwrap();
    let length = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
    let mut header: Value = serde_json::from_slice(&bytes[8..8 + length]).unwrap();
    header.as_object_mut().unwrap().remove("__metadata__").unwrap();
    let header = header.to_string();
    let padded = format!("{header:width$}", width = header.len().next_multiple_of(8));
    let mut plain = (padded.len() as u64).to_le_bytes().to_vec();
    plain.extend(padded.as_bytes());
    plain.extend(&bytes[8 + length..]);
    place.write("plain.safetensors", plain);
    let line = format!("export {NETWORK} --weights plain.safetensors --format tflite -o m.tflite");
    refused(place.run(&format!("{line} --precision int8")), 2, &["--data"]);
    assert!(!place.exists("m.tflite"));
    // A file that does not state how its images are normalised.
    place.run(&line).success();
    picture(&place, "red.bmp", [220, 20, 20]);
    let predict = "predict red.bmp --model m.tflite";
    refused(
        place.run(predict),
        2,
        &["m.tflite does not state how images are normalised", "--mean"],
    );
    let done = place.run(&format!("{predict} --mean 0.5 --std 0.5 --json")).success();
    let found: Value = serde_json::from_str(&stdout(&done)).unwrap();
    let class = found["images"][0]["classes"][0]["class"].as_str().unwrap().to_owned();
    assert!(class.parse::<u32>().is_ok(), "{class}");
}

#[test]
fn what_cannot_be_predicted_is_named() {
    if !has_litert() {
        return;
    }
    let place = trained();
    export(&place, "--format tflite -o m.tflite");
    picture(&place, "red.bmp", [220, 20, 20]);
    place.write("broken.jpg", "no image");
    place.write("broken.tflite", "no model");
    place.write("broken.onnx", "no model");
    place.write("model.bin", "no model");
    for (line, code, texts) in [
        ("red.bmp nowhere.jpg --model m.tflite", 3, vec!["nowhere.jpg"]),
        (
            "broken.jpg --model m.tflite",
            3,
            vec!["broken.jpg", "not a jpeg, png, bmp or webp image"],
        ),
        (
            "red.bmp --model nowhere.tflite",
            3,
            vec!["nowhere.tflite: cannot be read"],
        ),
        ("red.bmp --model broken.tflite", 1, vec!["broken.tflite"]),
        ("red.bmp --model broken.onnx", 1, vec!["broken.onnx"]),
        ("red.bmp --model model.bin", 3, vec!["model.bin", ".onnx", ".tflite"]),
    ] {
        refused(place.run(&format!("predict {line}")), code, &texts);
    }
    let mut command = place.mnas("predict red.bmp --model m.tflite");
    command.env("LITERT_DYLIB_PATH", place.path("broken.onnx"));
    let done = assert_cmd::Command::from_std(command).assert();
    refused(done, 1, &["LiteRT", "broken.onnx", "mnas doctor"]);
    let doctor = assert_cmd::Command::from_std({
        let mut command = place.mnas("doctor");
        command.env("LITERT_DYLIB_PATH", place.path("broken.onnx"));
        command
    })
    .assert();
    assert!(
        stdout(&doctor).contains("MISSING  LiteRT"),
        "{} {}",
        stdout(&doctor),
        stderr(&doctor)
    );
}

#[test]
fn weights_get_the_names_of_a_package_and_come_back() {
    let place = Workplace::new();
    let network = "mobilenet-v2 --width 0.35 --resolution 32";
    place
        .run(&format!(
            "train {network} --data demo --images 40 --recipe recipe.toml -o w.safetensors"
        ))
        .success();
    for (names, constructor) in [
        (
            "torchvision",
            "torchvision.models.mobilenet_v2(width_mult=0.35, num_classes=",
        ),
        ("timm", "timm.create_model('mobilenetv2_035', num_classes="),
    ] {
        let found = export(
            &place,
            &format!("--format safetensors --names {names} -o {names}.safetensors"),
        );
        assert_eq!(found["largest_difference"].as_f64(), Some(0.0));
        assert!(
            found["constructor"].as_str().unwrap().starts_with(constructor),
            "{found}"
        );
        // The same weights come back under this program's names.
        place
            .run(&format!(
                "export --weights {names}.safetensors --format safetensors -o {names}-back.safetensors"
            ))
            .success();
        assert!(
            fs::read(place.path(&format!("{names}-back.safetensors"))).unwrap()
                == fs::read(place.path("w.safetensors")).unwrap()
        );
    }
    place
        .run(&format!(
            "train {NETWORK} --data demo --images 40 --recipe recipe.toml -o other.safetensors"
        ))
        .success();
    let line = "export --weights other.safetensors --format safetensors -o m.safetensors";
    refused(
        place.run(&format!("{line} --names timm")),
        2,
        &[
            "timm has no network with these layers",
            "mobilenet-v1",
            "--format pytorch",
        ],
    );
    refused(
        place.run("export --weights other.safetensors --format onnx --names timm -o m.onnx"),
        2,
        &["--names is for --format safetensors"],
    );
    assert!(!place.exists("m.safetensors") && !place.exists("m.onnx"));
}
