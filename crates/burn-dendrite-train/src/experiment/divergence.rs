//! What is said of a training whose activity ran away.

use std::{path::PathBuf, sync::Arc};

use burn::train::Interrupter;

use super::{Display, Experiment, ExperimentError, learn::Course};
use crate::{
    health::{Divergence, Health, Occasion},
    model::PlasticNetwork,
    run::{self, Position, RunFolder},
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
        let from = (latest.as_ref()).map_or(Position::START, |(_, position)| *position);
        let checkpoint = latest.map(|(file, position)| (file, position.samples_in(&segments)));
        if seen.occasion == Occasion::Training && seen.population.is_some() {
            return ExperimentError::Diverged {
                divergence: seen,
                checkpoint,
            };
        }
        let again = Self {
            display: Display::Quiet,
            ..self
        };
        let before = again.settings.batches_before(from);
        let interrupter = Interrupter::new();
        let health = Arc::new(Health::locating(seen.step, before, &interrupter));
        let located = again.engine().ok().and_then(|engine| {
            let course = Course {
                folder,
                engine,
                from,
                chunks: None,
                stopwatch: &Stopwatch::default(),
                health: &health,
                interrupter,
            };
            again.learn(model, course).ok()?;
            health.divergence()
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
