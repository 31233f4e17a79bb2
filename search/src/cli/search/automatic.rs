//! `mnas search --evaluator auto`: number and length of trainings that follow from the time.

use std::time::Duration;

use mnas_engine::problem::Problem;
use mnas_engine::study::{
    Choice, EvaluatorConfig, FinalsConfig, PlanFacts, StudyConfig, StudyState, TimePlan, TrainConfig, TrialCost,
};
use mnas_engine::training::{Recipe, TrainDevice};
use mnas_engine::worker::Ready;
use mnas_space::Architecture;
use mnas_space::random::stream;

use super::super::error::CliError;
use super::super::train::num_cores;
use super::choices::Choices;
use super::values::EvaluatorName;
use crate::report::{Printer, units};
use crate::worker_client::{TrainingLoad, throughput};

/// Points of each published network beside the candidates: the time is for candidates.
pub(super) const REFERENCES: usize = 1;

/// Finalists at most, where no number is asked for: one for each worker.
const FINALISTS: usize = 3;

/// Epochs of a final training below which the recipe of the short trainings suits it better than one that regularises strongly.
const SHORT_FINAL: u32 = 40;

/// Share of a final training in which the learning rate rises.
const WARMUP: f64 = 0.1;

/// Random networks among which those that are timed are chosen, and their places in the order of multiply-adds: a search under a budget
/// mostly proposes large ones.
const DRAWS: u64 = 200;
const DRAWN: usize = 30;
const PLACES: [f64; 2] = [0.6, 0.9];

/// Time to measure the speed of each of them.
const MEASURED: Duration = Duration::from_millis(1500);

/// Choices from which a plan of the time follows.
#[derive(Debug)]
pub struct Automatic {
    /// The time in all.
    pub total: Duration,
    /// Number of finalists, where one is asked for.
    pub finalists: Option<usize>,
    /// Recipe of the finalists, where one is asked for.
    pub final_recipe: Option<Recipe>,
    /// Recipe of long final trainings.
    pub default_final_recipe: Recipe,
    /// Images of the finalists, where they or those of the trials are limited.
    pub final_images: Option<usize>,
}

