//! Agent side of the protocol: handles requests until the input ends.

use std::collections::HashMap;
use std::io::{BufRead, Write};

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use mnas_space::Shape;

use super::protocol::{Content, Fault, FaultKind, PROTOCOL, Reply, Request};
use crate::device::Device;
use crate::error::RuntimeError;
use crate::machine::Pin;
use crate::pipe::{self, Identity};
use crate::runtime::{LoadedModel, Model, ModelContent, Runtime, Step};

/// Function that opens the runtime of a device for an agent. The device has the runtime, threads, precision and processor of the
/// coordinator's request, and no command.
pub type OpenRuntime<'a> = dyn FnMut(&Device) -> Result<Box<dyn Runtime>, RuntimeError> + 'a;

/// Serves a coordinator with the runtimes that `open` opens, until `input` ends or `output` is closed.
///
/// `program` is the name and version of the program, shown in messages. [`crate::runtimes::open`] opens the runtimes of this crate; a
/// program that links another runtime handles that one first:
///
/// ```no_run
/// # use mnas_latency::{Device, Runtime, RuntimeError, RuntimeKind, agent, runtimes};
/// # fn open_libtorch(_: &Device) -> Result<Box<dyn Runtime>, RuntimeError> { unimplemented!() }
/// let mut open = |device: &Device| match device.runtime {
///     RuntimeKind::LibTorch => open_libtorch(device),
///     _ => runtimes::open(device, &runtimes::Libraries::default()),
/// };
/// let input = std::io::BufReader::new(std::io::stdin());
/// agent::serve(input, std::io::stdout(), "my-agent 1.0.0", &mut open)?;
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn serve(
    input: impl BufRead + Send + 'static,
    output: impl Write + Send,
    program: &str,
    open: &mut OpenRuntime<'_>,
) -> std::io::Result<()> {
    let mut agent = Agent {
        open,
        runtime: None,
        models: HashMap::new(),
        pin: None,
    };
    let identity = Identity {
        protocol: PROTOCOL,
        program: program.to_owned(),
        payload: serde_json::Value::Null,
    };
    pipe::serve(
        input,
        output,
        &identity,
        || (),
        |request, _| agent.handle(request).unwrap_or_else(Reply::Error),
    )
}

fn fault(kind: FaultKind, reason: impl Into<String>) -> Fault {
    Fault {
        kind,
        reason: reason.into(),
    }
}

fn no_runtime() -> Fault {
    fault(FaultKind::Request, "no runtime is open")
}

struct Agent<'a, 'o> {
    open: &'a mut OpenRuntime<'o>,
    runtime: Option<Box<dyn Runtime>>,
    models: HashMap<u64, Box<dyn LoadedModel>>,
    /// Processors on which models are loaded and run.
    pin: Option<Pin>,
}

impl Agent<'_, '_> {
    fn handle(&mut self, request: Request) -> Result<Reply, Fault> {
        match request {
            Request::Open {
                runtime,
                threads,
                precision,
                processor,
            } => self.open(&Device {
                name: "agent".to_owned(),
                runtime,
                threads,
                precision,
                processor,
                agent: None,
                table: None,
            }),
            Request::Load { model, name, content } => self.load(model, name, content),
            Request::Run { steps } => self.run(&steps),
            Request::Unload { model } => match self.models.remove(&model) {
                Some(_) => Ok(Reply::Unloaded),
                None => Err(unknown_model(model)),
            },
            Request::Conditions => {
                let runtime = self.runtime.as_mut().ok_or_else(no_runtime)?;
                Ok(Reply::Conditions(runtime.conditions().map_err(fault_of)?))
            }
        }
    }

    fn open(&mut self, device: &Device) -> Result<Reply, Fault> {
        self.models.clear();
        let runtime = (self.open)(device).map_err(fault_of)?;
        let opened = Reply::Opened {
            runtime: runtime.name().to_owned(),
            version: runtime.version().to_owned(),
            host: runtime.host(),
            models: runtime.model_form(),
        };
        self.pin = Pin::choose(runtime.pinnable_threads());
        self.runtime = Some(runtime);
        Ok(opened)
    }

    fn load(&mut self, number: u64, name: String, content: Content) -> Result<Reply, Fault> {
        let runtime = self.runtime.as_mut().ok_or_else(no_runtime)?;
        let content = content_of(content)?;
        let _held = self.pin.as_ref().and_then(Pin::hold);
        let model = runtime.load(&Model { name, content }).map_err(fault_of)?;
        self.models.insert(number, model);
        Ok(Reply::Loaded)
    }

    fn run(&mut self, steps: &[(u64, u32)]) -> Result<Reply, Fault> {
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
        let _held = self.pin.as_ref().and_then(Pin::hold);
        let times = runtime.burst(&mut models, &steps).map_err(fault_of)?;
        Ok(Reply::Times {
            ms: times.into_iter().map(|time| time.0).collect(),
        })
    }
}

fn content_of(content: Content) -> Result<ModelContent, Fault> {
    let wrong = |what: &str, error: String| fault(FaultKind::Request, format!("the {what}: {error}"));
    Ok(match content {
        Content::Onnx { input, file } => {
            let [channels, height, width] = input;
            let file = BASE64
                .decode(file)
                .map_err(|error| wrong("model is not base64", error.to_string()))?;
            let input = Shape {
                channels,
                height,
                width,
            };
            ModelContent::Onnx { file, input }
        }
        Content::Block(text) => ModelContent::Block(
            text.parse()
                .map_err(|error| wrong("block key cannot be read", format!("{error}")))?,
        ),
        Content::Network(text) => {
            let parsed = text.parse();
            ModelContent::Network(parsed.map_err(|error| wrong("architecture cannot be read", format!("{error}")))?)
        }
    })
}

fn unknown_model(number: u64) -> Fault {
    fault(FaultKind::Request, format!("there is no model {number}"))
}

fn fault_of(error: RuntimeError) -> Fault {
    match error {
        RuntimeError::Refused { reason, .. } => fault(FaultKind::Refused, reason),
        RuntimeError::Failed { reason, .. } => fault(FaultKind::Failed, reason),
        other => fault(FaultKind::Failed, other.to_string()),
    }
}
