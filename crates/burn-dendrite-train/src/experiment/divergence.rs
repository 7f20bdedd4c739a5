//! What is said of a training whose activity ran away.

use std::{path::PathBuf, sync::Arc};

use burn::train::Interrupter;

use super::{Display, Experiment, ExperimentError};
use crate::{
    health::{Divergence, Health, Occasion},
    model::PlasticNetwork,
    run::{self, RunFolder},
    timing::Stopwatch,
};

impl Experiment {
    /// The error for a training that left the numbers that make sense. The steps since the last
    /// checkpoint are repeated to find where it began.
    pub(super) fn diverged(
        self,
        folder: &RunFolder,
        model: PlasticNetwork,
        seen: Divergence,
    ) -> ExperimentError {
        let latest = run::latest_checkpoint(folder.path());
        let segments = self.settings.segments();
        let finished = latest.as_ref().map_or(0, |(_, segment)| *segment);
        let checkpoint = latest.map(|(file, segment)| (file, segments.samples_before(segment)));
        if seen.occasion == Occasion::Training && seen.population.is_some() {
            return ExperimentError::Diverged {
                divergence: seen,
                checkpoint,
            };
        }
        let again = Self {
            display: Display::Quiet,
            interrupter: Interrupter::new(),
            ..self
        };
        let before = again.settings.batches_before(finished);
        let health = Arc::new(Health::locating(seen.step, before, &again.interrupter));
        let stopwatch = Stopwatch::default();
        let located = again.engine().ok().and_then(|engine| {
            let repeated = again.learn(folder, model, None, finished, &stopwatch, &health, engine);
            repeated.ok().and_then(|_| health.divergence())
        });
        ExperimentError::Diverged {
            divergence: located.unwrap_or(seen),
            checkpoint,
        }
    }
}

/// What there is to go back to, and what could be done.
pub(super) fn way_back(checkpoint: &Option<(PathBuf, usize)>) -> String {
    let checkpoint = match checkpoint {
        Some((file, samples)) => format!(
            "the last good checkpoint is `{}`, after {samples} samples",
            file.display()
        ),
        None => "there is no checkpoint before that".to_owned(),
    };
    format!(
        "{checkpoint}; smaller learning rates may help, and `--on-divergence skip` leaves such \
         updates out"
    )
}
