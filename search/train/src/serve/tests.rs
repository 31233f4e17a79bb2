use std::io::{BufRead, BufReader, Lines, PipeReader, PipeWriter, Write, pipe};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use mnas_engine::ranking::Signal;
use mnas_engine::training::weights::Weights;
use mnas_engine::training::{Augmentation, DataRequest, Fit, Normalization, OnCorrupt, Proxy, Split, TrainDevice};
use mnas_engine::worker::{
    CheckpointRequest, DataThroughputRequest, EvaluateRequest, FailureKind, Floats, FromWorker, ImagesRequest,
    ImagesSource, Inspected, Ready, ScoresRequest, SignalsRequest, ThroughputRequest, ToWorker, TorchScriptRequest,
    TorchScriptScoresRequest, TrainRequest, TrainResult, WorkerFacts,
};
use serde::Deserialize;

use super::serve;
use crate::testing::{any_architecture, info, network, noise, recipe, shake, values};
use crate::weights_of;

/// A line of the worker.
#[derive(Debug, Deserialize)]
struct Line {
    id: Option<u64>,
    hello: Option<serde_json::Value>,
    progress: Option<FromWorker>,
    reply: Option<FromWorker>,
    error: Option<String>,
}

/// A worker in this process, behind two pipes.
struct Talk {
    input: Option<PipeWriter>,
    output: Lines<BufReader<PipeReader>>,
    ended: Receiver<()>,
    worker: JoinHandle<std::io::Result<()>>,
    requests: u64,
}

impl Talk {
    fn start() -> Self {
        let (theirs, input) = pipe().unwrap();
        let (output, their_output) = pipe().unwrap();
        let (sender, ended) = channel();
        let on_end = move || sender.send(()).unwrap_or_default();
        let input_of_worker = BufReader::new(theirs);
        let worker =
            std::thread::spawn(move || serve(input_of_worker, their_output, "test 1", TrainDevice::Cpu, on_end));
        Self {
            input: Some(input),
            output: BufReader::new(output).lines(),
            ended,
            worker,
            requests: 0,
        }
    }

    fn write(&mut self, line: &str) {
        writeln!(self.input.as_mut().unwrap(), "{line}").unwrap();
    }

    /// Sends a request and returns its identifier.
    fn send(&mut self, request: &ToWorker) -> u64 {
        self.requests += 1;
        let request = serde_json::to_string(request).unwrap();
        self.write(&format!("{{\"id\":{},\"request\":{request}}}", self.requests));
        self.requests
    }

    fn line(&mut self) -> Option<Line> {
        let line = self.output.next()?.unwrap();
        Some(serde_json::from_str(&line).unwrap())
    }

    /// The reply to a request, and the progress before it.
    fn reply_to(&mut self, id: u64) -> (FromWorker, Vec<FromWorker>) {
        let mut before = Vec::new();
        loop {
            let line = self.line().unwrap();
            assert_eq!(line.id, Some(id), "{line:?}");
            before.extend(line.progress);
            if let Some(reply) = line.reply {
                return (reply, before);
            }
        }
    }

    fn ask(&mut self, request: &ToWorker) -> FromWorker {
        let id = self.send(request);
        self.reply_to(id).0
    }

    fn prepare(&mut self) -> Ready {
        match self.ask(&prepare("demo")) {
            FromWorker::Ready(ready) => *ready,
            other => panic!("{other:?}"),
        }
    }

    fn train(&mut self, request: TrainRequest) -> TrainResult {
        match self.ask(&ToWorker::Train(Box::new(request))) {
            FromWorker::Done(result) => *result,
            other => panic!("{other:?}"),
        }
    }

    #[expect(clippy::needless_pass_by_value, reason = "requests are written in place")]
    fn failure(&mut self, request: ToWorker) -> (String, FailureKind) {
        match self.ask(&request) {
            FromWorker::Failed { reason, kind } => (reason, kind),
            other => panic!("{other:?}"),
        }
    }

    /// Closes the worker's input, which ends it.
    fn end(mut self) {
        self.input = None;
        self.ended.recv_timeout(Duration::from_secs(20)).unwrap();
        assert!(self.line().is_none());
        self.worker.join().unwrap().unwrap();
    }
}