/// The flags that say what a plan decides, each with whether it is given.
fn decided(choices: &Choices) -> [(&'static str, bool); 4] {
    [
        ("--trials", choices.trials.is_some()),
        ("--epochs", choices.epochs.is_some()),
        ("--final-epochs", choices.final_epochs.is_some()),
        ("--halving", choices.halving.is_some()),
    ]
}

/// The evaluator of choices that name none.
pub(super) fn default_evaluator(choices: &Choices) -> EvaluatorName {
    let is_decided = decided(choices).iter().any(|(_, given)| *given);
    // A plan does not know the time that the fine-tuning of a parent takes.
    if choices.time.is_some() && !is_decided && choices.pretrained.is_none() {
        EvaluatorName::Auto
    } else {
        EvaluatorName::Train
    }
}

/// The time to plan; without one, or with choices that a plan makes, there is no plan.
pub(super) fn time_of(choices: &Choices) -> Result<Duration, CliError> {
    let Some(time) = choices.time else {
        return Err(CliError::usage(
            "--evaluator auto plans a time; give it, such as --time 30m",
        ));
    };
    match decided(choices).into_iter().find(|(_, given)| *given) {
        Some((flag, _)) => Err(CliError::usage(format!(
            "{flag} is decided by the plan of --evaluator auto; leave it out, or use --evaluator train"
        ))),
        None => Ok(time),
    }
}

impl Automatic {
    /// Decides the trainings of a study whose images were loaded once after `preparation`.
    pub(super) fn decide(
        &self,
        config: &mut StudyConfig,
        problem: &Problem,
        ready: &Ready,
        preparation: Duration,
        printer: &Printer,
    ) -> Result<(), CliError> {
        let workers = workers(config);
        let references = config.reference_points(&problem.space);
        let EvaluatorConfig::Train(training) = &mut config.evaluator else {
            return Err(CliError::failure("a plan is for trainings"));
        };
        let networks = typical_networks(problem, config.seed);
        let finalists = self.finalists.unwrap_or_else(|| workers.clamp(1, FINALISTS));
        let final_recipe = self.final_recipe.as_ref().unwrap_or(&self.default_final_recipe);
        let facts = PlanFacts {
            total: self.total,
            preparation,
            images_per_s: measure_speed(training, &networks, workers, printer)?,
            train_images: ready.train,
            val_images: ready.val,
            references,
            recipe_epochs: training.recipe.epochs,
            has_finals: finalists > 0,
            most_final_epochs: final_recipe.epochs,
        };
        let (plan, short) = TimePlan::divide(&facts).map_err(|error| {
            let needed = humantime::format_duration(error.needed);
            CliError::usage(error.to_string()).with_help(format!(
                "give --time {needed} or more, a smaller --budget, fewer --references, or say what to train with --trials and --epochs"
            ))
        })?;
        config.trials = short.candidates;
        let trial_recipe = training.recipe.clone();
        training.recipe.set_epochs(short.epochs);
        training.data.images = short.images.or(training.data.images);
        training.finals = (finalists > 0).then(|| {
            let images = ready.train.min(self.final_images.unwrap_or(usize::MAX));
            let cost = relative_cost(training, &networks);
            let epochs = plan.expected_final_epochs(finalists, workers, images, cost);
            let recipe = match &self.final_recipe {
                Some(asked) => asked,
                None if epochs < SHORT_FINAL => &trial_recipe,
                None => &self.default_final_recipe,
            };
            FinalsConfig {
                count: finalists,
                recipe: shortened(recipe, epochs),
                images: self.final_images,
            }
        });
        training.plan = Some(plan);
        config.check()?;
        Ok(())
    }
}

/// Final trainings of the number of epochs that the rest of a planned time allows; `None` where nothing is planned.
pub(super) fn decide_finals(config: &StudyConfig, state: &StudyState, chosen: &[Choice]) -> Option<FinalsConfig> {
    let training = config.training()?;
    let (plan, finals) = (training.plan?, training.finals.as_ref()?);
    // What has begun stays as it was decided.
    if !state.finals().all().is_empty() {
        return None;
    }
    let cost = TrialCost {
        epochs: training.recipe.epochs,
        images: limited(&plan, training.data.images),
        final_images: limited(&plan, finals.images),
        proxy: training.proxy,
    };
    let epochs = plan.final_epochs(&cost, state.trials(), chosen, workers(config))?;
    Some(FinalsConfig {
        recipe: shortened(&finals.recipe, epochs),
        ..finals.clone()
    })
}

/// Time left for short trainings of a study with a plan: none once finalists are chosen.
pub(super) fn search_time(config: &StudyConfig, state: &StudyState) -> Option<Duration> {
    let plan = config.training()?.plan?;
    if !state.finals().all().is_empty() {
        return Some(Duration::ZERO);
    }
    Some(Duration::from_secs_f64(
        plan.search_left_s(state.trials(), workers(config)),
    ))
}

/// The plan of a study in words; `None` where nothing is planned.
pub(super) fn describe(config: &StudyConfig, references: usize) -> Option<String> {
    let training = config.training()?;
    let plan = training.plan?;
    let time = |seconds: f64| humantime::format_duration(Duration::from_secs(seconds.round() as u64)).to_string();
    let images = limited(&plan, training.data.images);
    let trainings = format!(
        "{} candidates and up to {references} references, {} of {} images each",
        config.trials,
        units::epochs(training.recipe.epochs),
        units::grouped(images as u64),
    );
    let finals = training.finals.as_ref().map_or_else(
        || "no finalists".to_owned(),
        |finals| {
            format!(
                "{} for the {} best in full, about {} epochs of all images, recipe {}. The final trainings of the references come on top",
                time(plan.finals_s),
                finals.count,
                finals.recipe.epochs,
                finals.recipe.name
            )
        },
    );
    Some(format!(
        "plan for {}: {} for preparation; {} for {trainings}; {finals} ({} images/s measured on networks within the constraints)",
        time(plan.total_s),
        time(plan.preparation_s),
        time(plan.search_s),
        units::grouped(plan.images_per_s.round() as u64)
    ))
}

/// Number of training images of a plan, where at most `images` are read.
fn limited(plan: &TimePlan, images: Option<usize>) -> usize {
    plan.train_images.min(images.unwrap_or(usize::MAX))
}

fn workers(config: &StudyConfig) -> usize {
    config.workers.iter().map(|worker| worker.count).sum::<usize>().max(1)
}

/// The recipe with another number of epochs and a warm-up in proportion.
fn shortened(recipe: &Recipe, epochs: u32) -> Recipe {
    let mut recipe = recipe.clone();
    recipe.warmup_epochs = recipe.warmup_epochs.min(WARMUP * f64::from(epochs));
    recipe.set_epochs(epochs);
    recipe
}

/// Networks within the constraints whose trainings take as long as those of most proposals.
fn typical_networks(problem: &Problem, seed: u64) -> Vec<Architecture> {
    let drawn = (0..DRAWS).filter_map(|number| {
        let genotype = problem.space.sample(&mut stream(seed, "plan", number, 0));
        problem.admit_genotype(&genotype).ok()
    });
    let mut drawn: Vec<Architecture> = drawn.take(DRAWN).map(|proposal| proposal.architecture).collect();
    if drawn.is_empty() {
        drawn.push(problem.least(problem.size_metric()).1.architecture);
    }
    drawn.sort_by_key(|network| network.cost().macs);
    let at = |place: f64| drawn[((drawn.len() - 1) as f64 * place).round() as usize].clone();
    let mut chosen: Vec<Architecture> = PLACES.into_iter().map(at).collect();
    chosen.dedup();
    chosen
}

/// Training images a second of all workers together, the harmonic mean over networks.
fn measure_speed(
    training: &TrainConfig,
    networks: &[Architecture],
    workers: usize,
    printer: &Printer,
) -> Result<f64, CliError> {
    let bar = printer.progress("measuring the speed of trainings", networks.len() as u64);
    // Workers elsewhere are taken to be as fast as this machine's.
    let here = match training.train_device {
        TrainDevice::Cpu => workers.min((num_cores() / training.threads_per_worker.max(1)).max(1)),
        TrainDevice::Cuda(_) => 1,
    };
    let mut seconds_per_image = 0.0;
    for network in networks {
        let speed = throughput(&TrainingLoad {
            architecture: &training.proxy.apply(network),
            batch_size: training.recipe.batch_size,
            workers: here,
            threads: training.threads_per_worker,
            time: MEASURED,
            device: training.train_device,
        })?;
        let all = speed.images_per_s / here as f64 * workers as f64;
        seconds_per_image += 1.0 / all.max(f64::MIN_POSITIVE);
        bar.add(1);
    }
    Ok(networks.len() as f64 / seconds_per_image)
}

/// Multiply-adds of deployed networks in those of the networks trained in their place.
fn relative_cost(training: &TrainConfig, networks: &[Architecture]) -> f64 {
    let macs = |network: &Architecture| network.cost().macs as f64;
    let deployed: f64 = networks.iter().map(macs).sum();
    let trained: f64 = networks
        .iter()
        .map(|network| macs(&training.proxy.apply(network)))
        .sum();
    deployed / trained.max(1.0)
}
