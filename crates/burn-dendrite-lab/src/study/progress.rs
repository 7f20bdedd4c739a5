//! What somebody who waits for a study sees.

use std::{
    io::IsTerminal,
    time::{Duration, Instant},
};

use burn_dendrite_train::{experiment::duration, output::report};
use indicatif::{ProgressBar, ProgressStyle};

/// Hears how far the tasks of a pool are.
pub trait Watch {
    /// So much of all the work is done, and these tasks are running.
    fn step(&mut self, done: u64, running: &[&str]);
    /// A task has ended well with this result; with it so much of all the work is done.
    fn finished(&mut self, label: &str, result: &str, done: u64);
}

/// One display for all tasks: a bar with the time left on a terminal, a line a task elsewhere.
pub struct Progress {
    view: View,
    total: u64,
    started: Instant,
}

enum View {
    Bar(ProgressBar),
    Lines { finished: usize, tasks: usize },
    Nothing,
}

impl Progress {
    /// The display that suits the standard error stream.
    pub fn new(what: &'static str, tasks: usize, total: u64) -> Self {
        let view = if std::io::stderr().is_terminal() {
            let style = "{prefix} {wide_bar} {percent:>3} %  {msg}";
            let bar = ProgressBar::new(total).with_prefix(what);
            // The template is fixed; a bar in the usual style is as good.
            if let Ok(style) = ProgressStyle::with_template(style) {
                bar.set_style(style);
            }
            View::Bar(bar)
        } else {
            View::Lines { finished: 0, tasks }
        };
        Self::with(view, total)
    }

    /// No display.
    pub fn quiet() -> Self {
        Self::with(View::Nothing, 0)
    }

    fn with(view: View, total: u64) -> Self {
        Self {
            view,
            total,
            started: Instant::now(),
        }
    }

    fn left(&self, done: u64) -> Option<Duration> {
        time_left(self.started.elapsed(), done, self.total)
    }
}

/// How long the rest takes at the speed so far; unknown before there is any.
fn time_left(elapsed: Duration, done: u64, total: u64) -> Option<Duration> {
    let rest = total.saturating_sub(done);
    (done > 0).then(|| elapsed.mul_f64(rest as f64 / done as f64))
}

impl Watch for Progress {
    fn step(&mut self, done: u64, running: &[&str]) {
        if let View::Bar(bar) = &self.view {
            bar.set_position(done);
            let left = self
                .left(done)
                .map_or(String::new(), |left| format!("{} left: ", duration(left)));
            bar.set_message(format!("{left}{}", running.join(", ")));
        }
    }

    fn finished(&mut self, label: &str, result: &str, done: u64) {
        let left = self.left(done).unwrap_or_default();
        match &mut self.view {
            View::Bar(bar) => {
                bar.set_position(done);
                bar.println(format!("{label}: {result}"));
            }
            View::Lines { finished, tasks } => {
                *finished += 1;
                report(format!(
                    "{finished:>3} of {tasks}   {label}: {result}   {} left",
                    duration(left)
                ));
            }
            View::Nothing => {}
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let View::Bar(bar) = &self.view {
            bar.finish_and_clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rest_takes_as_long_as_what_is_done() {
        let left = |done| time_left(Duration::from_secs(30), done, 400);
        assert_eq!(left(100), Some(Duration::from_secs(90)));
        assert_eq!(left(400), Some(Duration::ZERO));
        assert_eq!(left(0), None);
    }
}