fn data(path: impl Into<PathBuf>) -> DataRequest {
    DataRequest {
        path: path.into(),
        images: Some(40),
        val_fraction: 0.2,
        on_corrupt: OnCorrupt::Refuse,
        seed: 3,
        memory_mb: None,
    }
}

fn prepare(path: impl Into<PathBuf>) -> ToWorker {
    ToWorker::Prepare {
        data: data(path),
        resolution: 16,
        augmentation: Augmentation::None,
        threads: 1,
    }
}

fn request(weights: Option<PathBuf>) -> TrainRequest {
    TrainRequest {
        architecture: "in32,conv_k3_s2_c8_nhs,ir_k3_e2_c8_se0.25_nre,head_o10".to_owned(),
        proxy: Proxy {
            resolution_scale: 0.5,
            early_strides_removed: 1,
        },
        recipe: recipe(2, 16, 0.05),
        seed: 5,
        start_from: None,
        parent: None,
        normalization: None,
        weights,
        checkpoint: None,
        validate_every_epoch: false,
        test: false,
    }
}

fn train(request: TrainRequest) -> ToWorker {
    ToWorker::Train(Box::new(request))
}

#[test]
fn a_worker_loads_and_trains() {
    let folder = tempfile::tempdir().unwrap();
    let mut talk = Talk::start();
    let ready = talk.prepare();
    assert!(ready.demo && ready.name == "demo" && ready.size == 16);
    assert_eq!((ready.train, ready.val, ready.classes.len()), (40, 40, 10));
    let save = |talk: &mut Talk, name: &str| {
        let path = folder.path().join(name);
        let result = talk.train(request(Some(path.clone())));
        (result, std::fs::read(&path).unwrap(), path)
    };
    let (first, bytes, path) = save(&mut talk, "first.safetensors");
    assert!((0.0..=100.0).contains(&first.accuracy) && first.top5 >= first.accuracy);
    assert!(first.train_loss > 0.0 && first.seconds > 0.0 && first.images_per_second > 0.0);
    assert_eq!((first.validation_images, first.epochs.len()), (40, 2));
    assert!(first.epochs.iter().all(|epoch| epoch.validation.is_none()));

    let info = Weights::read(&path).unwrap().info.unwrap();
    assert_eq!(
        (info.architecture, info.train_resolution),
        (request(None).architecture, 16)
    );
    assert_eq!((info.classes, info.early_strides_removed), (ready.classes, 1));

    // An earlier training does not affect a later one.
    let (second, again, _) = save(&mut talk, "second.safetensors");
    assert_eq!(
        (second.accuracy, second.top5, second.train_loss),
        (first.accuracy, first.top5, first.train_loss)
    );
    assert!(again == bytes);
    talk.end();
}

#[test]
fn a_training_continues_from_the_weights_of_another() {
    let folder = tempfile::tempdir().unwrap();
    let mut talk = Talk::start();
    talk.prepare();
    let path = folder.path().join("first.safetensors");
    let first = talk.train(request(Some(path.clone())));
    let from = |start_from: Option<PathBuf>, learning_rate: f64| {
        let mut next = TrainRequest {
            start_from,
            ..request(None)
        };
        next.recipe.learning_rate = learning_rate;
        next
    };
    // Where nothing is learnt, the loss shows the weights that the training began with.
    let untrained = talk.train(from(None, 1e-9));
    let continued = talk.train(from(Some(path), 1e-9));
    assert!(
        continued.train_loss < untrained.train_loss,
        "{} {} {}",
        first.train_loss,
        continued.train_loss,
        untrained.train_loss
    );
    let missing = folder.path().join("missing.safetensors");
    let (reason, kind) = talk.failure(train(from(Some(missing), 0.1)));
    assert!(
        reason.contains("missing.safetensors") && kind == FailureKind::Input,
        "{reason}"
    );
    talk.end();
}

