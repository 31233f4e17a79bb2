use std::io::{BufRead, BufReader, Lines, PipeReader, PipeWriter, Write, pipe};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use super::serve;
use crate::testing::recipe;
use mnas_engine::training::DataRequest;
use mnas_engine::training::Proxy;
use mnas_engine::training::TrainDevice;
use mnas_engine::training::weights::Weights;
use mnas_engine::training::{Augmentation, OnCorrupt};
use mnas_engine::worker::{FromWorker, Ready, ToWorker, TrainRequest};

/// A worker in this process, at the other end of two pipes.
struct Talk {
    input: Option<PipeWriter>,
    output: Lines<BufReader<PipeReader>>,
    abandoned: Receiver<()>,
    worker: JoinHandle<std::io::Result<()>>,
}

impl Talk {
    fn start() -> Self {
        let (theirs, input) = pipe().unwrap();
        let (output, their_output) = pipe().unwrap();
        let (sender, abandoned) = channel();
        let abandon = move || sender.send(()).unwrap_or_default();
        let worker = std::thread::spawn(move || serve(BufReader::new(theirs), their_output, TrainDevice::Cpu, abandon));
        Self {
            input: Some(input),
            output: BufReader::new(output).lines(),
            abandoned,
            worker,
        }
    }

    fn say_line(&mut self, line: &str) {
        writeln!(self.input.as_mut().unwrap(), "{line}").unwrap();
    }

    fn say(&mut self, message: &ToWorker) {
        self.say_line(&serde_json::to_string(message).unwrap());
    }

    /// The next answer that does not depend on the clock.
    fn hear(&mut self) -> Option<FromWorker> {
        for line in self.output.by_ref() {
            let message = serde_json::from_str(&line.unwrap()).unwrap();
            if !matches!(message, FromWorker::Loading { .. } | FromWorker::Progress { .. }) {
                return Some(message);
            }
        }
        None
    }

    fn prepare(&mut self) -> Ready {
        self.say(&prepare("demo"));
        match self.hear() {
            Some(FromWorker::Ready(ready)) => *ready,
            other => panic!("{other:?}"),
        }
    }

    fn failure(&mut self, request: TrainRequest) -> String {
        self.say(&ToWorker::Train(Box::new(request)));
        match self.hear() {
            Some(FromWorker::Failed { trial: 7, reason } | FromWorker::Unsaved { trial: 7, reason }) => reason,
            other => panic!("{other:?}"),
        }
    }

    /// Closes the worker's input; it ends.
    fn end(mut self) {
        self.input = None;
        self.abandoned.recv_timeout(Duration::from_secs(20)).unwrap();
        assert_eq!(self.hear(), None);
        self.worker.join().unwrap().unwrap();
    }
}

fn prepare(path: impl Into<PathBuf>) -> ToWorker {
    let path = path.into();
    let data = DataRequest {
        path,
        images: Some(40),
        val_fraction: 0.2,
        on_corrupt: OnCorrupt::Refuse,
        seed: 3,
        memory_mb: None,
    };
    ToWorker::Prepare {
        data,
        resolution: 16,
        augmentation: Augmentation::None,
        threads: 1,
    }
}

fn request(weights: Option<PathBuf>) -> TrainRequest {
    TrainRequest {
        trial: 7,
        architecture: "in32,conv_k3_s2_c8_nhs,ir_k3_e2_c8_se0.25_nre,head_o10".to_owned(),
        proxy: Proxy {
            resolution_scale: 0.5,
            early_strides_removed: 1,
        },
        recipe: recipe(2, 16, 0.05),
        seed: 5,
        weights,
        checkpoint: None,
    }
}

#[test]
fn a_worker_loads_and_trains() {
    let folder = tempfile::tempdir().unwrap();
    let mut talk = Talk::start();
    let ready = talk.prepare();
    assert!(ready.demo && ready.name == "demo" && ready.size == 16);
    assert_eq!((ready.train, ready.val, ready.classes.len()), (40, 40, 10));
    let train = |talk: &mut Talk, name: &str| {
        let path = folder.path().join(name);
        talk.say(&ToWorker::Train(Box::new(request(Some(path.clone())))));
        let Some(FromWorker::Done { trial: 7, result }) = talk.hear() else {
            panic!("no result")
        };
        (result, std::fs::read(&path).unwrap(), path)
    };
    let (first, bytes, path) = train(&mut talk, "first.safetensors");
    assert!((0.0..=100.0).contains(&first.accuracy) && first.top5 >= first.accuracy);
    assert!(first.train_loss > 0.0 && first.seconds > 0.0 && first.images_per_second > 0.0);

    let info = Weights::read(&path).unwrap().info.unwrap();
    assert_eq!(
        (info.architecture, info.train_resolution),
        (request(None).architecture, 16)
    );
    assert_eq!((info.classes, info.early_strides_removed), (ready.classes, 1));

    // A worker has no memory that later trainings could notice.
    let (second, again, _) = train(&mut talk, "second.safetensors");
    assert_eq!(
        (second.accuracy, second.top5, second.train_loss),
        (first.accuracy, first.top5, first.train_loss)
    );
    assert!(again == bytes);
    talk.end();
}

