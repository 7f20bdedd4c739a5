//! burn's dashboard, on a terminal whose keys still end a program.
//!
//! burn draws it, and answers the keys that choose what is drawn. Its raw mode would swallow Ctrl-C and
//! Ctrl-\ as well; here they go on to send signals, see `keys.rs`.

use std::io::IsTerminal;

use burn::train::{
    Interrupter, LearnerSummary,
    logger::{EvaluationProgressLogger, TrainingProgressLogger},
    metric::MetricDefinition,
    renderer::{
        EvaluationName, MetricState, MetricsRenderer, MetricsRendererEvaluation,
        MetricsRendererTraining, tui::TuiMetricsRendererWrapper,
    },
};

use crate::Stop;

mod keys;

use keys::Keys;

/// A renderer that draws burn's dashboard.
///
/// burn's part has an [`Interrupter`] of its own. It resets it when training ends, whatever it was
/// used for, so that nobody else should trust it.
pub struct Dashboard {
    /// Before the keys: it is on the screen until it is dropped.
    burn: TuiMetricsRendererWrapper,
    asked: Interrupter,
    stop: Stop,
    _keys: Keys,
}

impl Dashboard {
    /// Whether this process can draw on a terminal, and read its keys.
    pub fn is_possible() -> bool {
        let is_dumb = std::env::var_os("TERM").is_some_and(|name| name == "dumb");
        std::io::stdout().is_terminal() && !is_dumb && keys::are_ours()
    }

    /// Draws on the terminal, until dropped.
    ///
    /// # Errors
    ///
    /// If there is none.
    pub(crate) fn open(stop: Stop, checkpoint: Option<usize>) -> std::io::Result<Self> {
        let keys = Keys::open()?;
        let asked = Interrupter::new();
        Ok(Self {
            burn: TuiMetricsRendererWrapper::new(asked.clone(), checkpoint),
            asked,
            stop,
            _keys: keys,
        })
    }

    /// Hands on what somebody answered to burn's question after `q`.
    fn heed(&self) {
        if self.asked.should_stop() {
            self.stop.request();
        }
    }
}

impl MetricsRendererTraining for Dashboard {
    fn update_train(&mut self, state: MetricState) {
        self.heed();
        self.burn.update_train(state);
    }

    fn update_valid(&mut self, state: MetricState) {
        self.heed();
        self.burn.update_valid(state);
    }

    fn on_train_end(
        &mut self,
        summary: Option<LearnerSummary>,
    ) -> Result<(), Box<dyn core::error::Error>> {
        self.heed();
        self.burn.on_train_end(summary)
    }
}

impl MetricsRendererEvaluation for Dashboard {
    fn update_test(&mut self, name: EvaluationName, state: MetricState) {
        self.burn.update_test(name, state);
    }

    fn on_test_end(
        &mut self,
        summary: Option<LearnerSummary>,
    ) -> Result<(), Box<dyn core::error::Error>> {
        self.burn.on_test_end(summary)
    }
}

impl TrainingProgressLogger for Dashboard {
    fn start(
        &mut self,
        total_epochs: usize,
        starting_epoch: usize,
        total_items: Option<usize>,
        label: Option<&str>,
    ) {
        self.burn
            .start(total_epochs, starting_epoch, total_items, label);
    }

    fn update_epoch(&mut self, epoch: usize) {
        self.burn.update_epoch(epoch);
    }

    fn start_split(&mut self, split: &str, total_items: usize) {
        self.burn.start_split(split, total_items);
    }

    fn update_split(&mut self, items_processed: usize) {
        self.burn.update_split(items_processed);
    }

    fn end_split(&mut self) {
        self.burn.end_split();
    }

    fn end(&mut self) {
        self.burn.end();
    }

    fn log_event_training(&mut self, event: String) {
        self.burn.log_event_training(event);
    }
}

impl EvaluationProgressLogger for Dashboard {
    fn start_global_progress(&mut self, total_tests: usize) {
        self.burn.start_global_progress(total_tests);
    }

    fn start_test(&mut self, name: &str, total_items: usize) {
        self.burn.start_test(name, total_items);
    }

    fn update_test_progress(&mut self, items_processed: usize) {
        self.burn.update_test_progress(items_processed);
    }

    fn end_test(&mut self) {
        self.burn.end_test();
    }

    fn end_global_progress(&mut self) {
        self.burn.end_global_progress();
    }

    fn log_event_evaluation(&mut self, event: String) {
        self.burn.log_event_evaluation(event);
    }
}

impl MetricsRenderer for Dashboard {
    fn manual_close(&mut self) {
        self.burn.manual_close();
    }

    fn register_metric(&mut self, definition: MetricDefinition) {
        self.burn.register_metric(definition);
    }
}