#[test]
fn hello_states_the_facts_about_libtorch() {
    let mut talk = Talk::start();
    talk.write("{\"id\":9,\"hello\":{}}");
    let line = talk.line().unwrap();
    let hello = line.hello.unwrap();
    assert_eq!(
        (line.id, &hello["protocol"], &hello["program"]),
        (Some(9), &"mnas-worker".into(), &"test 1".into())
    );
    let facts: WorkerFacts = serde_json::from_value(hello["payload"].clone()).unwrap();
    assert!(
        facts.computes && facts.threads > 0 && facts.libtorch.starts_with("2."),
        "{facts:?}"
    );
    talk.end();
}

#[test]
fn every_epoch_is_reported_with_its_validation() {
    let mut talk = Talk::start();
    talk.prepare();
    let id = talk.send(&train(TrainRequest {
        validate_every_epoch: true,
        ..request(None)
    }));
    let (FromWorker::Done(result), before) = talk.reply_to(id) else {
        panic!("no result")
    };
    let reports: Vec<_> = before
        .into_iter()
        .filter_map(|progress| match progress {
            FromWorker::Epoch(report) => Some(*report),
            _ => None,
        })
        .collect();
    assert_eq!(reports, result.epochs);
    assert_eq!(reports.iter().map(|report| report.epoch).collect::<Vec<_>>(), [1, 2]);
    let last = reports[1].validation.unwrap();
    assert_eq!((last.top1, last.top5, last.images), (result.accuracy, result.top5, 40));
    talk.end();
}

#[test]
fn trainings_fail_with_a_reason_and_the_worker_goes_on() {
    let mut talk = Talk::start();
    let (reason, _) = talk.failure(train(request(None)));
    assert!(reason.contains("loaded before"), "{reason}");
    talk.prepare();
    let (reason, kind) = talk.failure(train(TrainRequest {
        architecture: "in32,cnv_k3".to_owned(),
        ..request(None)
    }));
    assert!(reason.contains("cnv") && kind == FailureKind::Input, "{reason}");
    let (reason, _) = talk.failure(train(TrainRequest {
        architecture: "in32,conv_k3_s2_c8_nhs,head_o3".to_owned(),
        ..request(None)
    }));
    assert!(reason.contains("at least"), "{reason}");
    let mut bad = request(None);
    bad.recipe.batch_size = 0;
    assert!(talk.failure(train(bad)).0.contains("batch-size = 0"));
    let mut hot = request(None);
    hot.recipe.learning_rate = 1e3;
    hot.recipe.weight_decay = 1.0;
    hot.recipe.epochs = 40;
    let (reason, kind) = talk.failure(train(hot));
    assert!(
        reason.contains("the loss became") && kind == FailureKind::Computation,
        "{reason}"
    );
    // A full disk is not the network's fault.
    let file = tempfile::NamedTempFile::new().unwrap();
    let weights = Some(file.path().join("below a file"));
    let FromWorker::Unsaved { reason } = talk.ask(&train(request(weights))) else {
        panic!("saved below a file")
    };
    assert!(reason.contains("cannot be written"), "{reason}");
    talk.train(request(None));
    talk.end();
}

#[test]
fn a_cancelled_training_saves_its_checkpoint_and_is_resumed_to_the_same_result() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("w.checkpoint");
    let checkpoint = CheckpointRequest {
        path: path.clone(),
        every: Duration::from_hours(1),
        is_temporary: false,
    };
    let mut long = TrainRequest {
        validate_every_epoch: true,
        checkpoint: Some(checkpoint),
        ..request(None)
    };
    long.recipe.epochs = 12;
    let mut talk = Talk::start();
    talk.prepare();
    let id = talk.send(&train(long.clone()));
    while !matches!(talk.line().unwrap().progress, Some(FromWorker::Epoch(_))) {}
    let cancel = talk.send(&ToWorker::Cancel);
    let (FromWorker::Interrupted { epoch }, _) = talk.reply_to(id) else {
        panic!("not interrupted")
    };
    assert!((1..=12).contains(&epoch) && path.exists(), "{epoch}");
    assert_eq!(talk.reply_to(cancel).0, FromWorker::Cancelling);
    // Another training refuses the checkpoint and leaves it in place.
    let other = TrainRequest {
        seed: 6,
        ..long.clone()
    };
    let (reason, kind) = talk.failure(train(other));
    assert!(
        reason.contains("another training") && kind == FailureKind::Input,
        "{reason}"
    );

    let resumed = talk.train(long.clone());
    assert!(path.exists(), "the user's checkpoint is left to the user");
    let undisturbed = talk.train(TrainRequest {
        checkpoint: None,
        ..long
    });
    let curve = |result: &TrainResult| {
        let points = result.epochs.iter().map(|epoch| (epoch.loss, epoch.validation));
        points.collect::<Vec<_>>()
    };
    assert_eq!(curve(&resumed), curve(&undisturbed));
    talk.end();
}

