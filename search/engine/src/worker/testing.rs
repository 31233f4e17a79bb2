//! Workers that only speak the protocol, for tests.

use std::path::Path;

use crate::training::DataRequest;

use super::{ToWorker, TrainRequest, WorkerCommand};
use crate::training::Proxy;
use crate::training::Recipe;
use crate::training::{Augmentation, OnCorrupt};

/// A worker for `sh`: the accuracy of training `n` is 50 + n, and from 91 to 94 things go wrong.
pub(crate) const SCRIPT: &str = r#"
read -r prepare
echo '{"ready":{"name":"fake","description":"fake images","classes":["a","b"],"train":8,"val":4,"size":16,"demo":true,"skipped":[]}}'
result() {
    echo "{\"done\":{\"trial\":$1,\"result\":{\"accuracy\":$2,\"top5\":99.0,\"train-loss\":0.5,\"seconds\":1.0,\"images-per-second\":8.0}}}"
}
while read -r line; do
    trial=${line#*\"trial\":}
    trial=${trial%%,*}
    case $trial in
    91)
        echo '{"progress":{"trial":91,"done":0.5}}'
        echo '{"failed":{"trial":91,"reason":"too hot"}}' ;;
    92)
        echo 'first words' >&2
        printf 'out of memory \377\n\n' >&2
        exit 7 ;;
    93)
        echo 'hello'
        printf '\377\376\n\n'
        echo '{"sleeping":{"trial":93}}'
        echo '{"failed":{"trial":92,"reason":"of another"}}'
        echo '{"progress":{"trial":92,"done":0.5}}'
        echo '{"ready":{"name":"again","description":"","classes":[],"train":0,"val":0,"size":1,"demo":true,"skipped":[]}}'
        result 93 12.5
        result 93 99.5 ;;
    94) ;;
    *) result "$trial" "$((50 + trial)).0" ;;
    esac
done
"#;

/// The command of a worker that follows `script`, which is written into `folder`.
pub(crate) fn command(folder: &Path, script: &str) -> WorkerCommand {
    let path = folder.join("worker.sh");
    std::fs::write(&path, script).unwrap();
    WorkerCommand {
        program: "sh".into(),
        arguments: vec![path.display().to_string()],
    }
}

/// What workers are told first.
pub(crate) fn prepare() -> ToWorker {
    let data = DataRequest {
        path: "demo".into(),
        images: None,
        val_fraction: 0.1,
        on_corrupt: OnCorrupt::Refuse,
        seed: 0,
        memory_mb: None,
    };
    ToWorker::Prepare {
        data,
        resolution: 16,
        augmentation: Augmentation::None,
        threads: 1,
    }
}

/// A training.
pub(crate) fn request(trial: u64) -> TrainRequest {
    TrainRequest {
        trial,
        architecture: "in16,conv_k3_c8_nre,head_o2".to_owned(),
        proxy: Proxy::DIRECT,
        recipe: Recipe::plain("test", 1, 16, 1.6),
        seed: trial,
        weights: None,
        checkpoint: None,
    }
}