#[test]
fn trainings_fail_with_a_reason_and_the_worker_goes_on() {
    let mut talk = Talk::start();
    let reason = talk.failure(request(None));
    assert!(reason.contains("before the images were loaded"), "{reason}");
    talk.prepare();
    let reason = talk.failure(TrainRequest {
        architecture: "in32,cnv_k3".to_owned(),
        ..request(None)
    });
    assert!(reason.contains("cnv"), "{reason}");
    let architecture = "in32,conv_k3_s2_c8_nhs,head_o3".to_owned();
    let reason = talk.failure(TrainRequest {
        architecture,
        ..request(None)
    });
    assert!(reason.contains("at least"), "{reason}");
    let mut bad = request(None);
    bad.recipe.batch_size = 0;
    assert!(talk.failure(bad).contains("batch-size = 0"));
    let mut hot = request(None);
    hot.recipe.learning_rate = 1e3;
    hot.recipe.weight_decay = 1.0;
    hot.recipe.epochs = 40;
    let reason = talk.failure(hot);
    assert!(reason.contains("the loss became"), "{reason}");
    // A disk that is full says nothing about the network: that is told apart.
    let file = tempfile::NamedTempFile::new().unwrap();
    let weights = Some(file.path().join("below a file"));
    talk.say(&ToWorker::Train(Box::new(request(weights))));
    let Some(FromWorker::Unsaved { trial: 7, reason }) = talk.hear() else {
        panic!("saved below a file")
    };
    assert!(reason.contains("cannot be written"), "{reason}");

    talk.say(&ToWorker::Train(Box::new(request(None))));
    assert!(matches!(talk.hear(), Some(FromWorker::Done { trial: 7, .. })));
    talk.end();
}

#[test]
fn a_checkpoint_of_another_training_is_thrown_away_and_none_stays() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("7.checkpoint");
    std::fs::write(&path, b"the state of something else").unwrap();
    let mut talk = Talk::start();
    talk.prepare();
    let with_checkpoint = TrainRequest {
        checkpoint: Some(path.clone()),
        ..request(None)
    };
    let mut result = |request: TrainRequest| {
        talk.say(&ToWorker::Train(Box::new(request)));
        loop {
            match talk.hear() {
                Some(FromWorker::Done { result, .. }) => return result.accuracy,
                Some(FromWorker::Progress { .. }) => {}
                other => panic!("{other:?}"),
            }
        }
    };
    let accuracy = result(with_checkpoint);
    assert!(!path.exists());
    assert!((result(request(None)) - accuracy).abs() < 1e-12);
    talk.end();
}

#[test]
fn images_that_cannot_be_loaded_are_refused() {
    let mut talk = Talk::start();
    talk.say(&prepare(Path::new("no/such/images")));
    let Some(FromWorker::Refused { reason }) = talk.hear() else {
        panic!("not refused")
    };
    assert!(reason.contains("no/such/images"), "{reason}");
    talk.end();
}

#[test]
fn lines_that_are_no_request_are_refused() {
    for line in [
        "what?",
        "{\"rest\":{}}",
        "{\"train\":{\"trial\":1}}",
        "{\"prepare\":{}}",
    ] {
        let mut talk = Talk::start();
        talk.say_line("");
        talk.say_line(line);
        let Some(FromWorker::Refused { reason }) = talk.hear() else {
            panic!("{line} is not refused")
        };
        assert!(
            reason.contains("does not understand") && reason.contains(line),
            "{reason}"
        );
        talk.end();
    }
}

#[test]
fn the_end_of_input_is_noticed_in_the_middle_of_a_training() {
    let mut talk = Talk::start();
    talk.prepare();
    let mut long = request(None);
    long.recipe.epochs = 200;
    talk.say(&ToWorker::Train(Box::new(long)));
    talk.input = None;
    talk.abandoned.recv_timeout(Duration::from_secs(20)).unwrap();
    // A process would end here; a thread has to train on.
    assert!(!talk.worker.is_finished());
    assert!(matches!(talk.hear(), Some(FromWorker::Done { .. })));
    assert_eq!(talk.hear(), None);
    talk.worker.join().unwrap().unwrap();
}

#[test]
fn a_coordinator_that_hears_nothing_any_more_ends_the_worker() {
    let mut talk = Talk::start();
    talk.prepare();
    drop(std::mem::replace(
        &mut talk.output,
        BufReader::new(pipe().unwrap().0).lines(),
    ));
    talk.say(&ToWorker::Train(Box::new(request(None))));
    assert!(talk.worker.join().unwrap().is_err());
}