#[test]
fn a_request_that_waits_can_be_cancelled() {
    let mut talk = Talk::start();
    let prepare = talk.send(&prepare("demo"));
    let training = talk.send(&train(request(None)));
    let cancel = talk.send(&ToWorker::Cancel);
    let loaded = talk.reply_to(prepare).0;
    assert!(
        matches!(loaded, FromWorker::Ready(_) | FromWorker::Interrupted { epoch: 0 }),
        "{loaded:?}"
    );
    assert!(matches!(talk.reply_to(training).0, FromWorker::Interrupted { .. }));
    assert_eq!(talk.reply_to(cancel).0, FromWorker::Cancelling);
    talk.prepare();
    talk.end();
}

#[test]
fn a_temporary_checkpoint_of_another_training_is_discarded_and_none_stays() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("7.checkpoint");
    std::fs::write(&path, b"the state of something else").unwrap();
    let mut talk = Talk::start();
    talk.prepare();
    let with_checkpoint = TrainRequest {
        checkpoint: Some(CheckpointRequest::of_trial(path.clone())),
        ..request(None)
    };
    let accuracy = talk.train(with_checkpoint).accuracy;
    assert!(!path.exists());
    assert!((talk.train(request(None)).accuracy - accuracy).abs() < 1e-12);
    talk.end();
}

#[test]
fn two_workers_with_the_same_images_have_the_same_fingerprint() {
    let fingerprint = |request: &ToWorker| {
        let mut talk = Talk::start();
        let FromWorker::Ready(ready) = talk.ask(request) else {
            panic!("not ready")
        };
        talk.end();
        ready.fingerprint
    };
    let first = fingerprint(&prepare("demo"));
    assert_eq!(first.len(), 16);
    assert_eq!(fingerprint(&prepare("demo")), first);
    let other_seed = ToWorker::Prepare {
        data: DataRequest {
            seed: 4,
            ..data("demo")
        },
        resolution: 16,
        augmentation: Augmentation::None,
        threads: 1,
    };
    assert_ne!(fingerprint(&other_seed), first);
}

#[test]
fn images_that_cannot_be_loaded_are_refused() {
    let mut talk = Talk::start();
    let FromWorker::Refused { reason, kind } = talk.ask(&prepare(Path::new("no/such/images"))) else {
        panic!("not refused")
    };
    assert!(
        reason.contains("no/such/images") && kind == FailureKind::Input,
        "{reason}"
    );
    talk.end();
}

#[test]
fn a_data_set_is_recognised_without_loading_it() {
    let folder = tempfile::tempdir().unwrap();
    crate::data::testing::write_classes(&folder.path().join("birds"), &["jay", "owl"], 6);
    let mut talk = Talk::start();
    let mut inspect = |path: &Path| match talk.ask(&ToWorker::Inspect(data(path))) {
        FromWorker::Inspected(found) => *found,
        other => panic!("{other:?}"),
    };
    let found = inspect(&folder.path().join("birds"));
    let expected = Inspected {
        name: "birds".to_owned(),
        format: "image folder".to_owned(),
        demo: false,
        side: Some(16),
        classes: vec!["jay".to_owned(), "owl".to_owned()],
    };
    assert_eq!(found, expected);
    let demo = inspect(Path::new("demo"));
    assert!(demo.demo && demo.side.is_none() && demo.classes.len() == 10, "{demo:?}");
    let (reason, kind) = talk.failure(ToWorker::Inspect(data("no/such/images")));
    assert!(
        reason.contains("does not exist") && kind == FailureKind::Input,
        "{reason}"
    );
    talk.end();
}

