//! The agent's side: answers questions until its input ends.

use std::collections::HashMap;
use std::io::{BufRead, Write};
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use mnas_space::Shape;

use super::protocol::{Answer, Ask, ErrorKind, PROTOCOL, Question, Reply, VERSION};
use crate::device::{Device, HostFacts};
use crate::error::RuntimeError;
use crate::runtime::{LoadedModel, Model, ModelContent, Runtime, Step};
use crate::runtimes;

/// Answers every line of `input` with a line on `output`; `onnx_runtime` is the path of the ONNX Runtime library.
///
/// Ends with the input, or when nobody reads the output any more. A last line without an end was cut off on its way
/// and is nobody's question.
pub fn serve(mut input: impl BufRead, mut output: impl Write, onnx_runtime: Option<&Path>) -> std::io::Result<()> {
    let mut agent = Agent {
        onnx_runtime,
        runtime: None,
        models: HashMap::new(),
    };
    let mut line = Vec::new();
    loop {
        line.clear();
        input.read_until(b'\n', &mut line)?;
        if line.last() != Some(&b'\n') {
            return Ok(());
        }
        if line.trim_ascii().is_empty() {
            continue;
        }
        let reply = match serde_json::from_slice::<Question>(&line) {
            Ok(question) => Reply {
                id: Some(question.id),
                answer: agent.answer(question.ask).unwrap_or_else(|error| error),
            },
            Err(error) => Reply {
                id: id_of(&line),
                answer: fault(ErrorKind::Question, format!("this is no question: {error}")),
            },
        };
        let mut text = serde_json::to_vec(&reply)?;
        text.push(b'\n');
        output.write_all(&text)?;
        output.flush()?;
    }
}

/// The number of a question that makes no sense otherwise.
fn id_of(line: &[u8]) -> Option<u64> {
    let question: serde_json::Value = serde_json::from_slice(line).ok()?;
    question.get("id")?.as_u64()
}

fn fault(kind: ErrorKind, reason: impl Into<String>) -> Answer {
    Answer::Error {
        kind,
        reason: reason.into(),
    }
}

fn no_runtime() -> Answer {
    fault(ErrorKind::Question, "no runtime is open")
}

struct Agent<'a> {
    onnx_runtime: Option<&'a Path>,
    runtime: Option<Box<dyn Runtime>>,
    models: HashMap<u64, Box<dyn LoadedModel>>,
}

impl Agent<'_> {
    /// The answer; both sides of the result are answers, the second an error.
    fn answer(&mut self, ask: Ask) -> Result<Answer, Answer> {
        match ask {
            // Whatever the coordinator's version is: it compares.
            Ask::Hello { .. } => Ok(Answer::Hello {
                protocol: PROTOCOL,
                version: VERSION.to_owned(),
                host: HostFacts::gather(),
            }),
            Ask::Open {
                runtime,
                threads,
                precision,
                processor,
            } => self.open(Device {
                name: "agent".to_owned(),
                runtime,
                threads,
                precision,
                processor,
                agent: None,
                table: None,
            }),
            Ask::Load {
                model,
                name,
                input,
                onnx,
            } => self.load(model, name, input, &onnx),
            Ask::Run { steps } => self.run(&steps),
            Ask::Unload { model } => match self.models.remove(&model) {
                Some(_) => Ok(Answer::Unloaded),
                None => Err(unknown_model(model)),
            },
            Ask::Conditions => {
                let runtime = self.runtime.as_mut().ok_or_else(no_runtime)?;
                Ok(Answer::Conditions(runtime.conditions().map_err(answer_to)?))
            }
        }
    }

    fn open(&mut self, device: Device) -> Result<Answer, Answer> {
        self.models.clear();
        let runtime = runtimes::open(&device, self.onnx_runtime).map_err(answer_to)?;
        let opened = Answer::Opened {
            runtime: runtime.name().to_owned(),
            version: runtime.version().to_owned(),
        };
        // An agent does nothing but measure, so it stays where it is for good.
        crate::measure::pin_for_good(runtime.pinnable_threads());
        self.runtime = Some(runtime);
        Ok(opened)
    }

    fn load(&mut self, number: u64, name: String, input: [u32; 3], onnx: &str) -> Result<Answer, Answer> {
        let runtime = self.runtime.as_mut().ok_or_else(no_runtime)?;
        let file = BASE64
            .decode(onnx)
            .map_err(|error| fault(ErrorKind::Question, format!("the model is not base64: {error}")))?;
        let [channels, height, width] = input;
        let input = Shape {
            channels,
            height,
            width,
        };
        let content = ModelContent::Onnx { file, input };
        let model = runtime.load(&Model { name, content }).map_err(answer_to)?;
        self.models.insert(number, model);
        Ok(Answer::Loaded)
    }

    fn run(&mut self, steps: &[(u64, u32)]) -> Result<Answer, Answer> {
        let runtime = self.runtime.as_mut().ok_or_else(no_runtime)?;
        let mut numbers: Vec<u64> = steps.iter().map(|(model, _)| *model).collect();
        numbers.sort_unstable();
        numbers.dedup();
        if let Some(number) = numbers.iter().find(|number| !self.models.contains_key(number)) {
            return Err(unknown_model(*number));
        }
        let mut models: Vec<(u64, &mut dyn LoadedModel)> = self
            .models
            .iter_mut()
            .filter(|(number, _)| numbers.binary_search(number).is_ok())
            .map(|(number, model)| (*number, model.as_mut() as &mut dyn LoadedModel))
            .collect();
        models.sort_by_key(|(number, _)| *number);
        let mut models: Vec<&mut dyn LoadedModel> = models.into_iter().map(|(_, model)| model).collect();
        let place = |number: &u64| numbers.binary_search(number).unwrap_or_default();
        let steps: Vec<Step> = steps
            .iter()
            .map(|(number, inferences)| Step {
                model: place(number),
                inferences: *inferences,
            })
            .collect();
        let times = runtime.burst(&mut models, &steps).map_err(answer_to)?;
        Ok(Answer::Times {
            ms: times.into_iter().map(|time| time.0).collect(),
        })
    }
}

fn unknown_model(number: u64) -> Answer {
    fault(ErrorKind::Question, format!("there is no model {number}"))
}

fn answer_to(error: RuntimeError) -> Answer {
    match error {
        RuntimeError::Refused { reason, .. } => fault(ErrorKind::Refused, reason),
        RuntimeError::Failed { reason, .. } => fault(ErrorKind::Failed, reason),
        other => fault(ErrorKind::Failed, other.to_string()),
    }
}
