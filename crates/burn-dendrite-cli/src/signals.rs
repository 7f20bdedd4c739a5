//! Being asked to end.

use std::{io, process, sync::OnceLock, thread};

use burn_dendrite_lab::study::ENDS_WITH_INPUT;
use burn_dendrite_train::{Stop, stop::INTERRUPTED};

/// What there is to ask, once there is something to save.
static STOP: OnceLock<Stop> = OnceLock::new();

/// What Ctrl-C asks for from now on, as does the system that wants this process to end, and the end
/// of whoever started it as one of many. Until then each of them ends the process at once.
pub(super) fn stop_on_request() -> anyhow::Result<Stop> {
    let stop = STOP.get_or_init(Stop::new).clone();
    let asked = stop.clone();
    ctrlc::set_handler(move || asked.request())?;
    Ok(stop)
}

/// Ends this process when its standard input ends, if it was started to do so: nobody writes anything,
/// but the system closes the pipe when the process at its other end is gone, by whatever signal.
pub(super) fn end_with_parent() {
    if std::env::var_os(ENDS_WITH_INPUT).is_none() {
        return;
    }
    let watch = || {
        // An error is an end as well.
        let _ = io::copy(&mut io::stdin().lock(), &mut io::sink());
        match STOP.get() {
            Some(stop) => stop.request(),
            None => process::exit(i32::from(INTERRUPTED)),
        }
    };
    // Without the thread the process ends as if nobody had asked, which is no reason not to begin.
    let _ = thread::Builder::new().name("input".to_owned()).spawn(watch);
}