#[test]
fn a_final_training_is_evaluated_on_all_test_images_and_others_on_none() {
    let folder = tempfile::tempdir().unwrap();
    let weights = folder.path().join("w.safetensors");
    let mut talk = Talk::start();
    talk.prepare();
    let trained = TrainRequest {
        proxy: Proxy::DIRECT,
        test: true,
        ..request(Some(weights.clone()))
    };
    let tested = talk.train(trained.clone()).test.unwrap();
    let evaluate = EvaluateRequest {
        architecture: trained.architecture.clone(),
        weights,
        data: DataRequest {
            images: None,
            ..data("demo")
        },
        split: Split::Test,
        image_size: 16,
        fit: Fit::default(),
        normalization: None,
        label_map: None,
        batch_size: 16,
        threads: 1,
    };
    let FromWorker::Evaluated(found) = talk.ask(&ToWorker::Evaluate(Box::new(evaluate))) else {
        panic!("not evaluated")
    };
    assert_eq!((tested.images, tested.top1), (1000, found.accuracy.top1));
    let plain = TrainRequest { test: false, ..trained };
    assert_eq!(talk.train(plain).test, None);
    talk.end();
}

#[test]
fn saved_weights_are_evaluated_and_scored() {
    let folder = tempfile::tempdir().unwrap();
    let weights = folder.path().join("w.safetensors");
    let mut talk = Talk::start();
    talk.prepare();
    let trained = talk.train(TrainRequest {
        proxy: Proxy::DIRECT,
        ..request(Some(weights.clone()))
    });
    let evaluate = EvaluateRequest {
        architecture: request(None).architecture,
        weights: weights.clone(),
        data: data("demo"),
        split: Split::Val,
        image_size: 16,
        fit: Fit::default(),
        normalization: None,
        label_map: None,
        batch_size: 16,
        threads: 1,
    };
    let FromWorker::Evaluated(found) = talk.ask(&ToWorker::Evaluate(Box::new(evaluate.clone()))) else {
        panic!("not evaluated")
    };
    assert_eq!(
        (found.accuracy.top1, found.accuracy.top5),
        (trained.accuracy, trained.top5)
    );
    assert_eq!(found.classes.len(), 10);
    let counted: u64 = found
        .confusion
        .labels()
        .iter()
        .map(|&label| found.confusion.images(label))
        .sum();
    assert_eq!(counted, 40);
    let unknown = EvaluateRequest {
        label_map: Some([("nothing".to_owned(), 0)].into()),
        ..evaluate
    };
    let (reason, kind) = talk.failure(ToWorker::Evaluate(Box::new(unknown)));
    assert!(
        reason.contains("not among the network's 10") && kind == FailureKind::Input,
        "{reason}"
    );

    let text = "in16,conv_k3_s2_c8_nhs,head_o4";
    let network = network(text, 3);
    weights_of(&network, info(text)).unwrap().write(&weights).unwrap();
    let image = noise(1, 16, 7);
    let scores = ScoresRequest {
        architecture: text.to_owned(),
        weights,
        images: vec![Floats(values(&image)), Floats(vec![0.0; 3 * 16 * 16])],
    };
    let FromWorker::Scores(found) = talk.ask(&ToWorker::Scores(Box::new(scores.clone()))) else {
        panic!("not scored")
    };
    let expected = values(&tch::no_grad(|| network.forward(&image, false)).unwrap());
    assert_eq!(found.len(), 2);
    assert!(
        found[0]
            .0
            .iter()
            .zip(&expected)
            .all(|(one, other)| (one - other).abs() < 1e-5)
    );
    let short = ScoresRequest {
        images: vec![Floats(vec![0.0; 5])],
        ..scores
    };
    assert!(talk.failure(ToWorker::Scores(Box::new(short))).0.contains("5 values"));
    talk.end();
}

