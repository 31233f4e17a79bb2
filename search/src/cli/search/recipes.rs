//! Recipes that the choices name, of trials and of final trainings.

use mnas_engine::study::{FinalsConfig, Halving};
use mnas_engine::training::Recipe;

use super::super::error::CliError;
use super::super::train::open_recipe;
use super::choices::Choices;
use super::pretrained;

/// The recipe of trials.
pub(super) fn recipe_of(choices: &Choices, default: &str) -> Result<Recipe, CliError> {
    let mut recipe = match (&choices.recipe, &choices.recipe_table) {
        (Some(name), _) => open_recipe(name)?,
        (None, Some(recipe)) => recipe.clone(),
        (None, None) => Recipe::embedded(default)?,
    };
    if let Some(epochs) = choices.epochs {
        recipe.set_epochs(epochs);
    }
    Ok(recipe)
}

/// Successive halving, where it is asked for.
pub(super) fn halving_of(choices: &Choices) -> Result<Option<Halving>, CliError> {
    let Some(factor) = choices.halving else {
        return match choices.min_epochs {
            Some(_) => Err(CliError::usage(
                "--min-epochs is for successive halving; ask for it with --halving 3",
            )),
            None => Ok(None),
        };
    };
    if !choices.warm_start.is_empty() {
        return Err(CliError::usage(
            "--warm-start takes results of trainings in full over, with --halving every training goes through shorter ones; \
             leave one of the two out",
        ));
    }
    let min_epochs = choices.min_epochs.unwrap_or(1);
    Ok(Some(Halving { factor, min_epochs }))
}

/// Finalists where a recipe is named for them and no number.
const FINALISTS: usize = 3;

/// The final trainings, where they are requested.
pub(super) fn finals_of(choices: &Choices, default: &str) -> Result<Option<FinalsConfig>, CliError> {
    let count = choices
        .finalists
        .unwrap_or(if choices.names_final_training() || choices.pretrained.is_some() {
            FINALISTS
        } else {
            0
        });
    if count == 0 {
        return Ok(None);
    }
    if choices.pretrained.is_some() {
        return Ok(Some(FinalsConfig {
            count,
            recipe: pretrained::full_recipe(choices)?,
            images: choices.final_images,
        }));
    }
    let mut recipe = open_recipe(choices.final_recipe.as_deref().unwrap_or(default))?;
    if let Some(epochs) = choices.final_epochs {
        recipe.set_epochs(epochs);
    }
    Ok(Some(FinalsConfig {
        count,
        recipe,
        images: choices.final_images,
    }))
}