#[test]
fn torch_script_computes_the_scores_of_the_network() {
    let folder = tempfile::tempdir().unwrap();
    let (weights, output) = (folder.path().join("w.safetensors"), folder.path().join("m.pt"));
    let mut talk = Talk::start();
    for index in 0..6 {
        let architecture = any_architecture(index);
        let text = architecture.to_string();
        let mut network = network(&text, 3);
        shake(&mut network, index);
        weights_of(&network, info(&text)).unwrap().write(&weights).unwrap();
        let written = talk.ask(&ToWorker::TorchScript(Box::new(TorchScriptRequest {
            architecture: text.clone(),
            weights: weights.clone(),
            output: output.clone(),
        })));
        assert_eq!(written, FromWorker::Written);
        let input = architecture.input();
        let image = noise(1, i64::from(input.height), 7);
        let request = TorchScriptScoresRequest {
            file: output.clone(),
            shape: [input.channels, input.height, input.width],
            images: vec![Floats(values(&image))],
        };
        let FromWorker::Scores(found) = talk.ask(&ToWorker::TorchScriptScores(Box::new(request))) else {
            panic!("not scored")
        };
        let expected = values(&tch::no_grad(|| network.forward(&image, false)).unwrap());
        let largest = expected.iter().fold(0f32, |most, score| most.max(score.abs()));
        for (one, other) in found[0].0.iter().zip(&expected) {
            assert!((one - other).abs() <= 1e-4 * largest, "{text}: {one} {other}");
        }
    }
    let nowhere = ToWorker::TorchScript(Box::new(TorchScriptRequest {
        architecture: any_architecture(5).to_string(),
        weights,
        output: folder.path().join("nowhere").join("m.pt"),
    }));
    let reply = talk.ask(&nowhere);
    assert!(
        matches!(&reply, FromWorker::Unsaved { reason } if reason.contains("m.pt")),
        "{reply:?}"
    );
    talk.end();
}

#[test]
fn images_arrive_as_a_network_takes_them() {
    let folder = tempfile::tempdir().unwrap();
    crate::data::testing::write_classes(folder.path(), &["jay", "owl"], 5);
    let mut talk = Talk::start();
    let request = ImagesRequest {
        source: ImagesSource::Split {
            data: data(folder.path()),
            split: Split::All,
            label_map: Some([("jay".to_owned(), 3), ("owl".to_owned(), 1)].into()),
            scores: 4,
        },
        resolution: 12,
        image_size: 16,
        fit: Fit::default(),
        normalization: Some(Normalization {
            mean: [0.5; 3],
            std: [0.5; 3],
        }),
    };
    let id = talk.send(&ToWorker::Images(Box::new(request.clone())));
    let (reply, lines) = talk.reply_to(id);
    let FromWorker::ImagesRead {
        images: 10, classes, ..
    } = reply
    else {
        panic!("{reply:?}")
    };
    assert_eq!(classes, ["0", "owl", "2", "jay"]);
    let (mut images, mut labels) = (Vec::new(), Vec::new());
    for line in lines {
        if let FromWorker::Images {
            images: more,
            labels: theirs,
        } = line
        {
            images.extend(more);
            labels.extend(theirs);
        }
    }
    labels.sort_unstable();
    assert_eq!(labels, [1, 1, 1, 1, 1, 3, 3, 3, 3, 3]);
    assert!(images.iter().all(|Floats(image)| image.len() == 12 * 12 * 3));
    assert!(
        images
            .iter()
            .all(|Floats(image)| image.iter().all(|value| value.abs() <= 1.0))
    );

    let broken = folder.path().join("broken.jpg");
    std::fs::write(&broken, "no image").unwrap();
    let (reason, kind) = talk.failure(ToWorker::Images(Box::new(ImagesRequest {
        source: ImagesSource::Files(vec![broken]),
        ..request
    })));
    assert!(reason.contains("broken.jpg") && kind == FailureKind::Input, "{reason}");
    talk.end();
}

#[test]
fn speeds_are_measured() {
    let folder = tempfile::tempdir().unwrap();
    crate::data::testing::write_classes(folder.path(), &["jay", "owl"], 8);
    let mut talk = Talk::start();
    let throughput = ThroughputRequest {
        architecture: "in16,conv_k3_s2_c8_nr6,head_o4".to_owned(),
        recipe: recipe(1, 4, 0.1),
        threads: 1,
        time: Duration::ZERO,
    };
    let FromWorker::Throughput(found) = talk.ask(&ToWorker::Throughput(Box::new(throughput))) else {
        panic!("not measured")
    };
    assert!(found.images_per_second > 0.0 && found.steps == 3);
    let reading = DataThroughputRequest {
        data: folder.path().to_path_buf(),
        resolution: 16,
        batch_size: 4,
        time: Duration::ZERO,
    };
    let FromWorker::DataThroughput(found) = talk.ask(&ToWorker::DataThroughput(reading)) else {
        panic!("not measured")
    };
    assert!(
        found.images == 14 && found.images_per_second > 0.0 && found.kept_images_per_second > 0.0,
        "{found:?}"
    );
    talk.end();
}

#[test]
fn lines_that_are_no_request_are_rejected_and_the_worker_goes_on() {
    let mut talk = Talk::start();
    talk.write("");
    for line in [
        "what?",
        "{\"id\":5,\"request\":{\"rest\":{}}}",
        "{\"id\":5,\"request\":{\"prepare\":{}}}",
    ] {
        talk.write(line);
        let error = talk.line().unwrap().error.unwrap();
        assert!(error.contains("this is not a request"), "{error}");
    }
    talk.prepare();
    talk.end();
}

#[test]
fn the_end_of_input_is_noticed_in_the_middle_of_a_training() {
    let mut talk = Talk::start();
    talk.prepare();
    let mut long = request(None);
    long.recipe.epochs = 200;
    let id = talk.send(&train(long));
    talk.input = None;
    talk.ended.recv_timeout(Duration::from_secs(20)).unwrap();
    assert!(!talk.worker.is_finished());
    assert!(matches!(talk.reply_to(id).0, FromWorker::Done(_)));
    assert!(talk.line().is_none());
    talk.worker.join().unwrap().unwrap();
}

#[test]
fn a_coordinator_that_reads_nothing_more_ends_the_worker() {
    let mut talk = Talk::start();
    talk.prepare();
    drop(std::mem::replace(
        &mut talk.output,
        BufReader::new(pipe().unwrap().0).lines(),
    ));
    talk.send(&train(request(None)));
    assert!(talk.worker.join().unwrap().is_err());
}

#[test]
fn signals_are_measured_and_those_of_images_need_them_loaded() {
    let request = |signals: &[Signal], batch_size| {
        ToWorker::Signals(Box::new(SignalsRequest {
            architecture: request(None).architecture,
            signals: signals.to_vec(),
            batch_size,
            seed: 7,
            threads: 1,
        }))
    };
    let mut talk = Talk::start();
    let (reason, _) = talk.failure(request(&[Signal::Naswot], 8));
    assert!(reason.contains("naswot") && reason.contains("loaded first"), "{reason}");
    let (reason, kind) = talk.failure(request(&[Signal::Entropy], 1));
    assert!(reason.contains("2 images") && kind == FailureKind::Input, "{reason}");
    let measure = |talk: &mut Talk, signals: &[Signal]| match talk.ask(&request(signals, 8)) {
        FromWorker::Signals(measured) => measured
            .into_iter()
            .map(|one| (one.signal, one.value))
            .collect::<Vec<_>>(),
        other => panic!("{other:?}"),
    };
    let entropy = measure(&mut talk, &[Signal::Entropy]);
    assert!(entropy[0].1.is_some_and(|value| value > 0.0), "{entropy:?}");
    talk.prepare();
    let all = [Signal::Naswot, Signal::Entropy, Signal::Depth];
    let measured = measure(&mut talk, &all);
    assert!(measured.iter().all(|(_, value)| value.is_some()), "{measured:?}");
    assert_eq!(measured[1], entropy[0]);
    assert_eq!(measured, measure(&mut talk, &all));
    talk.end();
}

mod inherited;
